"""A run's state made again from its last interval and the scans behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.recording.rebuild import Rebuilt, is_current, new_segment, rebuilt, stepped
from protocols.evidence.leaf import Kind, Log
from protocols.metering.instant import ClockState, Instant
from protocols.metering.interval import IntervalRecord
from protocols.metering.run import RunState, step
from protocols.metering.run_config import RunConfig
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan
from protocols.registers.register_map import RegisterMap
from tests.edge_agent.gateway import config_of, new_journal
from tests.edge_agent.opened import Rig


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, list[Scan]]:
    """A run's configuration and its scans, out of a journal."""
    directory: Path = tmp_path_factory.mktemp("run")
    config = config_of(directory)
    new_journal(config).close()
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.rounds(14)
    billing = rig.all_leaves(Log.BILLING)
    maps = {
        leaf.reference: RegisterMap.from_body(leaf.body)
        for leaf in billing
        if leaf.kind is Kind.REGISTER_MAP
    }
    scans = [
        Scan(
            leaf.seq,
            leaf.subject,
            Instant(leaf.boot_no, leaf.mono_ms, leaf.utc_ms, ClockState(leaf.clock_state)),
            leaf.quality,
            decode_scan(maps[leaf.reference], leaf.body),  # type: ignore[arg-type]
        )
        for leaf in rig.all_leaves(Log.TELEMETRY)
    ]
    rig.journal.close()
    return config.runs[0], scans


def history(config: RunConfig, scans: list[Scan]) -> list[tuple[RunState, IntervalRecord | None]]:
    """After each scan: the state, and the last record until then."""
    state, last = RunState.new(), None
    told = []
    for scan in scans:
        state, records, _ = step(config, state, scan)
        last = records[-1] if records else last
        told.append((state, last))
    return told


def test_the_state_after_any_scan(recorded: tuple[RunConfig, list[Scan]]) -> None:
    """It is the one that was remembered, but for what was told of alarms."""
    config, scans = recorded
    checked = 0
    for at, (state, last) in enumerate(history(config, scans)):
        if last is None:
            continue
        found = rebuilt(config, last, scans[last.carry.next_seq : at + 1])
        assert found is not None
        assert replace(found.state, compared=state.compared) == state
        assert found.records == ()
        checked += 1
    assert checked > 25


def test_intervals_that_no_leaf_tells_are_made_again(
    recorded: tuple[RunConfig, list[Scan]],
) -> None:
    """From an older interval on, by the scans."""
    config, scans = recorded
    told = history(config, scans)
    records = []
    for _, last in told:
        if last is not None and last not in records:
            records.append(last)
    found = rebuilt(config, records[0], scans)
    assert found is not None
    assert list(found.records) == records[1:]
    assert found.state.now == told[-1][0].now


def test_a_record_that_its_scans_do_not_make_is_not_believed(
    recorded: tuple[RunConfig, list[Scan]],
) -> None:
    """A missing scan, another configuration, another figure: then nothing is known."""
    config, scans = recorded
    last = history(config, scans)[-1][1]
    assert last is not None
    without = [scan for scan in scans if scan.seq != last.telemetry_end - 1]
    assert rebuilt(config, last, without) is None
    assert rebuilt(config, last, []) is None
    assert rebuilt(replace(config, stale_ms=1), last, scans) is None
    assert rebuilt(config, replace(last, base_main_cm3=1), scans) is None
    assert rebuilt(config, replace(last, part=1, parts=2), scans) is None


def test_a_state_with_scans_behind_it_is_not_current(
    recorded: tuple[RunConfig, list[Scan]],
) -> None:
    """SQLite may see an older one; those of other devices do not count."""
    config, scans = recorded
    told = history(config, scans)
    assert is_current(told[-1][0], scans, config)
    assert not is_current(told[-2][0], scans, config)
    others = [scan._replace(serial="other") for scan in scans]
    assert is_current(told[0][0], others, config)
    assert stepped(config, told[3][0], scans).state == told[-1][0]


def test_a_new_segment_has_a_number_that_no_other_had(
    recorded: tuple[RunConfig, list[Scan]],
) -> None:
    """The run's own counters go on where they are known."""
    config, scans = recorded
    last = history(config, scans)[-1][1]
    assert last is not None
    state = new_segment(3, last)
    assert state.now.segment == 1
    assert state.now.positions == ()
    assert state.now.counters.line_main == last.carry.counters.line_main + last.line_main_cm3
    assert new_segment(3, None).now.segment == 3000
    assert isinstance(Rebuilt(state), Rebuilt)
