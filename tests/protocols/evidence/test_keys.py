"""Key schedules: one key a place, whatever rotations, revocations and renewals there were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.key_change import Place, sign_change
from protocols.evidence.keys import MAX_SPANS, KeySchedule, KeySpan, key_fingerprint
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.note import KeyType, Signer

A, B, C = (Signer.from_private_bytes("gw-1", seed * 32) for seed in (b"a", b"b", b"c"))
FOREIGN = Signer.from_private_bytes("gw-2", b"a" * 32)
FIRST = KeySchedule.of(A.vkey)
ROTATED = FIRST.rotated(sign_change(Place(0, 10, 200), A, B), 0, 10)
RENEWED = ROTATED.revoked({Log.BILLING: (0, 50), Log.TELEMETRY: (0, 300)}).renewed(C.vkey, 3)

# Made once by to_text. Whoever changes it changes the contract.
GOLDEN = (
    "gas-log-keys/v1\n"
    f"billing 0 0 0/50 {A.vkey}\n"
    f"billing 0 11 0/50 {B.vkey}\n"
    f"billing 3 0 - {C.vkey}\n"
    f"telemetry 0 0 0/300 {A.vkey}\n"
    f"telemetry 0 200 0/300 {B.vkey}\n"
    f"telemetry 3 0 - {C.vkey}\n"
)


def origin(log=Log.BILLING, epoch=0, gateway="gw-1"):
    return Origin(gateway, log, epoch)


@pytest.mark.parametrize(
    ("schedule", "log", "epoch", "size", "key"),
    [
        (FIRST, Log.BILLING, 0, 1, A),
        (FIRST, Log.TELEMETRY, 7, 1 << 40, A),
        (ROTATED, Log.BILLING, 0, 11, A),  # the batch that ends with the KEY leaf is the old key's
        (ROTATED, Log.BILLING, 0, 12, B),
        (ROTATED, Log.TELEMETRY, 0, 200, A),
        (ROTATED, Log.TELEMETRY, 0, 201, B),
        (ROTATED, Log.BILLING, 1, 1, B),
        (RENEWED, Log.BILLING, 0, 11, A),
        (RENEWED, Log.BILLING, 0, 50, B),
        (RENEWED, Log.BILLING, 0, 51, None),
        (RENEWED, Log.BILLING, 1, 1, None),
        (RENEWED, Log.TELEMETRY, 0, 300, B),
        (RENEWED, Log.TELEMETRY, 2, 1, None),
        (RENEWED, Log.BILLING, 3, 1, C),
        (RENEWED, Log.TELEMETRY, 9, 5, C),
        (FIRST.revoked({}), Log.BILLING, 0, 1, None),  # revoked before anything came
    ],
)
def test_each_place_has_one_key_or_none(schedule, log, epoch, size, key):
    """By log, epoch and size: the old key up to the boundary, the new one beyond, none revoked."""
    if key is None:
        with pytest.raises(BadSignature, match="revoked"):
            schedule.key_for(origin(log, epoch), size)
    else:
        assert schedule.key_for(origin(log, epoch), size).vkey == key.vkey


def test_golden_text():
    """The text form is the one that was agreed, and is read as what it was made of."""
    assert RENEWED.to_text() == GOLDEN
    assert KeySchedule.from_text(GOLDEN) == RENEWED


def test_another_gateway_has_no_key_here():
    """An origin of another gateway is refused by name."""
    with pytest.raises(BadSignature, match="keys of gw-1"):
        FIRST.key_for(origin(gateway="gw-2"), 1)


def test_a_schedule_knows_its_newest_key_and_all_of_them():
    """What signs now, whether anything may, and every key that ever did."""
    assert (RENEWED.newest, RENEWED.is_revoked(), RENEWED.gateway) == (C.vkey, False, "gw-1")
    assert RENEWED.vkeys() == (A.vkey, B.vkey, C.vkey)
    assert ROTATED.revoked({Log.BILLING: (0, 12)}).is_revoked()


def test_two_rotations_without_a_scan_between():
    """Where telemetry did not grow, the key between them never signs there."""
    twice = ROTATED.rotated(sign_change(Place(0, 11, 200), B, C), 0, 11)
    assert twice.key_for(origin(Log.TELEMETRY), 200).vkey == A.vkey
    assert twice.key_for(origin(Log.TELEMETRY), 201).vkey == C.vkey
    assert twice.key_for(origin(), 12).vkey == B.vkey


@pytest.mark.parametrize(
    ("schedule", "change", "epoch", "seq", "error", "told"),
    [
        (FIRST, sign_change(Place(0, 10, 0), B, C), 0, 10, BadSignature, "not in force"),
        (FIRST, sign_change(Place(0, 10, 0), A, B), 0, 11, BadSignature, "not signed"),
        (ROTATED, sign_change(Place(0, 20, 300), A, C), 0, 20, BadSignature, "not in force"),
        (ROTATED, sign_change(Place(0, 20, 300), B, A), 0, 20, BadSignature, "in use before"),
        (ROTATED, sign_change(Place(0, 20, 199), B, C), 0, 20, Malformed, "change before"),
        (ROTATED, sign_change(Place(0, 9, 300), B, C), 0, 9, Malformed, "change before"),
        (
            ROTATED.revoked({Log.BILLING: (0, 20), Log.TELEMETRY: (0, 300)}),
            sign_change(Place(0, 15, 300), B, C),
            0,
            15,
            BadSignature,
            "revoked",
        ),
        (
            FIRST,
            sign_change(Place(0, 9, 3), FOREIGN, Signer.from_private_bytes("gw-2", b"z" * 32)),
            0,
            9,
            BadSignature,
            "not in force",
        ),
    ],
)
def test_a_rotation_that_the_key_in_force_did_not_sign_is_refused(
    schedule, change, epoch, seq, error, told
):
    """Retired, revoked and foreign keys rotate nothing, and nothing rotates backwards."""
    with pytest.raises(error, match=told):
        schedule.rotated(change, epoch, seq)


def test_a_revocation_is_never_taken_back():
    """Revoked at more afterwards, it stays at less."""
    once = FIRST.revoked({Log.BILLING: (1, 5), Log.TELEMETRY: (1, 9)})
    again = once.revoked({Log.BILLING: (2, 5), Log.TELEMETRY: (1, 7)})
    assert (again.billing[0].until, again.telemetry[0].until) == ((1, 5), (1, 7))


@pytest.mark.parametrize(
    ("vkey", "epoch", "told"),
    [(A.vkey, 4, "in use before"), (C.vkey, 0, "was begun"), (FOREIGN.vkey, 4, "more than one")],
)
def test_a_renewal_needs_a_new_key_of_this_gateway_and_a_new_epoch(vkey, epoch, told):
    """Whatever else is no renewal."""
    with pytest.raises(Malformed, match=told):
        ROTATED.renewed(vkey, epoch)


RECEIPT_KEY = Signer.from_private_bytes("gw-1", b"r" * 32, KeyType.COSIGNATURE).vkey


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOLDEN[:-1],
        GOLDEN + "\n",
        GOLDEN.replace("v1", "v2"),
        GOLDEN.replace("billing", "Billing"),
        GOLDEN.replace("0/50", "0/050"),
        GOLDEN.replace("0/50", "00/50"),
        GOLDEN.replace("0/50", "50"),
        GOLDEN.replace(" - ", "  - "),
        GOLDEN.replace("billing 3 0", "billing 0 5"),
        GOLDEN.replace("billing 3 0", f"billing {1 << 31} 0"),
        GOLDEN.replace(C.vkey, FOREIGN.vkey),
        GOLDEN.replace(C.vkey, RECEIPT_KEY),
        GOLDEN.replace(C.vkey, C.vkey[:-1]),
        "\n".join((*GOLDEN.split("\n")[:1], *reversed(GOLDEN.split("\n")[1:-1]), "")),
        "gas-log-keys/v1\n" + f"billing 0 0 - {A.vkey}\n",
        GOLDEN.replace("billing 0 11", "billing 0 0").replace(B.vkey, A.vkey),
    ],
)
def test_another_text_is_no_schedule(text):
    """One spelling, in order, of one gateway, both logs, log keys only."""
    with pytest.raises(Malformed):
        KeySchedule.from_text(text)


def test_the_number_of_keys_is_bounded():
    """More spans than are read are none."""
    spans = tuple(KeySpan(at, 0, (A, B)[at % 2].vkey) for at in range(MAX_SPANS + 1))
    KeySchedule(spans[:-1], spans[:-1])
    with pytest.raises(Malformed, match="1025 keys"):
        KeySchedule(spans, spans)


@given(
    steps=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 300), st.booleans()), max_size=6),
    size=st.integers(1, 2000),
    epoch=st.integers(0, 8),
)
def test_every_place_keeps_the_key_that_it_had(steps, size, epoch):
    """Later changes never change the key of a place before them; text and back changes nothing."""
    signers = [Signer.from_private_bytes("gw-1", bytes([at]) * 32) for at in range(len(steps) + 1)]
    schedule = KeySchedule.of(signers[0].vkey)
    at, seq, scans = 0, 0, 0
    for (more, more_scans, is_renewal), old, new in zip(steps, signers, signers[1:], strict=False):
        before = schedule
        if is_renewal:
            at, seq, scans = at + 1, 0, 0
            schedule = before.renewed(new.vkey, at)
            boundary = (at, 0)
        else:
            seq, scans = seq + 1 + more, scans + more_scans
            schedule = before.rotated(sign_change(Place(at, seq, scans), old, new), at, seq)
            boundary = (at, seq + 1)
        place = (epoch, size)
        wanted = before.key_for(origin(epoch=epoch), size).vkey if place <= boundary else new.vkey
        assert schedule.key_for(origin(epoch=epoch), size).vkey == wanted
    assert KeySchedule.from_text(schedule.to_text()) == schedule


@given(st.integers(0, len(GOLDEN) - 1), st.characters())
def test_a_changed_character_is_refused_or_another_schedule(at, character):
    """No text but the golden one reads as the golden schedule."""
    text = GOLDEN[:at] + character + GOLDEN[at + 1 :]
    if text == GOLDEN:
        return
    try:
        found = KeySchedule.from_text(text)
    except EvidenceError:
        return
    assert found != RENEWED


def test_a_fingerprint_is_short_and_of_the_whole_key():
    """Eight groups of four; another key has another one."""
    one, other = (key_fingerprint(f"gw-1+{digit * 8}+AQ==") for digit in "12")
    assert one != other
    assert len(one.split("-")) == 8
    assert {len(group) for group in one.split("-")} == {4}
