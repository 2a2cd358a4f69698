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
        for run, book in books.items():
            for point, total in book["totals"].items():
                moved = sum(r.moved_counts for r in rows if (r.run, r.point) == (run, point))
                assert moved == total["last"]["counts"] - total["first"]["counts"], (run, point)


def backlog(journal: Path) -> int:
    """Leaves without a receipt."""
    with closing(sqlite3.connect(journal)) as connection:
        rows = connection.execute("SELECT sum(size - receipted_size) FROM log").fetchone()
    return int(rows[0] or 0)
