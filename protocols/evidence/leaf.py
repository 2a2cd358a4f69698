"""A leaf: one record of a log, as the bytes that are hashed, signed and proven.

Deterministic CBOR array: [version 1, kind, gateway, epoch, seq, subject, reference, boot_no,
mono_ms, utc_ms | null, clock_state, quality, body, salt, was]. What each kind holds is in the
README. `was` is null, or [epoch, seq, hash] of the leaf that this one repeats in a later epoch.

Format 1 is frozen: its golden bytes may never change. New kinds may be added at the end.
"""

import hashlib
import re
from enum import IntEnum, StrEnum
from typing import NamedTuple

from protocols.evidence import cbor
from protocols.evidence.cbor import Body, Item
from protocols.evidence.errors import Malformed

VERSION = 1
SALT_BYTES = 16
HASH_BYTES = 32
NO_REFERENCE = bytes(HASH_BYTES)
MAX_LEAF_BYTES = 64 * 1024
MAX_LEAF_ITEMS = 16 * 1024
MAX_BODY_DEPTH = 5  # arrays inside each other, the body itself the first
MAX_SUBJECT_CHARS = 128
MAX_SEQ = (1 << 48) - 1
MAX_EPOCH = (1 << 31) - 1

_FIELDS = 15
_ENVELOPE_ITEMS = _FIELDS + 4  # the array itself, its fields, and those of `was`
_GATEWAY = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}\Z", re.ASCII)
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z", re.ASCII)


class Log(StrEnum):
    """The two logs of a gateway: money never waits behind telemetry."""

    BILLING = "billing"
    TELEMETRY = "telemetry"


class Kind(IntEnum):
    """What a leaf records. SCAN lives in the telemetry log, all others in billing."""

    SCAN = 0
    INTERVAL = 1
    EVENT = 2
    CONFIGURATION = 3
    REGISTER_MAP = 4
    CLOCK = 5
    KEY = 6
    LOSS = 7
    ARCHIVE = 8
    EPOCH = 9
    STATEMENT = 10

    @property
    def log(self) -> Log:
        return Log.TELEMETRY if self is Kind.SCAN else Log.BILLING


class Origin(NamedTuple):
    """The identity of one log; its text is the first line of every checkpoint."""

    gateway: str
    log: Log
    epoch: int

    def __str__(self) -> str:
        return f"gas-evidence/{self.gateway}/{self.log.value}/{self.epoch}"


class Was(NamedTuple):
    """The leaf that was recorded first, in an epoch that ended before it had a receipt.

    Seqs of telemetry in the body are then those of this epoch, not of the leaf's own.
    """

    epoch: int
    seq: int
    hash: bytes


class Leaf(NamedTuple):
    """One record. ``seq`` counts from 0 without gaps; ``reference`` is NO_REFERENCE where none.

    Instants in ms; ``utc_ms`` is None where the clock was not set. ``body`` holds nested tuples of
    int, str, bytes and None only.
    """

    kind: Kind
    gateway: str
    epoch: int
    seq: int
    subject: str
    reference: bytes
    boot_no: int
    mono_ms: int
    utc_ms: int | None
    clock_state: int
    quality: int
    body: Body
    salt: bytes
    was: Was | None = None

    def origin(self) -> Origin:
        return Origin(self.gateway, self.kind.log, self.epoch)


def is_gateway_id(text: str) -> bool:
    """Say whether ``text`` may name a gateway: [a-z0-9][a-z0-9.-]{0,62}."""
    return _GATEWAY.match(text) is not None


def parse_decimal(text: str, what: str) -> int:
    """Read an ASCII decimal without sign or leading zero; raise Malformed otherwise."""
    if not _DECIMAL.match(text):
        raise Malformed(f"{what}: not a plain decimal number: {text[:40]!r}")
    return int(text)


def parse_origin(text: str) -> Origin:
    """Read an origin line strictly; raise Malformed otherwise."""
    parts = text.split("/")
    if len(parts) != 4 or parts[0] != "gas-evidence":
        raise Malformed(f"origin: not gas-evidence/<gateway>/<log>/<epoch>: {text[:120]!r}")
    if not is_gateway_id(parts[1]):
        raise Malformed(f"origin: bad gateway id {parts[1][:80]!r}")
    if parts[2] not in (Log.BILLING.value, Log.TELEMETRY.value):
        raise Malformed(f"origin: unknown log {parts[2][:40]!r}")
    epoch = parse_decimal(parts[3], "origin: epoch")
    if epoch > MAX_EPOCH:
        raise Malformed(f"origin: epoch {epoch} above {MAX_EPOCH}")
    return Origin(parts[1], Log(parts[2]), epoch)


