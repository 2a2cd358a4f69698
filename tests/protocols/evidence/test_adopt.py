"""Adoption: central goes on where the gateway is, if its own receipt proves that it was there."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence import cbor
from protocols.evidence.adopt import Adopted, Adoption, adopt, decode_adoption, encode_adoption
from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.merkle import EMPTY, Frontier
from protocols.evidence.note import Checkpoint, KeyType, Signer, cosign, sign_checkpoint
from protocols.evidence.upload import (
    EMPTY_HEAD,
    Equivocation,
    Head,
    Receipt,
    Refused,
    check_receipt,
)

GATEWAY = Signer.from_private_bytes("gw-1", b"g" * 32)
CENTRAL = Signer.from_private_bytes("central", b"c" * 32, KeyType.COSIGNATURE)
STRANGER = Signer.from_private_bytes("central", b"x" * 32, KeyType.COSIGNATURE)
ORIGIN = Origin("gw-1", Log.BILLING, 0)
TIME_S = 1_780_000_000


def _tree(size: int, seed: bytes = b"") -> Frontier:
    return EMPTY.extend(hashlib.sha256(seed + bytes([n])).digest() for n in range(size))


def _head(frontier: Frontier, origin: Origin = ORIGIN, receipts: Signer = CENTRAL) -> Head:
    note = sign_checkpoint(Checkpoint(origin, frontier.size, frontier.root()), GATEWAY)
    return Head(frontier, note, cosign(note, receipts, TIME_S))


def _check(checkpoint: bytes, receipt: bytes) -> Receipt:
    return check_receipt(checkpoint, receipt, CENTRAL.verifier)


@given(st.integers(1, 70), st.integers(0, 69))
def test_central_goes_on_from_what_it_signed(size, behind):
    """Whatever the two sizes: the head moves, and the hole between them is named."""
    first = min(behind, size - 1)
    small = _head(_tree(first)) if first else EMPTY_HEAD
    large = _head(_tree(size))
    taken = adopt(small, Adoption(ORIGIN, *large), GATEWAY.verifier, _check)
    assert taken == Adopted(large, first, Receipt(size, large.frontier.root(), TIME_S))


@given(st.integers(1, 70), st.integers(1, 69))
def test_another_tree_is_seen_where_the_two_share_a_subtree(size, behind):
    """What both trees must have in common is compared; a difference is an equivocation."""
    first = min(behind, size - 1)
    if not first:
        return
    small, large = _head(_tree(first, b"other")), _head(_tree(size))
    outcome = adopt(small, Adoption(ORIGIN, *large), GATEWAY.verifier, _check)
    shared = size.bit_length() == first.bit_length()
    assert isinstance(outcome, Equivocation if shared else Adopted)


@pytest.mark.parametrize(
    ("adoption", "code", "told"),
    [
        (Adoption(ORIGIN, *_head(_tree(9), receipts=STRANGER)), "signature", "another key"),
        (Adoption(ORIGIN._replace(epoch=1), *_head(_tree(9))), "content", "checkpoint is of"),
        (Adoption(ORIGIN, _tree(9, b"x"), *_head(_tree(9))[1:]), "content", "another tree"),
        (Adoption(ORIGIN, _tree(8), *_head(_tree(9))[1:]), "content", "another tree"),
        (Adoption(ORIGIN, *_head(_tree(5))), "content", "not fewer"),
        (Adoption(ORIGIN, *_head(_tree(4))), "content", "not fewer"),
        (Adoption(ORIGIN, _tree(9), b"", b""), "content", "note"),
        (Adoption(ORIGIN, _tree(9), _head(_tree(9))[1], b"-"), "content", "signature line"),
    ],
)
def test_what_is_refused(adoption, code, told):
    """A stranger's receipt, another log, another tree, nothing new, no notes at all."""
    outcome = adopt(_head(_tree(5)), adoption, GATEWAY.verifier, _check)
    assert isinstance(outcome, Refused)
    assert (outcome.code, told in outcome.reason) == (code, True), outcome


def test_a_checkpoint_of_another_key_is_refused():
    """Central's receipt alone does not make a log another gateway's."""
    other = Signer.from_private_bytes("gw-1", b"x" * 32)
    outcome = adopt(EMPTY_HEAD, Adoption(ORIGIN, *_head(_tree(9))), other.verifier, _check)
    assert isinstance(outcome, Refused)
    assert outcome.code == "signature"


def test_every_bit_counts():
    """No changed bit of the message is adopted."""
    data = encode_adoption(Adoption(ORIGIN, *_head(_tree(5))))
    assert decode_adoption(data) == Adoption(ORIGIN, *_head(_tree(5)))
    taken = 0
    for at in range(8 * len(data)):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        try:
            outcome = adopt(EMPTY_HEAD, decode_adoption(bytes(changed)), GATEWAY.verifier, _check)
        except EvidenceError:
            continue
        taken += isinstance(outcome, Adopted)
    assert taken == 0


@pytest.mark.parametrize(
    "item",
    [(), (0, str(ORIGIN), 0, b"", b"", b""), (1, "gw", 0, b"", b"", b""), (1, str(ORIGIN), 1, b"")],
)
def test_another_shape_is_refused(item):
    """Only the six fields of version 1, and hashes that fit the size."""
    with pytest.raises(Malformed):
        decode_adoption(cbor.encode(item))
