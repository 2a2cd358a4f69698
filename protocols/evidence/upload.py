"""Both roles of an upload: the gateway seals and checks receipts, central accepts and countersigns.

Pure: what is stored where, and when, is the shells' part.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from protocols.evidence import cbor
from protocols.evidence.batch import MAX_LEAVES, decode_batch, encode_batch
from protocols.evidence.cbor import Item
from protocols.evidence.errors import BadSignature, Fork, Malformed, NotHeld
from protocols.evidence.leaf import HASH_BYTES, Leaf, Origin, encode_leaf, leaf_hash, parse_origin
from protocols.evidence.merkle import EMPTY, Frontier, Hole
from protocols.evidence.note import (
    MAX_NOTE_BYTES,
    Checkpoint,
    Signer,
    Verifier,
    cosign,
    open_checkpoint,
    open_cosignature,
    pick_verifier,
    sign_checkpoint,
    unverified_checkpoint,
)
from protocols.evidence.salt import BLOCK, BLOCK_SALT_BYTES, block_salt, leaf_salt

VERSION = 1
MAX_UPLOAD_BYTES = 4 * 1024 * 1024
MAX_BATCH_LEAF_BYTES = 64 * 1024 * 1024  # of the leaves that a payload stands for
UNSENT_HEADER = "Gas-Unsent"
_UNSENT = re.compile(r"(0|[1-9][0-9]{0,14}) (0|[1-9][0-9]{0,14})\Z", re.ASCII)
MAX_HOLES = 256
MAX_HOLE_LEAVES = 1 << 32  # between one checkpoint and the next
_MAX_SALTS = MAX_LEAVES // BLOCK + 1 + MAX_HOLES
_MAX_HOLE_HASHES = 2 * MAX_HOLE_LEAVES.bit_length()
_MAX_UPLOAD_ITEMS = 9 + 3 * _MAX_SALTS + MAX_HOLES * (4 + _MAX_HOLE_HASHES)
_MAX_CONFLICT_BYTES = 2 * MAX_NOTE_BYTES + 64


class Upload(NamedTuple):
    """What is POSTed. The number of leaves is the checkpoint's size less ``first``.

    Of leaves in ``holes`` the gateway holds only hashes; the payload is of all others, b"" where
    there are none.
    """

    origin: Origin
    first: int
    block_salts: tuple[tuple[int, bytes], ...]
    payload: bytes
    payload_sha256: bytes
    checkpoint: bytes
    holes: tuple[Hole, ...] = ()


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
    """The upload extends the head: store it, move the head, then countersign.

    ``leaves`` are without those of ``holes``: go by their seqs.
    """

    frontier: Frontier
    leaves: list[Leaf]
    holes: tuple[Hole, ...] = ()


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
    """Return the bytes to POST; raise Malformed where they would be too many."""
    data = cbor.encode((VERSION, str(upload.origin), *upload[1:]))  # a hole is an array of three
    if len(data) > MAX_UPLOAD_BYTES:
        raise Malformed(f"upload: {len(data)} bytes, at most {MAX_UPLOAD_BYTES}; seal fewer leaves")
    return data


def decode_upload(data: bytes) -> Upload:
    """Read an upload strictly; raise Malformed. Signature and content are ``accept``'s part."""
    match cbor.decode(data, "upload", MAX_UPLOAD_BYTES, _MAX_UPLOAD_ITEMS):
        case (
            1, str(origin), int(first), tuple(salts),
            bytes(payload), bytes(payload_sha256), bytes(checkpoint), tuple(holes),
        ) if first >= 0 and len(payload_sha256) == HASH_BYTES:  # fmt: skip
            block_salts = tuple(_read_salt(salt) for salt in salts)
            return Upload(
                parse_origin(origin), first, block_salts, payload, payload_sha256, checkpoint,
                _read_holes(holes),
            )  # fmt: skip
        case _:
            raise Malformed("upload: not the eight fields of version 1")


def _read_salt(item: Item) -> tuple[int, bytes]:
    match item:
        case (int(block), bytes(salt)) if len(salt) == BLOCK_SALT_BYTES:
            return block, salt
        case _:
            raise Malformed("upload: a block salt is not [block, salt]")


def _read_holes(items: tuple[Item, ...]) -> tuple[Hole, ...]:
    """Read the holes: each whole, and none beside another, so that there is one way to say it."""
    if len(items) > MAX_HOLES:
        raise Malformed(f"upload: {len(items)} holes, at most {MAX_HOLES}")
    holes: list[Hole] = []
    for item in items:
        match item:
            case (int(first), int(end), tuple(hashes)):
                hole = Hole(first, end, tuple(each for each in hashes if isinstance(each, bytes)))
            case _:
                raise Malformed("upload: a hole is not [first, end, hashes]")
        if len(hole.hashes) != len(hashes):
            raise Malformed("upload: a hash of a hole is not a byte string")
        hole.check()
        if holes and hole.first <= holes[-1].end:
            raise Malformed(f"upload: hole at {hole.first} does not follow that to {holes[-1].end}")
        holes.append(hole)
    return tuple(holes)


