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
from protocols.evidence.merkle import EMPTY, Frontier
from protocols.evidence.note import (
    MAX_NOTE_BYTES,
    Checkpoint,
    Signer,
    Verifier,
    cosign,
    open_checkpoint,
    open_cosignature,
    sign_checkpoint,
    unverified_checkpoint,
)
from protocols.evidence.salt import BLOCK, BLOCK_SALT_BYTES, block_salt, leaf_salt

VERSION = 0
MAX_UPLOAD_BYTES = 4 * 1024 * 1024
MAX_BATCH_LEAF_BYTES = 64 * 1024 * 1024  # of the leaves that a payload stands for
UNSENT_HEADER = "Gas-Unsent"
_UNSENT = re.compile(r"(0|[1-9][0-9]{0,14}) (0|[1-9][0-9]{0,14})\Z", re.ASCII)
_MAX_SALTS = MAX_LEAVES // BLOCK + 1
_MAX_UPLOAD_ITEMS = 8 + 3 * _MAX_SALTS
_MAX_CONFLICT_BYTES = 2 * MAX_NOTE_BYTES + 64


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
    """Return the bytes to POST; raise Malformed where they would be too many."""
    data = cbor.encode((VERSION, str(upload.origin), *upload[1:]))
    if len(data) > MAX_UPLOAD_BYTES:
        raise Malformed(f"upload: {len(data)} bytes, at most {MAX_UPLOAD_BYTES}; seal fewer leaves")
    return data


def decode_upload(data: bytes) -> Upload:
    """Read an upload strictly; raise Malformed. Signature and content are ``accept``'s part."""
    match cbor.decode(data, "upload", MAX_UPLOAD_BYTES, _MAX_UPLOAD_ITEMS):
        case (
            0, str(origin), int(first), tuple(salts),
            bytes(payload), bytes(payload_sha256), bytes(checkpoint),
        ) if first >= 0 and len(payload_sha256) == HASH_BYTES:  # fmt: skip
            block_salts = tuple(_read_salt(salt) for salt in salts)
            return Upload(
                parse_origin(origin), first, block_salts, payload, payload_sha256, checkpoint
            )
        case _:
            raise Malformed("upload: not the seven fields of version 0")


def _read_salt(item: Item) -> tuple[int, bytes]:
    match item:
        case (int(block), bytes(salt)) if len(salt) == BLOCK_SALT_BYTES:
            return block, salt
        case _:
            raise Malformed("upload: a block salt is not [block, salt]")


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
        case (0, int(size), bytes(checkpoint), bytes(receipt)) if size >= 0:
            return Conflict(size, checkpoint, receipt)
        case _:
            raise Malformed("conflict: not the four fields of version 0")


def seal(
    origin: Origin, frontier: Frontier, leaves: Sequence[Leaf], secret: bytes, signer: Signer
) -> Sealed:
    """Gateway: make the upload of ``leaves``, which follow ``frontier`` without a gap.

    Raises Malformed where they do not, or where a salt is not of this epoch's ``secret``.
    """
    first = frontier.size
    if not leaves or leaves[0].seq != first or leaves[0].origin() != origin:
        raise Malformed(f"seal: the leaves do not follow {origin} at {first}")
    payload = encode_batch(leaves)
    blocks = range(first // BLOCK, leaves[-1].seq // BLOCK + 1)
    salts = {block: block_salt(secret, origin, block) for block in blocks}
    for leaf in leaves:
        if leaf.salt != leaf_salt(salts[leaf.seq // BLOCK], leaf.seq):
            raise Malformed(f"seal: leaf {leaf.seq} was salted with another secret")
    after = frontier.extend([leaf_hash(encode_leaf(leaf)) for leaf in leaves])
    checkpoint = sign_checkpoint(Checkpoint(origin, after.size, after.root()), signer)
    digest = hashlib.sha256(payload).digest()
    return Sealed(Upload(origin, first, tuple(salts.items()), payload, digest, checkpoint), after)


def check_receipt(checkpoint: bytes, receipt: bytes, verifier: Verifier) -> Receipt:
    """Gateway: verify central's receipt for the very checkpoint that we sent.

    Raises Malformed or BadSignature; then nothing may be pruned.
    """
    time_s = open_cosignature(checkpoint, receipt, verifier)
    stored = unverified_checkpoint(checkpoint)
    return Receipt(stored.size, stored.root, time_s)


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
    if not upload.first < claimed.size <= upload.first + MAX_LEAVES:
        reason = f"leaves {upload.first} to {claimed.size}, 1..{MAX_LEAVES} are read at once"
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
    if hashlib.sha256(upload.payload).digest() != upload.payload_sha256:
        return Refused("content", "payload: SHA-256 differs", again)
    blocks = range(upload.first // BLOCK, (claimed.size - 1) // BLOCK + 1)
    if [block for block, _ in upload.block_salts] != list(blocks):
        return Refused("content", "block salts: not those of these leaves", again)
    count = claimed.size - upload.first
    try:
        leaves = decode_batch(
            upload.payload, upload.origin, upload.first, count, dict(upload.block_salts)
        )
        hashes = []
        left = MAX_BATCH_LEAF_BYTES
        for leaf in leaves:
            data = encode_leaf(leaf)
            left -= len(data)
            if left < 0:
                return Refused("content", "leaves: more bytes than are read", "send fewer leaves")
            hashes.append(leaf_hash(data))
    except Malformed as error:
        return Refused("content", str(error), again)
    after = frontier.extend(hashes)
    if after.root() != claimed.root:
        return Refused("content", f"root differs from the signed one at {claimed.size}", again)
    return Accepted(after, leaves)


def countersign(checkpoint: bytes, cosigner: Signer, time_s: int) -> bytes:
    """Central: the receipt, one cosignature line; only after the batch is durably stored."""
    return cosign(checkpoint, cosigner, time_s)
