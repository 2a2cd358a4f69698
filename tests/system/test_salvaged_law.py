"""The first law over damaged journals, with real processes: agent, central, plant and a link."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from central.ledger.law import law
from central.store.database import open_store
from tests.system.rig import Rig
from tests.system.taken import way_of


def remembered(journal: Path) -> None:
    """What the runs' states were is damaged: they are made again from leaves and scans."""
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("UPDATE run_state SET digest = x'00'")
        connection.commit()


def header(journal: Path) -> None:
    """SQLite reads nothing of the file any more."""
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with journal.open("r+b") as file:
        file.write(bytes(100))


@pytest.mark.long
@pytest.mark.parametrize("damage", [remembered, header])
def test_the_law_holds_over_a_salvage(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """In one segment: what had no receipt comes again, once, and every counted volume is there."""
    with Rig(tmp_path) as rig:
        rig.wait("the first intervals", lambda: (rig.summary() or {}).get("intervals", 0) >= 3)
        rig.link.cut(after_bytes=0)
        rig.wait("a backlog", lambda: backlog(rig.journal) > 20)
        rig.kill("agent")
        damage(rig.journal)
        rig.link.mend()
        rig.start("agent")
        rig.wait("the epoch", lambda: rig.has_said("agent", "epoch 1 goes on"))
        before = (rig.summary() or {}).get("intervals", 0)
        rig.wait(
            "intervals behind it", lambda: (rig.summary() or {}).get("intervals", 0) >= before + 6
        )
        rig.stop("agent")
        rig.wait("central's ledger", rig.has_followed)
        shutil.copytree(rig.directory / "state", tmp_path / "after")
        rig.stop("central")
        rig.stop("plant")
        books = rig.books()["runs"]
        store = open_store(rig.store)
        try:
            with store.engine.connect() as conn:
                rows = law(conn)
        finally:
            store.close()
        assert all(row.holds for row in rows), [row for row in rows if not row.holds]
        assert {row.segment for row in rows} == {0}
        stopped_utc_ms = rig.stopped_utc_ms
        assert stopped_utc_ms is not None
        for run, book in books.items():
            for point, total in book["totals"].items():
                (row,) = [row for row in rows if (row.run, row.point) == (run, point)]
                way = way_of(total, [row.index_start, row.index_end])
                assert row.moved_counts == way.advance_counts, (run, point)
                assert way.is_explained(stopped_utc_ms, rig.in_flight_ms), (run, point, way)


def backlog(journal: Path) -> int:
    """Leaves without a receipt."""
    with closing(sqlite3.connect(journal)) as connection:
        rows = connection.execute("SELECT sum(size - receipted_size) FROM log").fetchone()
    return int(rows[0] or 0)