def encode_leaf(leaf: Leaf) -> bytes:
    """Return the leaf's bytes; raise Malformed for a field out of its limits."""
    check_leaf(leaf)
    data = cbor.encode((VERSION, int(leaf.kind), *leaf[1:]))
    if len(data) > MAX_LEAF_BYTES:
        raise Malformed(f"leaf {leaf.seq}: {len(data)} bytes, at most {MAX_LEAF_BYTES}")
    return data


def decode_leaf(data: bytes) -> Leaf:
    """Read a leaf strictly: decode, check, encode again, compare. Raises Malformed."""
    fields = cbor.decode(data, "leaf", MAX_LEAF_BYTES, MAX_LEAF_ITEMS)
    if type(fields) is not tuple or not fields or type(fields[0]) is not int:
        raise Malformed("leaf: not an array that begins with its version")
    if fields[0] != VERSION:
        raise Malformed(f"leaf: version {fields[0]}, this program reads {VERSION}")
    if len(fields) != _FIELDS:
        raise Malformed(f"leaf: {len(fields)} fields, not {_FIELDS}")
    if type(fields[1]) is not int or not 0 <= fields[1] < len(Kind):
        raise Malformed(f"leaf: unknown kind {fields[1]!r}")
    was = read_was(fields[14], "leaf")
    leaf = Leaf._make((Kind(fields[1]), *fields[2:14], was))
    check_leaf(leaf)
    return leaf


def read_was(item: Item, what: str) -> Was | None:
    """Read what `Leaf.was` is on the wire; raise Malformed for anything else."""
    match item:
        case None:
            return None
        case (int(epoch), int(seq), bytes(digest)):
            return Was(epoch, seq, digest)
        case _:
            raise Malformed(f"{what}: was is not null or [epoch, seq, hash]")


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf's bytes: SHA-256(0x00 || leaf), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def check_leaf(leaf: Leaf) -> None:
    """Raise Malformed, naming the field, unless every field is of its type and in its range."""
    where = f"leaf {leaf.seq}"
    _check_text(leaf, where)
    for name, value, high in (
        ("epoch", leaf.epoch, MAX_EPOCH),
        ("seq", leaf.seq, MAX_SEQ),
        ("boot_no", leaf.boot_no, (1 << 31) - 1),
        ("mono_ms", leaf.mono_ms, (1 << 53) - 1),
        ("utc_ms", 0 if leaf.utc_ms is None else leaf.utc_ms, (1 << 53) - 1),
        ("clock_state", leaf.clock_state, 255),
        ("quality", leaf.quality, 255),
    ):
        if not _is_integer(value) or not 0 <= value <= high:
            raise Malformed(f"{where}: {name} {value!r} is not an integer in 0..{high}")
    for name, data, size in (
        ("reference", leaf.reference, HASH_BYTES),
        ("salt", leaf.salt, SALT_BYTES),
    ):
        if type(data) is not bytes or len(data) != size:
            raise Malformed(f"{where}: {name} is not {size} bytes")
    if leaf.was is not None:
        if type(leaf.was) is not Was:
            raise Malformed(f"{where}: was is not (epoch, seq, hash)")
        _check_was(leaf.was, leaf.epoch, where)
    if type(leaf.body) is not tuple:
        raise Malformed(f"{where}: body is not an array")
    cbor.check_item(leaf.body, f"{where}: body", MAX_LEAF_ITEMS - _ENVELOPE_ITEMS, MAX_BODY_DEPTH)


def _is_integer(value: object) -> bool:
    """Say whether CBOR would write an integer; members of IntEnum count, True and False do not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _check_text(leaf: Leaf, where: str) -> None:
    if type(leaf.gateway) is not str or not is_gateway_id(leaf.gateway):
        raise Malformed(f"{where}: bad gateway id {leaf.gateway!r:.80}")
    if type(leaf.subject) is not str or len(leaf.subject) > MAX_SUBJECT_CHARS:
        raise Malformed(f"{where}: subject is not a text of at most {MAX_SUBJECT_CHARS} characters")


def _check_was(was: Was, epoch: int, where: str) -> None:
    for name, value, high in (("epoch", was.epoch, epoch - 1), ("seq", was.seq, MAX_SEQ)):
        if not _is_integer(value) or not 0 <= value <= high:
            raise Malformed(f"{where}: was.{name} {value!r} is not an integer in 0..{high}")
    if type(was.hash) is not bytes or len(was.hash) != HASH_BYTES:
        raise Malformed(f"{where}: was.hash is not {HASH_BYTES} bytes")
