"""Central's heads of a gateway: what it holds of the newest epoch, asked for before a first upload.

Deterministic CBOR: [version 1, newest epoch | null, [[origin, size, checkpoint, receipt], ...]],
billing before telemetry, only logs that exist. Each head can be verified alone: its checkpoint is
signed by the gateway, its receipt by central. The request is signed like that for orders.
"""

import base64
from typing import Final, NamedTuple

from protocols.evidence import cbor
from protocols.evidence.cbor import Item
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import MAX_EPOCH, Log, Origin, is_gateway_id, parse_origin
from protocols.evidence.merkle import MAX_SIZE
from protocols.evidence.note import MAX_NOTE_BYTES, Signer, Verifier, decode_base64

VERSION: Final = 1
PATH: Final = "/v1/heads/"
MAX_HEADS_BYTES: Final = len(Log) * (2 * MAX_NOTE_BYTES + 256)
_MAX_ITEMS: Final = 4 + 5 * len(Log)


class StoredHead(NamedTuple):
    """Where central's copy of one log ends: its last checkpoint and the receipt for it."""

    origin: Origin
    size: int
    checkpoint: bytes
    receipt: bytes


class Heads(NamedTuple):
    """The newest epoch that central knows, None where it knows none; the logs it holds of it.

    An epoch without logs: central was told to take nothing below it (a key was renewed).
    """

    newest_epoch: int | None
    heads: tuple[StoredHead, ...]

    def of(self, log: Log) -> StoredHead | None:
        """The head of one log."""
        return next((head for head in self.heads if head.origin.log is log), None)


def encode_heads(heads: Heads) -> bytes:
    """Central: the body of the answer. Raises Malformed for what `decode_heads` would refuse."""
    _check(heads)
    items = tuple((str(head.origin), *head[1:]) for head in heads.heads)
    return cbor.encode((VERSION, heads.newest_epoch, items))


def decode_heads(data: bytes, gateway: str) -> Heads:
    """Gateway: read the answer strictly; nothing of it is verified yet. Raises Malformed."""
    match cbor.decode(data, "heads", MAX_HEADS_BYTES, _MAX_ITEMS):
        case (1, int() | None as newest, tuple(items)):
            heads = Heads(newest, tuple(_read_head(item) for item in items))
        case _:
            raise Malformed("heads: not [version 1, newest epoch, heads]")
    _check(heads)
    if any(head.origin.gateway != gateway for head in heads.heads):
        raise Malformed(f"heads: of another gateway than {gateway}")
    return heads


def sign_heads_request(gateway: str, signer: Signer) -> str:
    """Gateway: the header that asks for its heads.

    It needs no freshness: asking takes nothing away, and the answer is no secret of the gateway's.
    """
    return base64.b64encode(signer.sign(_request_text(gateway))).decode("ascii")


def check_heads_request(gateway: str, header: str, verifier: Verifier) -> None:
    """Central: raise Malformed or BadSignature unless a key of the gateway asked this."""
    verifier.verify(_request_text(gateway), decode_base64(header, "request"))


def _request_text(gateway: str) -> bytes:
    """No checkpoint, order or other request begins like this."""
    if not is_gateway_id(gateway):
        raise Malformed(f"request: bad gateway id {gateway[:80]!r}")
    return f"gas-heads/{gateway}\n".encode("ascii")


def _read_head(item: Item) -> StoredHead:
    match item:
        case (str(origin), int(size), bytes(checkpoint), bytes(receipt)):
            return StoredHead(parse_origin(origin), size, checkpoint, receipt)
        case _:
            raise Malformed("heads: a head is not [origin, size, checkpoint, receipt]")


def _check(heads: Heads) -> None:
    newest = heads.newest_epoch
    if newest is not None and not 0 <= newest <= MAX_EPOCH:
        raise Malformed(f"heads: epoch {newest} outside 0..{MAX_EPOCH}")
    logs = [head.origin.log for head in heads.heads]
    if logs != [log for log in Log if log in logs]:
        raise Malformed("heads: not each log once, billing first")
    for head in heads.heads:
        if head.origin.epoch != newest:
            raise Malformed(f"heads: {head.origin} is not of the newest epoch {newest}")
        if not 0 < head.size <= MAX_SIZE:
            raise Malformed(f"heads: {head.origin} with {head.size} leaves")
        if max(len(head.checkpoint), len(head.receipt)) > MAX_NOTE_BYTES:
            raise Malformed(f"heads: a note of {head.origin} is too long")