def open_leaves(upload: Upload, size: int) -> list[Leaf]:
    """Decode the leaves of an upload whose checkpoint is of ``size``; raise Malformed.

    The payload's SHA-256 is compared before anything is inflated. The signature, and whether the
    leaves lead to the signed root, are ``accept``'s part.
    """
    if hashlib.sha256(upload.payload).digest() != upload.payload_sha256:
        raise Malformed("payload: SHA-256 differs")
    seqs = _held_seqs(upload.first, size, upload.holes)
    if not seqs:
        if upload.payload:
            raise Malformed("payload: bytes, where every leaf is in a hole")
        return []
    return decode_batch(upload.payload, upload.origin, seqs, dict(upload.block_salts))


def _held_seqs(first: int, size: int, holes: Sequence[Hole]) -> Sequence[int]:
    """Return the seqs of ``first`` .. ``size`` - 1 that are in no hole; raise Malformed."""
    if holes and not first <= holes[0].first <= holes[-1].end <= size:
        raise Malformed(f"upload: holes outside leaves {first} to {size}")
    held = size - first - sum(hole.end - hole.first for hole in holes)
    if held > MAX_LEAVES:
        raise Malformed(f"upload: {held} leaves, at most {MAX_LEAVES} are read at once")
    if not holes:
        return range(first, size)
    edges = [first, *(edge for hole in holes for edge in (hole.first, hole.end)), size]
    parts = zip(edges[::2], edges[1::2], strict=True)
    return [seq for start, end in parts for seq in range(start, end)]


def unsent_text(billing: int, telemetry: int) -> str:
    """The header that tells how many leaves of each log still wait at the gateway: "3 480".

    For the operator's page: no signature covers it, and nothing depends on it.
    """
    return f"{billing} {telemetry}"


def parse_unsent(text: str) -> tuple[int, int] | None:
    """Billing and telemetry leaves that wait; None for anything else than `unsent_text` makes."""
    found = _UNSENT.match(text)
    return (int(found[1]), int(found[2])) if found else None


def encode_conflict(conflict: Conflict) -> bytes:
    """Return the body of a 409 answer."""
    return cbor.encode((VERSION, *conflict))


def decode_conflict(data: bytes) -> Conflict:
    """Read the body of a 409 answer strictly; raise Malformed."""
    match cbor.decode(data, "conflict", _MAX_CONFLICT_BYTES, 5):
        case (1, int(size), bytes(checkpoint), bytes(receipt)) if size >= 0:
            return Conflict(size, checkpoint, receipt)
        case _:
            raise Malformed("conflict: not the four fields of version 1")


