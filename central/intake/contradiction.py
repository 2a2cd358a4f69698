"""Whether a signed upload that does not start at our head tells the same log as ours.

A lost answer makes a gateway send what central has, cut anew: that agrees. What was rolled back, or
comes from a second machine, says something else of the same seqs. Where the upload ends at one of
our checkpoints the roots prove it (equivocation, `accept`); elsewhere it is seen here. The payload
is then not proven to be signed, so it is an alarm and no accusation.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, select

from central.store.log_tables import batch
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import Leaf, Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import Frontier, Hole
from protocols.evidence.note import unverified_checkpoint
from protocols.evidence.upload import Upload, decode_upload, open_leaves

MAX_COMPARED: Final = 16
"""Stored batches that one upload is compared with."""


def contradiction(conn: Connection, frontier: Frontier, upload: Upload, size: int) -> str | None:
    """What of the upload cannot be true beside our log of `frontier`, in words; else None.

    None also where too little overlaps to tell.
    """
    if upload.first >= frontier.size:
        return None
    try:
        leaves = open_leaves(upload, size)
    except Malformed:
        return None
    if size > frontier.size:
        return _continued(frontier, upload, leaves)
    return _compared(conn, upload.origin, leaves)


def _continued(frontier: Frontier, upload: Upload, leaves: list[Leaf]) -> str | None:
    """Our own tree, extended by what is new in the upload, must arrive at its root."""
    parts: list[Leaf | Hole] = [leaf for leaf in leaves if leaf.seq >= frontier.size]
    parts += [hole for hole in upload.holes if hole.end > frontier.size]
    claimed = unverified_checkpoint(upload.checkpoint)
    grown = frontier
    for part in sorted(parts, key=_first):
        if _first(part) != grown.size:
            return None  # a hole that reaches over our end: nothing to compare
        if isinstance(part, Leaf):
            grown = grown.append(_hash(part))
        else:
            grown = grown.extend_hole(part)
    if (grown.size, grown.root()) == (claimed.size, claimed.root):
        return None
    return f"signed at {claimed.size}, which does not follow from our {frontier.size} leaves"


def _compared(conn: Connection, origin: Origin, leaves: list[Leaf]) -> str | None:
    """Each leaf must be the one that we hold under its seq."""
    theirs = {leaf.seq: _hash(leaf) for leaf in leaves}
    if not theirs:
        return None
    for leaf in _stored(conn, origin, min(theirs), max(theirs) + 1):
        if theirs.get(leaf.seq, _hash(leaf)) != _hash(leaf):
            return f"leaf {leaf.seq} is another than the one that is stored"
    return None


def _stored(conn: Connection, origin: Origin, first: int, end: int) -> Iterable[Leaf]:
    rows = conn.execute(
        select(batch.c.upload, batch.c.size)
        .where(
            batch.c.gateway == origin.gateway,
            batch.c.log == origin.log.value,
            batch.c.epoch == origin.epoch,
            batch.c.size > first,
            batch.c.first < end,
        )
        .order_by(batch.c.first)
        .limit(MAX_COMPARED)
    )
    for row in rows:
        yield from open_leaves(decode_upload(row.upload), row.size)


def _first(part: Leaf | Hole) -> int:
    return part.seq if isinstance(part, Leaf) else part.first


def _hash(leaf: Leaf) -> bytes:
    return leaf_hash(encode_leaf(leaf))
