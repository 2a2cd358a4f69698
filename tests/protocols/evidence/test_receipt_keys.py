"""The receipt key is followed from the pinned one, by signatures of both keys and no other way."""

import pytest

from protocols.evidence.errors import BadSignature, EvidenceError, Malformed
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.note import Checkpoint, KeyType, Signer, cosign, sign_checkpoint
from protocols.evidence.receipt_keys import (
    MAX_SUCCESSIONS,
    Succession,
    follow,
    open_succession,
    sign_succession,
    split_successions,
)

ONE, TWO, THREE, FOUR = (
    Signer.from_private_bytes("central", seed * 32, KeyType.COSIGNATURE)
    for seed in (b"1", b"2", b"3", b"4")
)
NOTE_KEY = Signer.from_private_bytes("central", b"1" * 32)
FIRST = sign_succession(1, ONE, TWO, 1_800_000_000)
SECOND = sign_succession(2, TWO, THREE, 1_900_000_000)


def forged(number, claimed_old, signer, new):
    """A succession that says another old key than the one that signed it."""
    true = sign_succession(number, signer, new, 5)
    return true.replace(signer.vkey.encode(), claimed_old.vkey.encode())


def test_golden_text():
    """The text is the one that was agreed, to the byte."""
    text = f"gas-receipt-key/v1\n1\n{ONE.vkey}\n{TWO.vkey}\n1800000000\n\n"
    assert FIRST.startswith(text.encode())
    assert FIRST.count(b"\n") == 8
    assert open_succession(FIRST) == Succession(1, ONE.vkey, TWO.vkey, 1_800_000_000)


@pytest.mark.parametrize(
    ("pinned", "notes", "keys"),
    [
        (ONE, (), (ONE,)),
        (ONE, (FIRST,), (ONE, TWO)),
        (ONE, (FIRST, SECOND), (ONE, TWO, THREE)),
        (TWO, (FIRST, SECOND), (TWO, THREE)),  # enrolled after the first change
        (THREE, (FIRST, SECOND), (THREE,)),
    ],
)
def test_the_chain_is_followed_from_the_pinned_key(pinned, notes, keys):
    """The pinned key and all that came after it, none of before it."""
    found = follow(pinned.vkey, split_successions(b"".join(notes)))
    assert [key.vkey for key in found] == [key.vkey for key in keys]


@pytest.mark.parametrize(
    ("pinned", "notes", "error", "told"),
    [
        (FOUR, (FIRST, SECOND), BadSignature, "never signed"),
        (ONE, (SECOND,), Malformed, "breaks the chain"),
        (ONE, (SECOND, FIRST), Malformed, "breaks the chain"),
        (ONE, (FIRST, FIRST), Malformed, "breaks the chain"),
        (ONE, (FIRST, sign_succession(2, ONE, FOUR, 6)), Malformed, "breaks the chain"),
        (ONE, (FIRST, sign_succession(3, TWO, FOUR, 6)), Malformed, "breaks the chain"),
        (ONE, (FIRST, sign_succession(2, TWO, ONE, 6)), Malformed, "comes back"),
        (ONE, (forged(1, ONE, FOUR, TWO),), BadSignature, "another key"),
        (ONE, (FIRST,) * (MAX_SUCCESSIONS + 1), Malformed, "at most"),
    ],
)
def test_a_chain_that_is_not_whole_is_not_believed(pinned, notes, error, told):
    """Unsigned, forked, reordered, repeated, foreign: none of its keys is taken."""
    with pytest.raises(error, match=told):
        follow(pinned.vkey, notes)


def test_every_changed_bit_is_refused():
    """No bit of a succession can be another."""
    for at in range(len(FIRST)):
        for bit in range(8):
            changed = bytearray(FIRST)
            changed[at] ^= 1 << bit
            with pytest.raises(EvidenceError):
                open_succession(bytes(changed))


def test_a_receipt_is_no_succession_and_a_succession_no_receipt():
    """What a receipt key signs for one use is good for no other."""
    note = sign_checkpoint(Checkpoint(Origin("gw-1", Log.BILLING, 0), 7, b"r" * 32), NOTE_KEY)
    line = cosign(note, ONE, 5)
    text = FIRST[: FIRST.index(b"\n\n") + 1]
    with pytest.raises(EvidenceError):
        open_succession(text + b"\n" + line + line)


@pytest.mark.parametrize(
    ("number", "old", "new", "time_s", "told"),
    [
        (0, ONE, TWO, 5, "number 0"),
        (MAX_SUCCESSIONS + 1, ONE, TWO, 5, "number 65"),
        (1, ONE, ONE, 5, "the old one"),
        (1, NOTE_KEY, TWO, 5, "for notes"),
        (1, ONE, TWO, -1, "time -1"),
    ],
)
def test_what_could_not_be_followed_is_not_signed(number, old, new, time_s, told):
    """Numbers, keys and times that `follow` refuses are refused by who signs."""
    with pytest.raises(Malformed, match=told):
        sign_succession(number, old, new, time_s)


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        FIRST[:-1],
        FIRST + b"\n",
        FIRST.replace(b"v1", b"v2"),
        b"\n" * 8,
        FIRST * 65,
        b"\xff\n",
    ],
)
def test_an_answer_of_another_form_is_refused(data):
    """Whole notes only, no more than are read."""
    with pytest.raises(EvidenceError):
        follow(ONE.vkey, split_successions(data))
