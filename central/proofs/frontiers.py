"""The frontier before each batch: with it, and the batch, every leaf of the batch can be proven."""

from central.proofs.stored import batches_between
from central.store.database import Store
from protocols.evidence.leaf import Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, Frontier, Hole
from protocols.evidence.upload import decode_upload, open_leaves


def frontier_before(store: Store, origin: Origin, first: int) -> Frontier:
    """The frontier of the leaves before ``first``, where a batch begins.

    Raises ValueError where leaves before it are lost and no frontier is known after them.
    """
    found = EMPTY
    for batch in batches_between(store, origin, found.size, first):
        if batch.first != found.size:
            break
        upload = decode_upload(batch.upload)
        hashes = {
            leaf.seq: leaf_hash(encode_leaf(leaf)) for leaf in open_leaves(upload, batch.size)
        }
        found = extended(found, hashes, upload.holes)
    if found.size != first:
        raise ValueError(f"{origin}: leaves {found.size} to {first - 1} are not at central")
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
