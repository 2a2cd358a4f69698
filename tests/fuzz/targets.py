"""What reads bytes from outside, each as a function of bytes, with a good input to begin with.

A target returns, or raises EvidenceError; anything else is a crash.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocols.evidence import cbor
from protocols.evidence.adopt import Adoption, decode_adoption, encode_adoption
from protocols.evidence.batch import decode_batch
from protocols.evidence.enrol import decode_answer, encode_answer, open_request, sign_request
from protocols.evidence.enrol_token import Token
from protocols.evidence.errors import EvidenceError
from protocols.evidence.export_text import Export, Part, open_export, sign_export
from protocols.evidence.facts import parse_epoch, parse_loss
from protocols.evidence.fleet import fleet_origin, fleet_tree, open_fleet, sign_fleet
from protocols.evidence.heads import Heads, StoredHead, decode_heads, encode_heads
from protocols.evidence.key_change import KeyChange, Place, sign_change, verify_change
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import decode_leaf, encode_leaf
from protocols.evidence.merkle import EMPTY, Hole, hole_of
from protocols.evidence.note import Signer, open_checkpoint, open_cosignature
from protocols.evidence.offer import Offer, decode_offers, encode_offers, open_offer, sign_offer
from protocols.evidence.order import Order, decode_orders, encode_orders, open_order, sign_order
from protocols.evidence.parcel import (
    ParcelKey,
    decode_receipts,
    encode_receipts,
    open_parcel,
    seal_parcel,
)
from protocols.evidence.proof import Proof, decode_proof, encode_proof
from protocols.evidence.published import open_keys, sign_keys
from protocols.evidence.receipt_keys import follow, split_successions
from protocols.evidence.upload import (
    EMPTY_HEAD,
    Conflict,
    accept,
    countersign,
    decode_conflict,
    decode_upload,
    encode_conflict,
    encode_upload,
    seal,
)
from tests.protocols.evidence.published_samples import FLEET, KEYS, OLD_CENTRAL, PUBLISHER
from tests.protocols.evidence.samples import (
    CENTRAL,
    GATEWAY,
    SECRET,
    TELEMETRY,
    scan_leaves,
    with_failed_polls,
)
from tests.protocols.evidence.test_enrol import APPROVED, LOG_KEY, REQUEST

Target = Callable[[bytes], object]

LEAVES: Final = with_failed_polls(scan_leaves("noisy", rounds=3))
SEALED: Final = seal(TELEMETRY, EMPTY, LEAVES, SECRET, GATEWAY)
UPLOAD: Final = SEALED.upload
RECEIPT: Final = countersign(UPLOAD.checkpoint, CENTRAL, 1_790_000_000)
SALTS: Final = dict(UPLOAD.block_salts)
OFFER: Final = sign_offer(
    Offer("gw-1", 7, "configuration", 1_796_083_200_000, "Li", "new", (b"b" * 32, b"[x]")), GATEWAY
)
ORDER: Final = sign_order(Order("gw-1", 7, "gas", ("G", 1)), GATEWAY)


def _batch(data: bytes) -> object:
    return decode_batch(data, TELEMETRY, range(len(LEAVES)), SALTS)


def _accept(data: bytes) -> object:
    return accept(EMPTY_HEAD, decode_upload(data), GATEWAY.verifier, None)


def _signed_payload(data: bytes) -> object:
    """A payload whose hash is right, as a gateway that was taken over would send it."""
    digest = hashlib.sha256(data).digest()
    upload = UPLOAD._replace(payload=data, payload_sha256=digest)
    return accept(EMPTY_HEAD, upload, GATEWAY.verifier, None)


def _body(parse: Callable[[cbor.Body], object]) -> Target:
    def target(data: bytes) -> object:
        item = cbor.decode(data, "body", 65_536, 4_096)
        return parse(item) if isinstance(item, tuple) else None

    return target


def _key_change(body: cbor.Body) -> None:
    verify_change(KeyChange.from_body(body), 0, 1)


def _text(read: Callable[[str], object]) -> Target:
    return lambda data: read(data.decode("utf-8", "replace"))


def _hole(data: bytes) -> object:
    return Hole.from_bytes(3, 9, data)


PARCEL_KEY: Final = bytes(range(32))
PARCEL: Final = b"".join(
    seal_parcel(
        "gw-1",
        ParcelKey(X25519PrivateKey.from_private_bytes(PARCEL_KEY).public_key().public_bytes_raw()),
        bytes([9]) * 32,
        [encode_upload(UPLOAD)],
    )
)
STORED: Final = StoredHead(TELEMETRY, len(LEAVES), UPLOAD.checkpoint, RECEIPT)
CHANGE: Final = sign_change(Place(0, 1, 5), GATEWAY, Signer.from_private_bytes("gw-1", b"n" * 32))
PROOF: Final = encode_proof(Proof(3, (bytes(32),) * 5, UPLOAD.checkpoint + RECEIPT))

EXPORT: Final = Export("gw-1", 0, 1, 2, 0, 0, (Part(TELEMETRY, SEALED.frontier, 99, 1),))
FLEET_NOTE: Final = sign_fleet(
    fleet_tree(fleet_origin("central", "2026-11-26"), [UPLOAD.checkpoint]), PUBLISHER, FLEET, 1
)

# name: (target, a good input). Every decoder of bytes, files and answers of protocols/evidence.
TARGETS: Final[dict[str, tuple[Target, bytes]]] = {
    "leaf": (decode_leaf, encode_leaf(LEAVES[0])),
    "upload": (_accept, encode_upload(UPLOAD)),
    "payload": (_signed_payload, UPLOAD.payload),
    "batch": (_batch, UPLOAD.payload),
    "checkpoint": (lambda data: open_checkpoint(data, GATEWAY.verifier), UPLOAD.checkpoint),
    "receipt": (
        lambda data: open_cosignature(UPLOAD.checkpoint, data, CENTRAL.verifier),
        RECEIPT,
    ),
    "conflict": (decode_conflict, encode_conflict(Conflict(24, UPLOAD.checkpoint, RECEIPT))),
    "order": (lambda data: open_order(data, GATEWAY.verifier, "gw-1"), ORDER),
    "orders": (decode_orders, encode_orders((ORDER,))),
    "offer": (lambda data: open_offer(data, GATEWAY.verifier, "gw-1"), OFFER),
    "offers": (decode_offers, encode_offers((OFFER,))),
    "heads": (lambda data: decode_heads(data, "gw-1"), encode_heads(Heads(0, (STORED,)))),
    "adoption": (
        decode_adoption,
        encode_adoption(Adoption(TELEMETRY, SEALED.frontier, UPLOAD.checkpoint, RECEIPT)),
    ),
    "hole": (_hole, hole_of(3, [bytes([n]) * 32 for n in range(6)]).to_bytes()),
    "loss": (_body(parse_loss), cbor.encode(("dropped", None, 0, 0, 0, 3, None, None, ""))),
    "epoch": (_body(parse_epoch), cbor.encode(("salvaged", 0, (), ""))),
    "key_change": (_body(_key_change), cbor.encode(CHANGE.to_body())),
    "keys": (_text(KeySchedule.from_text), KeySchedule.of(GATEWAY.vkey).to_text().encode()),
    "published": (open_keys, sign_keys(KEYS, PUBLISHER)),
    "receipt_keys": (
        lambda data: follow(OLD_CENTRAL.vkey, split_successions(data)),
        KEYS.successions[0],
    ),
    "enrol_token": (
        _text(Token.from_text),
        Token("gw-1", bytes(16), bytes(32), bytes(32)).to_text().encode(),
    ),
    "enrol_request": (open_request, sign_request(REQUEST, LOG_KEY)),
    "enrol_answer": (decode_answer, encode_answer(APPROVED)),
    "proof": (decode_proof, PROOF),
    "export": (lambda data: open_export(data, PUBLISHER.verifier), sign_export(EXPORT, PUBLISHER)),
    "fleet": (lambda data: open_fleet(data, KEYS.publisher), FLEET_NOTE),
    "parcel": (lambda data: list(open_parcel([data], PARCEL_KEY)), PARCEL),
    "receipts": (lambda data: list(decode_receipts([data])), b"".join(encode_receipts([STORED]))),
}


def run(name: str, data: bytes) -> None:
    """One input. Whatever is no EvidenceError goes up."""
    with contextlib.suppress(EvidenceError):
        TARGETS[name][0](data)
