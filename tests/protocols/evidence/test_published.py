"""Published keys: read back as written, every bit under the signature, each key in its time."""

from dataclasses import replace

import pytest

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import Log
from protocols.evidence.merkle import EMPTY
from protocols.evidence.note import Checkpoint, cosign, sign_checkpoint
from protocols.evidence.published import (
    GRACE_S,
    PublishedKeys,
    check_stored,
    open_keys,
    sign_keys,
    with_receipt,
)
from tests.protocols.evidence.published_samples import (
    CHANGED_S,
    FLEET,
    KEYS,
    OLD_CENTRAL,
    PUBLISHER,
    TIME_S,
)
from tests.protocols.evidence.samples import BILLING, CENTRAL, GATEWAY, STRANGER

NOTE = sign_keys(KEYS, PUBLISHER)
CHECKPOINT = sign_checkpoint(Checkpoint(BILLING, 5, EMPTY.root()), GATEWAY)


def stored(signer=CENTRAL, time_s=TIME_S, checkpoint=CHECKPOINT):
    return with_receipt(checkpoint, cosign(checkpoint, signer, time_s))


def test_what_is_published_is_read_back() -> None:
    """All fields, and the fingerprint that people compare."""
    assert open_keys(NOTE) == KEYS or open_keys(NOTE).logs == KEYS.logs
    read = open_keys(NOTE)
    assert sign_keys(read, PUBLISHER) == NOTE
    assert read.publisher.fingerprint == KEYS.publisher.fingerprint
    assert len(read.publisher.fingerprint) == 64


def test_no_changed_bit_is_read() -> None:
    """One bit of each byte here; all bits in the test of whole proofs."""
    for at in range(len(NOTE)):
        changed = bytearray(NOTE)
        changed[at] ^= 1 << at % 7
        with pytest.raises((Malformed, BadSignature)):
            open_keys(bytes(changed))


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace(b"gas-keys/v1", b"gas-keys/v2"),
        NOTE.replace(b"\ntime ", b"\ntime  "),
        NOTE.replace(b"\nfleet ", b"\npublisher "),
        NOTE[: NOTE.index(b"\nreceipt")] + NOTE[NOTE.index(b"\ngas-log-keys") :],
        NOTE + NOTE[NOTE.rindex("—".encode()) :],
        NOTE[:-1],
        b"\xff" + NOTE,
        NOTE + b" " * 3_000_000,
    ],
)
def test_another_form_is_refused(note: bytes) -> None:
    """Missing or doubled lines, other bytes, and what is too long."""
    with pytest.raises((Malformed, BadSignature)):
        open_keys(note)


def test_only_the_publisher_signs_and_only_possible_keys() -> None:
    """Another signer, a receipt key that signs notes, and a time out of range are refused."""
    with pytest.raises(BadSignature):
        sign_keys(KEYS, GATEWAY)
    for wrong in (
        KEYS._replace(first_receipt=GATEWAY.vkey),
        KEYS._replace(time_s=-1),
        KEYS._replace(publisher=KEYS.publisher._replace(verifier=CENTRAL.verifier)),
    ):
        with pytest.raises((Malformed, BadSignature)):
            sign_keys(wrong, PUBLISHER)


def test_a_checkpoint_with_its_receipt_names_keys_and_time() -> None:
    """The gateway's signature and central's receipt are verified together."""
    found = check_stored(stored(), KEYS)
    assert found.checkpoint == Checkpoint(BILLING, 5, EMPTY.root())
    assert (found.received_s, found.receipt_key.vkey) == (TIME_S, CENTRAL.vkey)
    assert found.log_key.vkey == GATEWAY.vkey


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (stored(signer=OLD_CENTRAL), "not in force"),
        (stored(time_s=CHANGED_S - GRACE_S - 1), "not in force"),
        (stored(signer=OLD_CENTRAL, time_s=CHANGED_S + GRACE_S + 1), "not in force"),
        (stored(checkpoint=sign_checkpoint(Checkpoint(BILLING, 5, bytes(32)), STRANGER)), "key"),
        (CHECKPOINT, "signature lines"),
        (CHECKPOINT + CHECKPOINT[CHECKPOINT.rindex("—".encode()) :], "none of central's"),
        (with_receipt(CHECKPOINT, stored(time_s=1)[len(CHECKPOINT) :]), "not in force"),
    ],
)
def test_a_key_out_of_its_time_is_refused(note: bytes, why: str) -> None:
    """A receipt key before it came and after it went, a strange log key, a missing receipt."""
    with pytest.raises((Malformed, BadSignature), match=why):
        check_stored(note, KEYS)


def test_the_old_receipt_key_holds_for_its_time() -> None:
    """Also for a while after: a running server is told of the new one later."""
    for time_s in (1, CHANGED_S, CHANGED_S + GRACE_S):
        found = check_stored(stored(signer=OLD_CENTRAL, time_s=time_s), KEYS)
        assert found.receipt_key.vkey == OLD_CENTRAL.vkey


def test_a_revoked_log_key_holds_up_to_its_size() -> None:
    """What was signed before stays provable; a checkpoint beyond is refused."""
    for until, good in (((0, 5), True), ((0, 4), False)):
        keys: PublishedKeys = KEYS._replace(
            logs=replace(
                KEYS.logs,
                billing=tuple(span._replace(until=until) for span in KEYS.logs.spans(Log.BILLING)),
            )
        )
        assert open_keys(sign_keys(keys, PUBLISHER)).logs == keys.logs
        if good:
            check_stored(stored(), keys)
        else:
            with pytest.raises(BadSignature, match="revoked"):
                check_stored(stored(), keys)


def test_the_fleet_key_is_part_of_what_people_compare() -> None:
    """Another ML-DSA key gives another fingerprint."""
    other = KEYS.publisher._replace(fleet=type(FLEET)("central-fleet", bytes(32)).verifier)
    assert other.fingerprint != KEYS.publisher.fingerprint
