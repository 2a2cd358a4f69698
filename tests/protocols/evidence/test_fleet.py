"""The daily checkpoint over all gateways: order, both signatures, inclusion of each checkpoint."""

import pytest

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.fleet import (
    check_fleet_proof,
    fleet_origin,
    fleet_proof,
    fleet_tree,
    in_order,
    leaf_origin,
    open_fleet,
    sign_fleet,
)
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.merkle import EMPTY
from protocols.evidence.mldsa import MlDsaSigner
from protocols.evidence.note import Checkpoint, Signer, cosign, sign_checkpoint
from protocols.evidence.published import with_receipt
from tests.protocols.evidence.published_samples import FLEET, KEYS, PUBLISHER, TIME_S
from tests.protocols.evidence.samples import CENTRAL


def newest(number: int, log: Log = Log.BILLING) -> bytes:
    """The newest checkpoint of a gateway's log, with its receipt."""
    name = f"gw-{number}"
    signer = Signer.from_private_bytes(name, bytes([number]) * 32)
    checkpoint = sign_checkpoint(Checkpoint(Origin(name, log, 0), number, EMPTY.root()), signer)
    return with_receipt(checkpoint, cosign(checkpoint, CENTRAL, TIME_S))


NOTES = in_order([newest(3), newest(1, Log.TELEMETRY), newest(2), newest(1), newest(12)])
ORIGIN = fleet_origin("central", "2026-11-26")
HEAD = fleet_tree(ORIGIN, NOTES)
NOTE = sign_fleet(HEAD, PUBLISHER, FLEET, TIME_S)


def test_leaves_stand_in_the_order_of_their_origins() -> None:
    """Whatever order they are given in, the tree is the same."""
    names = [str(leaf_origin(note)) for note in NOTES]
    assert names == sorted(names)
    assert in_order(NOTES[::-1]) == NOTES


def test_a_day_is_signed_by_both_keys() -> None:
    """The head is read back with its day and time; another key of either kind is refused."""
    found = open_fleet(NOTE, KEYS.publisher)
    assert (found.head, found.day, found.time_s) == (HEAD, "2026-11-26", TIME_S)
    stranger = Signer.from_private_bytes("central-fleet", bytes(32))
    for publisher in (
        KEYS.publisher._replace(verifier=stranger.verifier),
        KEYS.publisher._replace(fleet=MlDsaSigner("central-fleet", bytes(32)).verifier),
    ):
        with pytest.raises(BadSignature):
            open_fleet(NOTE, publisher)
    other = sign_fleet(HEAD._replace(size=6), PUBLISHER, FLEET, TIME_S)
    mixed = other.replace(b"\n6\n", b"\n5\n")
    with pytest.raises(BadSignature):
        open_fleet(mixed, KEYS.publisher)


@pytest.mark.parametrize("note", NOTES)
def test_each_checkpoint_is_proven_to_be_in_it(note: bytes) -> None:
    """The proof verifies for its own checkpoint, and for no other."""
    proof = fleet_proof(NOTE, NOTES, leaf_origin(note))
    assert check_fleet_proof(note, proof, KEYS.publisher).head == HEAD
    for other in NOTES:
        if other != note:
            with pytest.raises(Malformed):
                check_fleet_proof(other, proof, KEYS.publisher)


def test_no_changed_bit_of_a_head_is_accepted() -> None:
    """A bit of each byte of the signed note, text and both lines."""
    for at in range(len(NOTE)):
        changed = bytearray(NOTE)
        changed[at] ^= 1 << at % 7
        with pytest.raises((Malformed, BadSignature)):
            open_fleet(bytes(changed), KEYS.publisher)


def test_what_cannot_be_is_refused() -> None:
    """One log twice, no log, a log that is not in it, a bad day, a leaf without receipt."""
    with pytest.raises(Malformed, match="twice"):
        in_order([newest(1), newest(1)])
    with pytest.raises(Malformed):
        in_order([])
    with pytest.raises(Malformed):
        fleet_proof(NOTE, NOTES, Origin("gw-9", Log.BILLING, 0))
    for central, day in (("central", "2026-11-2"), ("a b", "2026-11-26"), ("", "2026-11-26")):
        with pytest.raises(Malformed):
            fleet_origin(central, day)
    with pytest.raises(Malformed):
        leaf_origin(newest(1).rpartition("—".encode())[0])
    foreign = sign_fleet(HEAD._replace(origin="gas-evidence/x/y/0"), PUBLISHER, FLEET, TIME_S)
    with pytest.raises(Malformed):
        open_fleet(foreign, KEYS.publisher)
