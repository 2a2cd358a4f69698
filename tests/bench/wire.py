"""Sends batches to the real central with the agent's own transport, and itemises every byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from edge_agent.journal.rows import SENT_LEAVES
from edge_agent.uplink.sealing import SENT_BYTES
from edge_agent.uplink.transport import Answer, Transport
from protocols.evidence.leaf import Leaf, Log, Origin, encode_leaf
from protocols.evidence.merkle import EMPTY, Frontier
from protocols.evidence.note import Signer, Verifier
from protocols.evidence.upload import Upload, check_receipt, encode_upload, seal, unsent_text
from tests.bench.material import GATEWAY, SECRET
from tests.bench.proxy import CountingProxy, Traffic

PATH = "/v1/upload"
RECORD_BYTES = 22  # TLS 1.3: header 5, content type 1, authentication tag 16


class Bytes(NamedTuple):
    """Bytes at the socket; the items add up to ``request``."""

    telemetry: int = 0
    billing: int = 0
    checkpoints: int = 0
    envelopes: int = 0  # origin, first, SHA-256, block salts, CBOR
    headers: int = 0
    tls: int = 0
    response: int = 0
    values: int = 0
    posts: int = 0

    @property
    def request(self) -> int:
        return sum(self[:6])

    def plus(self, other: Bytes) -> Bytes:
        return Bytes(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Gateway:
    """The sending side: where both logs stand, and one connection through the proxy."""

    def __init__(
        self, proxy: CountingProxy, transport: Transport, signer: Signer, receipts: Verifier
    ) -> None:
        self._proxy = proxy
        self._transport = transport
        self._signer = signer
        self._receipts = receipts
        self._frontiers: dict[Log, Frontier] = dict.fromkeys(Log, EMPTY)

    def send(self, telemetry: Sequence[Leaf], billing: Sequence[Leaf]) -> Bytes:
        """Billing first, then telemetry, cut as the agent cuts; none for an empty log."""
        total = Bytes()
        for log, leaves in ((Log.BILLING, billing), (Log.TELEMETRY, telemetry)):
            for part in uploads_of(leaves):
                total = total.plus(self._post(log, part))
        return total

    def _post(self, log: Log, leaves: Sequence[Leaf]) -> Bytes:
        sealed = seal(Origin(GATEWAY, log, 0), self._frontiers[log], leaves, SECRET, self._signer)
        body = encode_upload(sealed.upload)
        before = self._proxy.traffic()
        answer = self._transport.post(PATH, body, unsent_text(0, 0))
        passed = self._proxy.traffic() - before
        if not isinstance(answer, Answer) or answer.status != 200:
            raise RuntimeError(f"central did not take a batch: {answer}")
        check_receipt(sealed.upload.checkpoint, answer.body, self._receipts)
        self._frontiers[log] = sealed.frontier
        values = sum(len(leaf.body) for leaf in leaves) if log is Log.TELEMETRY else 0
        return _itemise(log, sealed.upload, len(body), passed, values)


def uploads_of(leaves: Sequence[Leaf]) -> Iterator[list[Leaf]]:
    """As the agent cuts them."""
    part: list[Leaf] = []
    left = SENT_BYTES
    for leaf in leaves:
        size = len(encode_leaf(leaf))
        if part and (size > left or len(part) == SENT_LEAVES):
            yield part
            part, left = [], SENT_BYTES
        part.append(leaf)
        left -= size
    if part:
        yield part


def _itemise(log: Log, upload: Upload, body: int, passed: Traffic, values: int) -> Bytes:
    """Share out the request's bytes; on an open TLS 1.3 connection all records are data."""
    payload, checkpoint = len(upload.payload), len(upload.checkpoint)
    tls = RECORD_BYTES * passed.request.records
    return Bytes(
        telemetry=payload if log is Log.TELEMETRY else 0,
        billing=payload if log is Log.BILLING else 0,
        checkpoints=checkpoint,
        envelopes=body - payload - checkpoint,
        headers=passed.request.byte_count - tls - body,
        tls=tls,
        response=passed.response.byte_count,
        values=values,
        posts=1,
    )


def reconnect_cost(
    proxy: CountingProxy, transports: Iterable[Transport], again: bytes
) -> list[Traffic]:
    """Traffic of one and the same POST over each transport, new or open: what a handshake adds.

    ``again`` is an upload that central holds already, so that every answer is the same 409.
    """
    measured = []
    for transport in transports:
        before = proxy.traffic()
        answer = transport.post(PATH, again, unsent_text(0, 0))
        if not isinstance(answer, Answer) or answer.status != 409:
            raise RuntimeError(f"central did not answer 409: {answer}")
        measured.append(proxy.traffic() - before)
    return measured
