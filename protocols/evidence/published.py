"""The keys that central publishes for one gateway: with them, and a proof, anybody can check.

A signed note, so that no changed bit of it is read as other keys or other times:

    gas-keys/v1
    publisher <verifier key, Ed25519>          signs this note, and each day's fleet checkpoint
    fleet <verifier key, ML-DSA-44>            signs each day's fleet checkpoint too
    time <s since 1970>
    receipt <verifier key>                     the first that central ever had
    succession <base64 of the note>            none or more, each to the next receipt key
    gas-log-keys/v1                            the gateway's keys, see `keys.py`
    ...

A file cannot prove who made it: whoever reads one compares the publisher's fingerprint with one
that reached him another way. All else follows from that.
"""

import base64
import hashlib
from typing import Final, NamedTuple

from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.keys import MAX_TEXT_BYTES, KeySchedule
from protocols.evidence.leaf import parse_decimal
from protocols.evidence.mldsa import MlDsaVerifier
from protocols.evidence.note import (
    MAX_TIME_S,
    Checkpoint,
    KeyType,
    Signer,
    Verifier,
    decode_base64,
    open_checkpoint,
    open_cosignature,
    unverified_checkpoint,
)
from protocols.evidence.receipt_keys import (
    MAX_ANSWER_BYTES,
    MAX_SUCCESSIONS,
    follow,
    open_succession,
)
from protocols.evidence.tree_head import read_line, read_signature, signature_line, split_signed

MAX_KEYS_BYTES: Final = MAX_TEXT_BYTES + 2 * MAX_ANSWER_BYTES + 8192
GRACE_S: Final = 86_400
"""A server that runs while its receipt key is replaced signs with the old one until it is told."""
_TITLE: Final = "gas-keys/v1"
_LOG_KEYS: Final = "gas-log-keys/v1"
_SIGNATURE_BYTES: Final = 64


class Publisher(NamedTuple):
    """Whose word the published keys are: central's publication keys."""

    verifier: Verifier
    fleet: MlDsaVerifier

    @property
    def fingerprint(self) -> str:
        """SHA-256 over both verifier keys, a line each: 64 hex digits, to compare by eye."""
        text = f"{self.verifier.vkey}\n{self.fleet.vkey}\n"
        return hashlib.sha256(text.encode("ascii")).hexdigest()


class PublishedKeys(NamedTuple):
    """What was published at ``time_s``: the publisher, the receipt keys, the gateway's log keys."""

    publisher: Publisher
    time_s: int
    first_receipt: str
    successions: tuple[bytes, ...]
    logs: KeySchedule


class Stored(NamedTuple):
    """A checkpoint that the gateway signed and central receipted, and the keys that did."""

    checkpoint: Checkpoint
    received_s: int
    log_key: Verifier
    receipt_key: Verifier


def sign_keys(keys: PublishedKeys, signer: Signer) -> bytes:
    """Central: return the note. ``signer`` is the publisher's."""
    if signer.vkey != keys.publisher.verifier.vkey:
        raise BadSignature(f"published keys: {signer.name} is not the publisher's key")
    text = _text(keys)
    return text + b"\n" + signature_line(signer.name, signer.verifier.key_id, signer.sign(text))


