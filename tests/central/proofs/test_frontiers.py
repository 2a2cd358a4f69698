"""The frontier before a batch, over leaves and holes."""

from pathlib import Path

import pytest
from sqlalchemy import delete, select

from central.proofs.frontiers import extended, frontier_before, keep_frontier
from central.store.database import Store
from central.store.log_tables import batch
from central.store.proof_tables import batch_frontier
from protocols.evidence.leaf import Log, Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, hole_of
from tests.central.proofs.site import site_in
from tests.central.web import story
from tests.protocols.audit.morning import TELEMETRY

ORIGIN = Origin(story.GATEWAY, Log.TELEMETRY, 0)
HASHES = [leaf_hash(encode_leaf(leaf)) for leaf in TELEMETRY]


@pytest.mark.parametrize("gone", [range(0), range(500, 600)])
def test_it_is_that_of_the_leaves_before(tmp_path: Path, gone: range) -> None:
    """Whether the leaves are held or only their hashes."""
    store = site_in(tmp_path / "store", gone).store
    assert kept(store) == [400, 800, 1200, 1600]  # by intake, as the batches came
    with store.writer.begin() as conn:
        conn.execute(delete(batch_frontier))
    for first, known in ((0, []), (800, [400, 800]), (1600, [400, 800, 1200, 1600])):
        assert frontier_before(store, ORIGIN, first) == EMPTY.extend(HASHES[:first])
        assert kept(store) == known  # worked out, and remembered
        assert frontier_before(store, ORIGIN, first) == EMPTY.extend(HASHES[:first])
    store.close()


def kept(store: Store) -> list[int]:
    with store.engine.connect() as conn:
        sizes = select(batch_frontier.c.size).where(batch_frontier.c.log == "telemetry")
        return sorted(conn.scalars(sizes))


def test_leaves_that_are_lost_are_told(tmp_path: Path) -> None:
    """A batch that is gone: what lies behind it cannot be worked out."""
    store = site_in(tmp_path / "store").store
    with store.writer.begin() as conn:
        conn.execute(delete(batch).where(batch.c.log == "telemetry", batch.c.first == 400))
        conn.execute(delete(batch_frontier))
    with pytest.raises(ValueError, match="400 to 1199"):
        frontier_before(store, ORIGIN, 1200)
    with store.writer.begin() as conn:
        keep_frontier(conn, ORIGIN, EMPTY.extend(HASHES[:800]))
    assert frontier_before(store, ORIGIN, 1200) == EMPTY.extend(HASHES[:1200])  # beyond the hole
    store.close()


def test_leaves_and_holes_in_any_order() -> None:
    """A hole first, last, between leaves, and alone."""
    for gone in (range(3), range(4, 6), range(7, 10), range(10)):
        hole = hole_of(gone.start, HASHES[gone.start : gone.stop])
        held = {seq: HASHES[seq] for seq in range(10) if seq not in gone}
        assert extended(EMPTY, held, (hole,)) == EMPTY.extend(HASHES[:10])
