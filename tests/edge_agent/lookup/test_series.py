"""Rows of intervals and scans, out of leaves newest first."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.lookup.series import SLACK_MS, UNITS, Range, rows, scan_times
from edge_agent.recording.recording import MapHashes, record_scan, record_start
from protocols.evidence.leaf import Kind, Leaf
from protocols.metering.quality import Quality
from tests.edge_agent.gateway import UTC_MS, VERSION, Polls, config_of
from tests.edge_agent.lookup.leaves import new_draft, newest_first


@pytest.fixture
def recorded(tmp_path: Path) -> list[Leaf]:
    """Twenty rounds of polls: intervals of six seconds."""
    config = config_of(tmp_path)
    polls, draft, hashes = Polls(config), new_draft(), MapHashes()
    record_start(draft, config, polls.clock.now(), VERSION)
    for scan in polls.rounds(20):
        record_scan(draft, scan, hashes)
    return newest_first(draft)


def test_an_interval_is_a_row(tmp_path: Path, recorded: list[Leaf]) -> None:
    """10 litres in 2 s are 18 m3/h; figures in the units of a technician."""
    config = config_of(tmp_path).runs[0]
    found = list(rows(recorded, "R1", Range(UTC_MS, UTC_MS + 10**6), config))
    assert len(found) >= 5
    assert found == sorted(found, reverse=True)
    row = found[0]
    assert row.end_ms - row.start_ms == 6_000
    assert row.value("line_flow") == pytest.approx(18.0)
    assert row.value("base_flow") == pytest.approx(18.0 * row.c, rel=1e-4)
    assert row.value("pressure") == pytest.approx(401.325)
    assert row.value("temperature") == pytest.approx(15.0)
    assert row.value("index") == pytest.approx(1.0 + 0.01 * (row.end_ms - UTC_MS) / 2000)
    assert row.value("z") == row.z
    assert row.value("c") == row.c
    assert row.marks == ()
    assert {row.value(of) is not None for of in UNITS} == {True}
    (unknown,) = list(rows(recorded, "R1", Range(row.start_ms, row.end_ms), None))
    assert unknown.value("index") is None
    assert unknown._replace(end_ms=unknown.start_ms).value("line_flow") is None


def test_only_what_lies_in_the_range(tmp_path: Path, recorded: list[Leaf]) -> None:
    """A row that reaches into it counts; it ends where older ones cannot lie there."""
    within = Range(UTC_MS + 13_000, UTC_MS + 20_000)
    found = list(rows(recorded, "R1", within, None))
    assert found
    assert all(row.end_ms > within.since_ms and row.start_ms < within.until_ms for row in found)
    assert list(rows(recorded, "R2", within, None)) == []
    late = Range(UTC_MS + SLACK_MS + 10**6, UTC_MS + SLACK_MS + 2 * 10**6)
    seen = []

    def watched() -> object:
        for leaf in recorded:
            seen.append(leaf)
            yield leaf

    assert list(rows(watched(), "R1", late, None)) == []  # type: ignore[arg-type]
    assert len(seen) == 1
    damaged = [leaf._replace(body=("x",)) for leaf in recorded if leaf.kind is Kind.INTERVAL]
    assert list(rows(damaged, "R1", within, None)) == []


def test_good_scans_of_a_device(recorded: list[Leaf]) -> None:
    """Failed polls have no value, and one without a time has no place."""
    scans = [leaf for leaf in recorded if leaf.kind is Kind.SCAN]
    within = Range(UTC_MS + 10_000, UTC_MS + 20_000)
    found = list(scan_times(scans, "P1", within))
    assert [leaf.utc_ms for leaf in found] == [
        UTC_MS + at for at in (18_000, 16_000, 14_000, 12_000, 10_000)
    ]
    lost = [leaf._replace(quality=int(Quality.BAD_NO_ANSWER)) for leaf in scans]
    assert list(scan_times(lost, "P1", within)) == []
    assert list(scan_times([scans[0]._replace(utc_ms=None)], "P1", within)) == []
