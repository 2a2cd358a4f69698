"""A rotation: golden bytes, both signatures needed, good for one place of one log only."""

import pytest

from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.key_change import (
    KeyChange,
    Place,
    sign_change,
    statement,
    verify_change,
)
from protocols.evidence.note import KeyType, Signer

OLD = Signer.from_private_bytes("gw-1", b"o" * 32)
NEW = Signer.from_private_bytes("gw-1", b"n" * 32)
OTHER = Signer.from_private_bytes("gw-2", b"n" * 32)
RECEIPTS = Signer.from_private_bytes("gw-1", b"r" * 32, KeyType.COSIGNATURE)
PLACE = Place(2, 1234, 56_789)

# Made once by `statement`. Whoever changes it changes the contract.
STATEMENT = (
    b"gas-key-change/v1\ngw-1\n2\n1234\n56789\n"
    b"gw-1+af5999fa+AchtAa2LL7aUsi/2Djydnn7ZDbVgR3K3RFDUCRO5qcuv\n"
    b"gw-1+948a5ef1+AQFOTZIsWWo4Ct/J7tci6DWCLxI2dhaT5Lq7YeGvuwTx\n"
)


def test_golden_statement():
    """What both keys sign is agreed to the byte, a fact a line."""
    assert statement(PLACE, OLD.vkey, NEW.vkey) == STATEMENT


def test_a_change_travels_as_a_body_and_verifies_at_its_place():
    """Sign, write as a leaf's body, read, verify."""
    change = KeyChange.from_body(sign_change(PLACE, OLD, NEW).to_body())
    verify_change(change, PLACE.epoch, PLACE.seq)
    assert change.telemetry_size == PLACE.telemetry_size


@pytest.mark.parametrize(("epoch", "seq"), [(2, 1233), (2, 1235), (1, 1234), (3, 1234)])
def test_a_change_is_good_for_its_place_only(epoch, seq):
    """Moved to another epoch or seq, it is a forgery."""
    with pytest.raises(BadSignature, match="not signed by"):
        verify_change(sign_change(PLACE, OLD, NEW), epoch, seq)


@pytest.mark.parametrize(
    "change",
    [
        sign_change(PLACE, OLD, NEW)._replace(telemetry_size=56_790),
        sign_change(PLACE, OLD, NEW)._replace(
            old_vkey=Signer.from_private_bytes("gw-1", b"x" * 32).vkey
        ),
        sign_change(PLACE, OLD, NEW)._replace(
            new_vkey=Signer.from_private_bytes("gw-1", b"x" * 32).vkey
        ),
        sign_change(PLACE, OLD, NEW)._replace(
            signature_new=sign_change(PLACE, OLD, NEW).signature_old
        ),
        sign_change(PLACE, OLD, NEW)._replace(signature_old=b"s" * 64),
        sign_change(PLACE, OLD, NEW)._replace(signature_new=b"s" * 63),
    ],
)
def test_both_keys_must_have_signed_just_this(change):
    """One signature missing, another key or another number: no rotation."""
    with pytest.raises(EvidenceError):
        verify_change(change, PLACE.epoch, PLACE.seq)


@pytest.mark.parametrize(
    ("place", "new", "told"),
    [
        (PLACE, OTHER, "gw-2"),
        (PLACE, OLD, "the old one"),
        (PLACE, RECEIPTS, "receipt key"),
        (PLACE._replace(seq=-1), NEW, "seq -1"),
        (PLACE._replace(epoch=1 << 31), NEW, "epoch"),
        (PLACE._replace(telemetry_size=(1 << 48) + 1), NEW, "telemetry size"),
    ],
)
def test_what_is_no_rotation_is_not_signed(place, new, told):
    """Another gateway's key, the same key, a key for receipts, or a place that no log has."""
    with pytest.raises(Malformed, match=told):
        sign_change(place, OLD, new)


@pytest.mark.parametrize(
    "body", [(), ("a", "b", 1, b"x"), ("a", "b", 1, b"x", b"y", 0), ("a", "b", "1", b"x", b"y")]
)
def test_another_body_is_no_change(body):
    """The body has five fields of their types and no other form."""
    with pytest.raises(Malformed, match="key change"):
        KeyChange.from_body(body)
