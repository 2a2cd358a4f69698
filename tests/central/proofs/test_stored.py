"""Stored batches as rows."""

from pathlib import Path

from central.proofs.stored import batch_at, batches_between
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.upload import decode_upload
from tests.central.proofs.site import site_in
from tests.central.web import story

BILLING = Origin(story.GATEWAY, Log.BILLING, 0)


def test_the_batch_that_holds_a_leaf(tmp_path: Path) -> None:
    """First and last leaf of a batch, and what is beyond the log."""
    store = site_in(tmp_path / "store").store
    with store.engine.connect() as conn:
        found = [batch_at(conn, BILLING, seq) for seq in (0, 9, 10, 56)]
        assert [(one.first, one.size) for one in found if one] == [
            (0, 10),
            (0, 10),
            (10, 20),
            (50, 57),
        ]
        assert batch_at(conn, BILLING, 57) is None
        assert batch_at(conn, BILLING._replace(epoch=1), 0) is None
        assert found[0] is not None
        assert decode_upload(found[0].upload).origin == BILLING
        assert found[0].receipt.startswith("— central ".encode())
    store.close()


def test_batches_in_order(tmp_path: Path) -> None:
    """Those that begin in the range."""
    store = site_in(tmp_path / "store").store
    assert [one.first for one in batches_between(store, BILLING, 0, 57)] == [0, 10, 20, 30, 40, 50]
    assert [one.first for one in batches_between(store, BILLING, 5, 30)] == [10, 20]
    assert list(batches_between(store, BILLING, 57, 100)) == []
    store.close()