def open_keys(note: bytes) -> PublishedKeys:
    """Read published keys and verify their signature; raise Malformed or BadSignature.

    That the publisher is the one to be believed is for the caller to compare.
    """
    if len(note) > MAX_KEYS_BYTES:
        raise Malformed(f"published keys: {len(note)} bytes, at most {MAX_KEYS_BYTES} are read")
    text, (line,) = split_signed(note, 1, MAX_KEYS_BYTES)
    try:
        head, found, schedule = text.decode("ascii").partition(f"\n{_LOG_KEYS}\n")
    except UnicodeDecodeError:
        raise Malformed("published keys: not ASCII") from None
    lines = head.split("\n")
    if not found or lines[0] != _TITLE or not 5 <= len(lines) <= 5 + MAX_SUCCESSIONS:
        raise Malformed(f"published keys: not the lines of {_TITLE}")
    publisher = Publisher(
        Verifier.from_vkey(_field(lines[1], "publisher")),
        MlDsaVerifier.from_vkey(_field(lines[2], "fleet")),
    )
    keys = PublishedKeys(
        publisher,
        parse_decimal(_field(lines[3], "time"), "published keys: time"),
        _field(lines[4], "receipt"),
        tuple(decode_base64(_field(each, "succession"), "succession") for each in lines[5:]),
        KeySchedule.from_text(f"{_LOG_KEYS}\n{schedule}"),
    )
    if _text(keys) != text:
        raise Malformed("published keys: not their one spelling")
    verifier = publisher.verifier
    verifier.verify(text, read_signature(line, verifier.name, verifier.key_id, _SIGNATURE_BYTES))
    return keys


def check_stored(note: bytes, keys: PublishedKeys) -> Stored:
    """Verify a checkpoint that carries the gateway's line and central's receipt under it.

    Each key must be in force: the log key at the checkpoint's size, the receipt key at the
    receipt's time. Raises Malformed or BadSignature.
    """
    text, (own, receipt) = split_signed(note, 2)
    checkpoint = text + b"\n" + own
    claimed = unverified_checkpoint(checkpoint)
    log_key = keys.logs.key_for(claimed.origin, claimed.size)
    opened = open_checkpoint(checkpoint, log_key)
    received_s, receipt_key = check_receipt_line(checkpoint, receipt, keys)
    return Stored(opened, received_s, log_key, receipt_key)


def check_receipt_line(
    checkpoint: bytes, receipt: bytes, keys: PublishedKeys
) -> tuple[int, Verifier]:
    """Time of the receipt in s since 1970, and its key; raise Malformed or BadSignature."""
    verifiers = follow(keys.first_receipt, keys.successions)
    name, key_id, _ = read_line(receipt)
    changes = [open_succession(note).time_s for note in keys.successions]
    spans = zip([0, *changes], [*changes, MAX_TIME_S], strict=True)
    for verifier, (begin_s, end_s) in zip(verifiers, spans, strict=True):
        if (verifier.name, verifier.key_id) != (name, key_id):
            continue
        time_s = open_cosignature(checkpoint, receipt, verifier)
        if not begin_s - GRACE_S <= time_s <= end_s + GRACE_S:
            raise BadSignature(f"receipt of {time_s}: its key {name} was not in force then")
        return time_s, verifier
    raise BadSignature(f"receipt by {name}+{key_id.hex()}, which is none of central's keys")


def with_receipt(checkpoint: bytes, receipt: bytes) -> bytes:
    """The note that ``check_stored`` reads: a checkpoint with its receipt as the second line."""
    return checkpoint + receipt


def _text(keys: PublishedKeys) -> bytes:
    for verifier, key_type in (
        (keys.publisher.verifier, KeyType.NOTE),
        (Verifier.from_vkey(keys.first_receipt), KeyType.COSIGNATURE),
    ):
        if verifier.key_type is not key_type:
            raise Malformed(f"published keys: {verifier.name} is no key for this use")
    if not 0 <= keys.time_s <= MAX_TIME_S:
        raise Malformed(f"published keys: time {keys.time_s} s out of range")
    follow(keys.first_receipt, keys.successions)
    lines = [
        _TITLE,
        f"publisher {keys.publisher.verifier.vkey}",
        f"fleet {keys.publisher.fleet.vkey}",
        f"time {keys.time_s}",
        f"receipt {keys.first_receipt}",
        *(f"succession {base64.b64encode(note).decode('ascii')}" for note in keys.successions),
    ]
    return ("\n".join(lines) + "\n" + keys.logs.to_text()).encode("ascii")


def _field(line: str, name: str) -> str:
    found, space, value = line.partition(" ")
    if found != name or not space:
        raise Malformed(f"published keys: a line {name} belongs where {line[:40]!r} is")
    return value
