"""Both roles of an upload: the gateway seals and checks receipts, central accepts and countersigns.

Pure: what is stored where, and when, is the shells' part.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from protocols.evidence.leaf import Leaf, Origin
from protocols.evidence.merkle import EMPTY, Frontier
from protocols.evidence.note import Signer, Verifier

MAX_UPLOAD_BYTES = 4 * 1024 * 1024
MAX_LEAVES = 65536


class Upload(NamedTuple):
    """What is POSTed. The number of leaves is the checkpoint's size less ``first``."""

    origin: Origin
    first: int
    block_salts: tuple[tuple[int, bytes], ...]
    payload: bytes
    payload_sha256: bytes
    checkpoint: bytes


class Head(NamedTuple):
    """Where central's copy of a log ends: its own frontier, last checkpoint and receipt."""

    frontier: Frontier
    checkpoint: bytes
    receipt: bytes


EMPTY_HEAD = Head(EMPTY, b"", b"")


class Sealed(NamedTuple):
    """A batch ready to send, and the frontier after it."""

    upload: Upload
    frontier: Frontier


class Receipt(NamedTuple):
    """Central's word that ``size`` leaves with this root are durably stored, at ``time_s``."""

    size: int
    root: bytes
    time_s: int


class Accepted(NamedTuple):
    """The upload extends the head: store it, move the head, then countersign."""

    frontier: Frontier
    leaves: list[Leaf]


class Conflict(NamedTuple):
    """The upload does not start where the head ends (HTTP 409): go on from ``size``."""

    size: int
    checkpoint: bytes
    receipt: bytes


class Refused(NamedTuple):
    """Not accepted; ``code`` is "signature" (HTTP 401) or "content" (HTTP 422)."""

    code: str
    reason: str
    remedy: str


class Equivocation(NamedTuple):
    """Two validly signed checkpoints of one size with different roots: keep both, stop, alarm."""

    ours: bytes
    theirs: bytes


Outcome = Accepted | Conflict | Refused | Equivocation


def encode_upload(upload: Upload) -> bytes:
    """Return the bytes to POST."""
    raise NotImplementedError


def decode_upload(data: bytes) -> Upload:
    """Read an upload strictly; raise Malformed. Signature and content are ``accept``'s part."""
    raise NotImplementedError


def encode_conflict(conflict: Conflict) -> bytes:
    """Return the body of a 409 answer."""
    raise NotImplementedError


def decode_conflict(data: bytes) -> Conflict:
    """Read the body of a 409 answer strictly; raise Malformed."""
    raise NotImplementedError


def seal(
    origin: Origin, frontier: Frontier, leaves: Sequence[Leaf], secret: bytes, signer: Signer
) -> Sealed:
    """Gateway: make the upload of ``leaves``, which follow ``frontier`` without a gap."""
    raise NotImplementedError


def check_receipt(checkpoint: bytes, receipt: bytes, verifier: Verifier) -> Receipt:
    """Gateway: verify central's receipt for the very checkpoint that we sent."""
    raise NotImplementedError


def check_conflict(
    conflict: Conflict,
    origin: Origin,
    root_at: Callable[[int], bytes | None],
    own: Verifier,
    receipts: Verifier,
) -> Receipt:
    """Gateway: verify a 409 answer; return the receipt to go on from (size 0: nothing stored).

    ``root_at`` tells our own log's root at a size, or None where it does not reach or is no longer
    known. Raises Malformed, BadSignature, NotHeld (size unknown to us) or Fork (other root).
    """
    raise NotImplementedError


def accept(
    head: Head, upload: Upload, verifier: Verifier, same_size_checkpoint: bytes | None
) -> Outcome:
    """Central: judge an upload against the head; nothing is stored here.

    ``same_size_checkpoint`` is the stored checkpoint of the same log with the upload's size, where
    there is one: with another root it proves equivocation.
    """
    raise NotImplementedError


def countersign(checkpoint: bytes, cosigner: Signer, time_s: int) -> bytes:
    """Central: the receipt, one cosignature line; only after the batch is durably stored."""
    raise NotImplementedError