def seal(
    origin: Origin,
    frontier: Frontier,
    leaves: Sequence[Leaf],
    secret: bytes,
    signer: Signer,
    holes: Sequence[Hole] = (),
) -> Sealed:
    """Gateway: make the upload of what follows ``frontier``: leaves and holes without a gap.

    Raises Malformed where there is one, or where a salt is not of this epoch's ``secret``.
    """
    first = frontier.size
    if any(leaf.origin() != origin for leaf in leaves):
        raise Malformed(f"seal: a leaf is not of {origin}")
    after = _extended(frontier, leaves, holes)
    if after.size == first:
        raise Malformed(f"seal: nothing to seal after {origin} {first}")
    salts = {block: block_salt(secret, origin, block) for block in _blocks(leaves)}
    for leaf in leaves:
        if leaf.salt != leaf_salt(salts[leaf.seq // BLOCK], leaf.seq):
            raise Malformed(f"seal: leaf {leaf.seq} was salted with another secret")
    payload = encode_batch(leaves) if leaves else b""
    checkpoint = sign_checkpoint(Checkpoint(origin, after.size, after.root()), signer)
    digest = hashlib.sha256(payload).digest()
    upload = Upload(
        origin, first, tuple(salts.items()), payload, digest, checkpoint, tuple(holes)
    )  # fmt: skip
    return Sealed(upload, after)


def _blocks(leaves: Sequence[Leaf]) -> list[int]:
    """Return the blocks of salts that these leaves need; what lies in a hole needs none."""
    return sorted({leaf.seq // BLOCK for leaf in leaves})


def _extended(frontier: Frontier, leaves: Sequence[Leaf], holes: Sequence[Hole]) -> Frontier:
    """Extend by leaves and holes in the order of their seqs; raise Malformed for a gap."""
    left = MAX_BATCH_LEAF_BYTES
    hashes: list[bytes] = []
    rest = list(reversed(holes))
    for leaf in leaves:
        while rest and rest[-1].first == frontier.size + len(hashes):
            frontier, hashes = frontier.extend(hashes).extend_hole(rest.pop()), []
        if leaf.seq != frontier.size + len(hashes):
            raise Malformed(
                f"leaves: {leaf.origin()} {leaf.seq} where {frontier.size + len(hashes)} belongs"
            )
        data = encode_leaf(leaf)
        left -= len(data)
        if left < 0:
            raise Malformed(f"leaves: more bytes than {MAX_BATCH_LEAF_BYTES}; send fewer leaves")
        hashes.append(leaf_hash(data))
    frontier = frontier.extend(hashes)
    for hole in reversed(rest):
        frontier = frontier.extend_hole(hole)
    return frontier


def check_receipt(
    checkpoint: bytes, receipt: bytes, keys: Verifier | Sequence[Verifier]
) -> Receipt:
    """Gateway: verify central's receipt for the very checkpoint that we sent.

    ``keys``: central's receipt key, or all that it had; the receipt names its own. Raises Malformed
    or BadSignature; then nothing may be pruned.
    """
    verifier = keys if isinstance(keys, Verifier) else pick_verifier(receipt, keys)
    time_s = open_cosignature(checkpoint, receipt, verifier)
    stored = unverified_checkpoint(checkpoint)
    return Receipt(stored.size, stored.root, time_s)


def check_conflict(
    conflict: Conflict,
    origin: Origin,
    root_at: Callable[[int], bytes | None],
    own: Verifier,
    receipts: Verifier | Sequence[Verifier],
) -> Receipt:
    """Gateway: verify a 409 answer; return the receipt to go on from (size 0: nothing stored).

    ``root_at`` tells our own log's root at a size, or None where it does not reach or is no longer
    known. Raises Malformed, BadSignature, NotHeld (size unknown to us) or Fork (other root).
    """
    if conflict.size == 0:
        if conflict.checkpoint or conflict.receipt:
            raise Malformed("conflict: an empty log has no checkpoint and no receipt")
        return Receipt(0, EMPTY.root(), 0)
    stored = open_checkpoint(conflict.checkpoint, own)
    if (stored.origin, stored.size) != (origin, conflict.size):
        raise Malformed(
            f"conflict: checkpoint of {stored.origin} at {stored.size}, not of {origin}"
        )
    receipt = check_receipt(conflict.checkpoint, conflict.receipt, receipts)
    root = root_at(stored.size)
    if root is None:
        raise NotHeld(f"{origin}: central holds {stored.size} leaves, our log does not know them")
    if root != stored.root:
        raise Fork(
            f"{origin}: central holds another tree of {stored.size} leaves, signed by our key"
        )
    return receipt


def accept(
    head: Head, upload: Upload, verifier: Verifier, same_size_checkpoint: bytes | None
) -> Outcome:
    """Central: judge an upload against the head; nothing is stored here.

    ``same_size_checkpoint`` is the stored checkpoint of the same log with the upload's size, where
    there is one: with another root it proves equivocation. One of another size is a ValueError.
    """
    try:
        claimed = open_checkpoint(upload.checkpoint, verifier)
    except BadSignature as error:
        return Refused("signature", str(error), "register the gateway's log key, or use that key")
    except Malformed as error:
        return Refused("content", str(error), "send the checkpoint as it was signed")
    if claimed.origin != upload.origin:
        return Refused("content", f"checkpoint of {claimed.origin}", f"sign one of {upload.origin}")
    if not upload.first < claimed.size <= upload.first + MAX_LEAVES + MAX_HOLE_LEAVES:
        reason = f"leaves {upload.first} to {claimed.size}: none, or more than are read at once"
        return Refused("content", reason, "send fewer leaves, and at least one")
    ours = head.checkpoint if claimed.size == head.frontier.size else same_size_checkpoint
    if ours:
        stored = unverified_checkpoint(ours)
        if stored[:2] != claimed[:2]:  # a bug of the caller must not look like a gateway's fraud
            raise ValueError(f"stored checkpoint of {stored[:2]} given for one of {claimed[:2]}")
        if stored.root != claimed.root:
            return Equivocation(ours, upload.checkpoint)
    if upload.first != head.frontier.size:
        return Conflict(head.frontier.size, head.checkpoint, head.receipt)
    return _extend(head.frontier, upload, claimed)


def _extend(frontier: Frontier, upload: Upload, claimed: Checkpoint) -> Accepted | Refused:
    """Extend central's own frontier by the payload; it must arrive at the signed root."""
    again = "send the leaves from the log again"
    try:
        leaves = open_leaves(upload, claimed.size)
        if [block for block, _ in upload.block_salts] != _blocks(leaves):
            return Refused("content", "block salts: not those of these leaves", again)
        after = _extended(frontier, leaves, upload.holes)
    except Malformed as error:
        return Refused("content", str(error), again)
    if after.size != claimed.size or after.root() != claimed.root:
        return Refused("content", f"root differs from the signed one at {claimed.size}", again)
    return Accepted(after, leaves, upload.holes)


def countersign(checkpoint: bytes, cosigner: Signer, time_s: int) -> bytes:
    """Central: the receipt, one cosignature line; only after the batch is durably stored."""
    return cosign(checkpoint, cosigner, time_s)
