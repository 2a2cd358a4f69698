"""Which batches an export holds."""

from pathlib import Path

from sqlalchemy import delete, update

from central.proofs.export_scope import Scope, explaining_places, ranges_of
from central.store.log_tables import batch
from protocols.evidence.leaf import Log
from tests.central.proofs.site import MADE_S, Site, site_in
from tests.central.web import story

HOUR_MS = 3_600_000


def found(site: Site, begin_ms: int, end_ms: int) -> list[tuple[Log, int, int, int]]:
    scope = Scope(story.GATEWAY, begin_ms, end_ms, MADE_S)
    with site.store.engine.connect() as conn:
        ranges = ranges_of(conn, scope)
    return [(one.origin.log, one.first, one.end, one.uploads) for one in ranges]


def test_everything_and_a_part(tmp_path: Path) -> None:
    """The scans of all intervals of the range are in it, though not of that time."""
    site = site_in(tmp_path / "store")
    begin, end = story.BEGIN_MS, story.END_MS
    assert found(site, 0, end + 1) == [(Log.BILLING, 0, 57, 6), (Log.TELEMETRY, 0, 1924, 5)]
    part = found(site, begin + 2 * HOUR_MS, begin + 2 * HOUR_MS + 1)
    assert part == [(Log.BILLING, 30, 40, 1), (Log.TELEMETRY, 800, 1600, 2)]
    assert found(site, end + HOUR_MS, end + 2 * HOUR_MS) == []
    site.store.close()


def test_only_what_was_receipted_and_in_parts_where_something_is_lost(tmp_path: Path) -> None:
    """A batch without a receipt ends its log; a batch that is gone divides it."""
    site = site_in(tmp_path / "store")
    with site.store.writer.begin() as conn:
        conn.execute(update(batch).where(batch.c.first == 50).values(receipt=None))
        conn.execute(delete(batch).where(batch.c.first == 800))
    assert found(site, 0, story.END_MS + 1) == [
        (Log.BILLING, 0, 50, 5), (Log.TELEMETRY, 0, 800, 2), (Log.TELEMETRY, 1200, 1924, 2),
    ]  # fmt: skip
    site.store.close()


def test_what_explains_a_part_stands_before_it(tmp_path: Path) -> None:
    """The configuration that its intervals name, and the maps; nothing that the part holds."""
    site = site_in(tmp_path / "store")
    with site.store.engine.connect() as conn:
        scope = Scope(story.GATEWAY, story.BEGIN_MS + 2 * HOUR_MS, story.END_MS, MADE_S)
        places = explaining_places(conn, story.GATEWAY, ranges_of(conn, scope))
        assert [place.seq for place in places] == [1, 2, 3, 4]
        whole = ranges_of(conn, scope._replace(from_ms=0))
        assert explaining_places(conn, story.GATEWAY, whole) == []
    site.store.close()
