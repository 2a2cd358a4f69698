"""What is kept of the scans as they pass."""

from __future__ import annotations

from pathlib import Path

from edge_agent.status.latest_scans import FLOW_MS, LatestScans
from protocols.metering.quality import Quality
from tests.edge_agent.gateway import Polls, config_of


def test_each_scan_is_kept_and_handed_on(tmp_path: Path) -> None:
    """The last, the last good one, and what the recorder says of it."""
    config = config_of(tmp_path)
    polls = Polls(config)
    handed = []

    def deliver(scan: object) -> bool:
        handed.append(scan)
        return len(handed) < 2

    latest = LatestScans(config.devices, deliver)
    good = polls.scan("p-1", p1_f32=3.0)
    bad = polls.scan("p-1", Quality.BAD_NO_ANSWER)
    assert latest.deliver(good)
    assert not latest.deliver(bad)
    assert handed == [good, bad]
    assert (latest.of("P1").last, latest.of("P1").good) == (bad, good)
    assert latest.of("M1").last is None
    assert latest.of("unknown").last is None


def test_a_flow_counts_from_a_scan_of_one_to_two_minutes_before(tmp_path: Path) -> None:
    """However long the agent runs, and however often it polls."""
    config = config_of(tmp_path)
    polls = Polls(config)
    latest = LatestScans(config.devices, lambda scan: True)
    for scan in polls.rounds(200):
        latest.deliver(scan)
        seen = latest.of("M1")
        if seen.good is not None and seen.before is not None:
            passed_ms = seen.good.instant.mono_ms - seen.before.instant.mono_ms
            assert passed_ms < 2 * FLOW_MS
            assert passed_ms >= FLOW_MS or scan.instant.mono_ms < FLOW_MS + 4000
