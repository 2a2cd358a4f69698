"""The frontier before each batch: with it, and the batch, every leaf of the batch can be proven.

Intake keeps one with each batch. For batches of before that they are worked out from the nearest
one that is known, and kept.
"""

from sqlalchemy import Connection, insert, select

from central.proofs.stored import batches_between
from central.store.database import Store
from central.store.proof_tables import batch_frontier
from protocols.evidence.leaf import Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, Frontier, Hole
from protocols.evidence.upload import decode_upload, open_leaves


def frontier_before(store: Store, origin: Origin, first: int) -> Frontier:
    """The frontier of the leaves before ``first``, where a batch begins.

    Raises ValueError where leaves before it are lost and no frontier is known after them.
    """
    with store.engine.connect() as conn:
        found = _nearest(conn, origin, first)
    if found.size == first:
        return found
    made: list[Frontier] = []
    for batch in batches_between(store, origin, found.size, first):
        if batch.first != found.size:
            break
        upload = decode_upload(batch.upload)
        hashes = {
            leaf.seq: leaf_hash(encode_leaf(leaf)) for leaf in open_leaves(upload, batch.size)
        }
        found = extended(found, hashes, upload.holes)
        made.append(found)
    if found.size != first:
        raise ValueError(f"{origin}: leaves {found.size} to {first - 1} are not at central")
    with store.writer.begin() as conn:
        for one in made:
            keep_frontier(conn, origin, one)
    return found


def extended(frontier: Frontier, hashes: dict[int, bytes], holes: tuple[Hole, ...]) -> Frontier:
    """The frontier after a batch's leaves, by seq, and its holes."""
    gone = {hole.first: hole for hole in holes}
    rest = len(hashes) + len(gone)
    row: list[bytes] = []
    while rest:
        at = frontier.size + len(row)
        if at in hashes:
            row.append(hashes[at])
        else:
            frontier = frontier.extend(row).extend_hole(gone[at])
            row = []
        rest -= 1
    return frontier.extend(row)


def keep_frontier(conn: Connection, origin: Origin, frontier: Frontier) -> None:
    """Remember a frontier, once."""
    key = {"gateway": origin.gateway, "log": origin.log.value, "epoch": origin.epoch}
    at = select(batch_frontier.c.size).filter_by(**key, size=frontier.size)
    if conn.execute(at).first() is None:
        values = {"size": frontier.size, "hashes": frontier.to_bytes()}
        conn.execute(insert(batch_frontier).values(**key, **values))


def _nearest(conn: Connection, origin: Origin, size: int) -> Frontier:
    row = conn.execute(
        select(batch_frontier.c.size, batch_frontier.c.hashes)
        .where(
            batch_frontier.c.gateway == origin.gateway,
            batch_frontier.c.log == origin.log.value,
            batch_frontier.c.epoch == origin.epoch,
            batch_frontier.c.size <= size,
        )
        .order_by(batch_frontier.c.size.desc())
        .limit(1)
    ).one_or_none()
    return EMPTY if row is None else Frontier.from_bytes(row.size, row.hashes)
