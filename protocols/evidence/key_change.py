"""A key rotation in the log: what its KEY leaf says, signed by the old key and by the new one.

The leaf stands at ``seq`` of the billing log. Checkpoints of billing up to size seq + 1, and of
telemetry up to ``telemetry_size``, are the old key's; all beyond are the new one's. So which key a
checkpoint needs follows from its log, epoch and size, and a thief of a retired key can sign nothing
new. A KEY leaf that was appended again (``was`` is set) is history and rotates nothing: its numbers
are those of the epoch that it was first written in.
"""

from typing import Final, NamedTuple

from protocols.evidence.cbor import Body
from protocols.evidence.errors import BadSignature, Malformed
from protocols.evidence.leaf import MAX_EPOCH, MAX_SEQ
from protocols.evidence.merkle import MAX_SIZE
from protocols.evidence.note import KeyType, Signer, Verifier

_PREFIX: Final = "gas-key-change/v1"
_SIGNATURE_BYTES: Final = 64


class KeyChange(NamedTuple):
    """The body of a KEY leaf."""

    old_vkey: str
    new_vkey: str
    telemetry_size: int
    signature_old: bytes
    signature_new: bytes

    def to_body(self) -> Body:
        """Return the leaf's body."""
        return tuple(self)

    @classmethod
    def from_body(cls, body: Body) -> "KeyChange":
        """Read a KEY leaf's body strictly; raise Malformed. Says nothing of the signatures."""
        match body:
            case (str(old), str(new), int(size), bytes(first), bytes(second)):
                return cls(old, new, size, first, second)
            case _:
                raise Malformed("key change: body is not [old, new, telemetry size, 2 signatures]")


class Place(NamedTuple):
    """Where in the two logs a key changes: epoch, seq of the KEY leaf, size of telemetry."""

    epoch: int
    seq: int
    telemetry_size: int


def statement(place: Place, old_vkey: str, new_vkey: str) -> bytes:
    """Return what both keys sign. Raises Malformed; the gateway is the name of both keys."""
    old, new = log_key(old_vkey), log_key(new_vkey)
    if old.name != new.name:
        raise Malformed(f"key change: from a key of {old.name} to one of {new.name}")
    if old_vkey == new_vkey:
        raise Malformed(f"key change of {old.name}: the new key is the old one")
    for what, value, high in (
        ("epoch", place.epoch, MAX_EPOCH),
        ("seq", place.seq, MAX_SEQ),
        ("telemetry size", place.telemetry_size, MAX_SIZE),
    ):
        if not 0 <= value <= high:
            raise Malformed(f"key change of {old.name}: {what} {value} outside 0..{high}")
    lines = (_PREFIX, old.name, *place, old_vkey, new_vkey)
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def sign_change(place: Place, old: Signer, new: Signer) -> KeyChange:
    """Gateway: the body of the KEY leaf that will stand at ``place``. Raises Malformed."""
    message = statement(place, old.vkey, new.vkey)
    return KeyChange(old.vkey, new.vkey, place.telemetry_size, old.sign(message), new.sign(message))


def verify_change(change: KeyChange, epoch: int, seq: int) -> None:
    """Raise Malformed or BadSignature unless both keys signed this change for this place."""
    place = Place(epoch, seq, change.telemetry_size)
    message = statement(place, change.old_vkey, change.new_vkey)
    for vkey, signature in (
        (change.old_vkey, change.signature_old),
        (change.new_vkey, change.signature_new),
    ):
        if len(signature) != _SIGNATURE_BYTES:
            raise Malformed(f"key change: a signature has {len(signature)} bytes")
        try:
            log_key(vkey).verify(message, signature)
        except BadSignature:
            raise BadSignature(f"key change at {epoch}/{seq}: not signed by {vkey}") from None


def log_key(vkey: str) -> Verifier:
    """Read the public half of a log key; raise Malformed for any other key."""
    verifier = Verifier.from_vkey(vkey)
    if verifier.key_type is not KeyType.NOTE:
        raise Malformed(f"key {verifier.name}: a receipt key, not a gateway's log key")
    return verifier
