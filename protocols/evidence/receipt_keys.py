"""How central's receipt key is followed from the pinned one: each new key is signed by the old one.

A succession is a C2SP signed note with two signature lines, the old key's and the new one's, so
that nobody's key is named who did not agree. Its text begins like no cosigned checkpoint, so the
receipt key's other signatures are good for nothing here:

    gas-receipt-key/v1
    <number, from 1, one more with each>
    <old verifier key>
    <new verifier key>
    <time, s since 1970>

GET /v1/receipt-keys answers all of them, one after another.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import parse_decimal
from protocols.evidence.note import (
    MAX_NOTE_BYTES,
    MAX_TIME_S,
    KeyType,
    Signer,
    Verifier,
    check_signature_line,
    signature_line,
)

MAX_SUCCESSIONS: Final = 64
PATH: Final = "/v1/receipt-keys"
MAX_ANSWER_BYTES: Final = MAX_SUCCESSIONS * MAX_NOTE_BYTES
_TITLE: Final = "gas-receipt-key/v1"
_LINES: Final = 8  # five of text, an empty one, two signatures


class Succession(NamedTuple):
    """One change of the receipt key, as its text says. Old and new are verifier keys."""

    number: int
    old_vkey: str
    new_vkey: str
    time_s: int


def sign_succession(number: int, old: Signer, new: Signer, time_s: int) -> bytes:
    """Central: the note. Raises Malformed for what `follow` would refuse."""
    text = _text(Succession(number, old.vkey, new.vkey, time_s))
    note = text + b"\n" + signature_line(text, old) + signature_line(text, new)
    open_succession(note)
    return note


def open_succession(note: bytes) -> Succession:
    """Read a succession and verify that both of its keys signed it; raise Malformed, BadSignature.

    Whether its old key is to be believed is the question of `follow`.
    """
    if len(note) > MAX_NOTE_BYTES:
        raise Malformed(f"receipt key: note of {len(note)} bytes, at most {MAX_NOTE_BYTES}")
    try:
        lines = note.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise Malformed("receipt key: not UTF-8") from None
    if len(lines) != _LINES + 1 or lines[0] != _TITLE or lines[5] or lines[8]:
        raise Malformed(f"receipt key: not the five lines of {_TITLE} and two signatures")
    number = parse_decimal(lines[1], "receipt key: number")
    time_s = parse_decimal(lines[4], "receipt key: time")
    found = Succession(number, lines[2], lines[3], time_s)
    text = _text(found)
    if not note.startswith(text + b"\n"):
        raise Malformed("receipt key: not its one spelling")
    for vkey, line in zip((found.old_vkey, found.new_vkey), lines[6:8], strict=True):
        check_signature_line(text, line.encode() + b"\n", _receipt_key(vkey))
    return found


def split_successions(data: bytes) -> tuple[bytes, ...]:
    """Cut an answer or file of concatenated successions into notes; raise Malformed."""
    if len(data) > MAX_ANSWER_BYTES:
        raise Malformed(f"receipt keys: {len(data)} bytes, at most {MAX_ANSWER_BYTES} are read")
    if not data:
        return ()
    lines = data.split(b"\n")
    if lines.pop() or len(lines) % _LINES or len(lines) > MAX_SUCCESSIONS * _LINES:
        raise Malformed(f"receipt keys: not 0..{MAX_SUCCESSIONS} whole notes")
    return tuple(b"\n".join(lines[at : at + _LINES]) + b"\n" for at in range(0, len(lines), _LINES))


def follow(pinned_vkey: str, notes: Sequence[bytes]) -> tuple[Verifier, ...]:
    """Return the receipt keys to believe: the pinned one, then each successor, in order.

    Successions of before the pinned key are passed by. Raises Malformed or BadSignature for a chain
    that is broken, forks, turns back, or never meets the pinned key: then none of it is believed.
    """
    if len(notes) > MAX_SUCCESSIONS:
        raise Malformed(f"receipt keys: {len(notes)} successions, at most {MAX_SUCCESSIONS}")
    chain = [open_succession(note) for note in notes]
    for number, one in enumerate(chain, start=1):
        before = chain[number - 2].new_vkey if number > 1 else one.old_vkey
        if one.number != number or one.old_vkey != before:
            raise Malformed(f"receipt keys: succession {one.number} breaks the chain")
    vkeys = [chain[0].old_vkey, *(one.new_vkey for one in chain)] if chain else [pinned_vkey]
    if len(set(vkeys)) != len(vkeys):
        raise Malformed("receipt keys: a key comes back that was replaced")
    if pinned_vkey not in vkeys:
        raise BadSignature("receipt keys: the pinned key never signed one of these successions")
    return tuple(_receipt_key(vkey) for vkey in vkeys[vkeys.index(pinned_vkey) :])


def _receipt_key(vkey: str) -> Verifier:
    verifier = Verifier.from_vkey(vkey)
    if verifier.key_type is not KeyType.COSIGNATURE:
        raise Malformed(f"receipt key: {verifier.name} is a key for notes, not for receipts")
    return verifier


def _text(succession: Succession) -> bytes:
    if not 1 <= succession.number <= MAX_SUCCESSIONS:
        raise Malformed(f"receipt key: number {succession.number} outside 1..{MAX_SUCCESSIONS}")
    if not 0 <= succession.time_s <= MAX_TIME_S:
        raise Malformed(f"receipt key: time {succession.time_s} s out of range")
    for vkey in (succession.old_vkey, succession.new_vkey):
        _receipt_key(vkey)
    if succession.old_vkey == succession.new_vkey:
        raise Malformed("receipt key: the new key is the old one")
    lines = (_TITLE, *succession)
    return "".join(f"{line}\n" for line in lines).encode("ascii")
