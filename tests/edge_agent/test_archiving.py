"""Clocks and archives from a device's port to the journal: told once, exactly once, over kills."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.bus.archive_reader import Taken
from edge_agent.bus.jobs import Jobs
from edge_agent.bus.link import Answer, NoAnswer
from edge_agent.bus.poller import PolledScan
from edge_agent.config.model import AgentConfig
from edge_agent.journal.device_memory import MAX_GAPS
from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import FILE_NAME, Journal, Retention
from edge_agent.journal.schema import migrate
from edge_agent.recorder.errands import GAP_RETRY_MS, Errands
from edge_agent.recorder.recorder import Recorder
from edge_agent.recording.device_recording import RangeAsked
from protocols.evidence.leaf import Kind
from protocols.metering.instant import ClockState
from protocols.metering.quality import Quality
from protocols.registers.archive_record import ArchiveRecord, device_time
from protocols.registers.codec import encode
from protocols.registers.library import load_profile
from protocols.registers.register_map import RegisterMap
from tests.edge_agent.gateway import (
    BOOT_ID,
    KEYS,
    VERSION,
    SetClock,
    config_of,
    new_journal,
    table,
)
from tests.edge_agent.killed import Statements, killed
from tests.edge_agent.ledger_law import Found, passed_counts, read_journal
from tests.edge_agent.served import HOUR_MS, NOON_MS, Served

UNIFLO = load_profile("flonidan-uniflo1200")
GAP_H = 6


def uniflo_table() -> dict[str, object]:
    """The test gateway with a UNIFLO for its meter, which keeps an hourly log."""
    changed = table()
    meter = next(one for one in changed["device"] if one["name"] == "meter-1")
    meter |= {"profile": "flonidan-uniflo1200", "points": ["vm", "vb"], "archives": ["interval"]}
    meter |= {"clock_zone": "UTC"}
    next(one for one in changed["device"] if one["name"] == "p-1")["unit"] = 50
    run = changed["run"][0]
    run |= {"index_digits": 12, "line_resolution_m3": "0.0001", "base_resolution_m3": "0.0001"}
    run["stale_seconds"], run["interval_seconds"] = 600, 300
    run["totals"] = {"line": "vm", "base": "vb"}
    return changed


class Rig:
    """A recorder, errands and the bus's part, driven by hand; the clock is the device's too."""

    def __init__(self, config: AgentConfig, served: Served, journal: Journal) -> None:
        self.config, self.served, self.journal = config, served, journal
        self.clock = SetClock(1_000)
        self.clock.offset_ms = NOON_MS - (GAP_H + 2) * HOUR_MS
        memory = journal.load(config.gateway, BOOT_ID, self.clock.mono_ms)
        self.clock.boot_no = memory.boot_no
        salts = Salts(KEYS.gateway, KEYS.salt_secret)
        self.recorder = Recorder(journal, memory, config, salts, self.clock, VERSION)
        self.jobs = {bus.name: Jobs() for bus in config.buses}
        self.errands = Errands(config, self.jobs, self.clock, self.recorder.tell)
        self.meter = next(one for one in config.devices if one.name == "meter-1")
        self.lost = False

    def at(self, utc_ms: int) -> None:
        assert self.clock.offset_ms is not None
        self.clock.mono_ms = utc_ms - self.clock.offset_ms
        self.served.utc_ms = utc_ms

    def exchange(self, asked) -> Answer:  # type: ignore[no-untyped-def]
        return NoAnswer(0) if self.lost else self.served.exchange(asked)

    def poll(self) -> None:
        """One scan of the meter as it stands."""
        map_ = RegisterMap.of(UNIFLO, self.meter.points)
        raws = tuple(self.served.device.raw(point, self.served.now()) for point in map_.points)
        now = self.clock.now()
        assert self.recorder.deliver(PolledScan(self.meter, now, Quality.GOOD, map_, raws))
        assert self.recorder.turn()

    def errand(self, steps: int = 10_000) -> int:
        """Errands that are due, and the bus's steps for them; how many there were."""
        self.errands.tick(self.recorder.memory.devices, self.clock.mono_ms)
        done = 0
        while done < steps and self.jobs["line-1"].step(self.exchange, self.clock.mono_ms):
            done += 1
        return done

    def gap(self) -> None:
        """Polls at 04:00, then only from 10:12 on."""
        assert self.recorder.begin()
        start_ms = NOON_MS - (GAP_H + 2) * HOUR_MS
        for minute in (1, 2, 3):
            self.at(start_ms + minute * 60_000)
            self.poll()
        self.at(start_ms + GAP_H * HOUR_MS + 12 * 60_000)
        self.poll()


@contextmanager
def rig_in(directory: Path, served: Served | None = None) -> Iterator[Rig]:
    config = config_of(directory, uniflo_table())
    journal = new_journal(config)
    yield Rig(config, served or Served(UNIFLO), journal)
    journal.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_in(tmp_path) as made:
        yield made


def found_in(rig: Rig) -> Found:
    return read_journal(rig.journal.path)


def records(found: Found) -> list[ArchiveRecord]:
    return [ArchiveRecord.from_body(leaf.body) for leaf in found.of(Kind.ARCHIVE)]


def hours_of(found: Found) -> list[int]:
    """The hours of the day of the records, by UTC."""
    return [(record.utc_ms or 0) // HOUR_MS % 24 for record in records(found)]


def event(found: Found, code: str) -> list[tuple[object, ...]]:
    return [leaf.body for leaf in found.of(Kind.EVENT) if leaf.body[0] == code]


def test_a_gap_is_filled_from_the_archive(rig: Rig) -> None:
    """Each record of it is a leaf, with its map before it; the volume is the index's alone."""
    rig.gap()
    [gap] = rig.recorder.memory.devices.gaps.values()
    assert (gap.run, gap.serial) == ("R1", "M1")
    rig.errand()
    assert rig.recorder.turn()
    found = found_in(rig)
    assert hours_of(found) == [5, 6, 7, 8, 9, 10]
    maps = {leaf.reference: leaf for leaf in found.of(Kind.REGISTER_MAP)}
    for leaf, record in zip(found.of(Kind.ARCHIVE), records(found), strict=True):
        map_ = RegisterMap.from_body(maps[leaf.reference].body)
        assert maps[leaf.reference].seq < leaf.seq
        assert device_time(record.clock, map_, record.words) == record.device_s
        assert record.gap == (gap.seq, "R1", gap.start_utc_ms, gap.end_utc_ms)
        assert leaf.subject == "M1"
    gap_leaf = next(leaf for leaf in found.of(Kind.EVENT) if leaf.seq == gap.seq)
    assert gap_leaf.body[0] == "gap"
    [told] = event(found, "archive_read")
    assert told[1:4] == (None, 6, "agent")
    assert rig.recorder.memory.devices.gaps == {}
    totals = [record.totals[0] for record in found.intervals()]
    assert passed_counts(found) == totals[-1].end - totals[0].start > 0


def test_nothing_is_read_twice(rig: Rig) -> None:
    """Neither in the next ticks, nor for a later gap that begins before the mark."""
    rig.gap()
    rig.errand()
    rig.recorder.turn()
    rig.at(rig.served.now().utc_ms + 20 * 60_000)
    rig.poll()
    rig.errand()
    rig.recorder.turn()
    found = found_in(rig)
    assert hours_of(found) == [5, 6, 7, 8, 9, 10]
    assert [told[2] for told in event(found, "archive_read")] == [6, 0]


def test_a_device_that_is_lost_meanwhile_is_asked_again(rig: Rig) -> None:
    """Later, and from its mark on; until then the gap waits."""
    rig.gap()
    rig.errand(steps=1)
    while not hours_of(found_in(rig)):
        rig.jobs["line-1"].step(rig.exchange, rig.clock.mono_ms)
        rig.recorder.turn()
    rig.lost = True
    while rig.jobs["line-1"].step(rig.exchange, rig.clock.mono_ms):
        pass
    rig.recorder.turn()
    assert 0 < len(hours_of(found_in(rig))) < 6
    assert rig.recorder.memory.devices.gaps
    rig.lost = False
    assert rig.errand() == 0
    rig.clock.mono_ms += GAP_RETRY_MS
    assert rig.errand() > 0
    rig.recorder.turn()
    assert hours_of(found_in(rig)) == [5, 6, 7, 8, 9, 10]


def test_an_archive_that_cannot_be_read_is_said_once(rig: Rig) -> None:
    """The gap waits for nothing then."""
    rig.gap()
    point = UNIFLO.point("interval_log_index")
    rig.served.device._written[point.name] = encode(point, 999)
    rig.errand()
    rig.recorder.turn()
    rig.clock.mono_ms += HOUR_MS
    rig.errand()
    rig.recorder.turn()
    [told] = event(found_in(rig), "archive_failed")
    assert "archive interval: interval_log_index shows 999" in str(told[4])
    assert rig.recorder.memory.devices.gaps == {}


def test_a_queue_that_is_full_costs_no_record(rig: Rig) -> None:
    """The bus keeps what was found, reads no further, and hands it on when there is room."""
    rig.gap()
    rig.errands.tick(rig.recorder.memory.devices, rig.clock.mono_ms)
    room = rig.config.journal.queue_scans
    now = rig.clock.now()
    map_ = RegisterMap.of(UNIFLO, rig.meter.points)
    while rig.recorder.deliver(PolledScan(rig.meter, now, Quality.BAD_PORT, map_, (None,) * 4)):
        room -= 1
    assert room == 0
    for _ in range(200):
        rig.jobs["line-1"].step(rig.exchange, rig.clock.mono_ms)
    assert not rig.jobs["line-1"].step(rig.exchange, rig.clock.mono_ms)
    rig.recorder.turn()
    rig.errand()
    rig.recorder.turn()
    rig.errand()
    rig.recorder.turn()
    assert hours_of(found_in(rig)) == [5, 6, 7, 8, 9, 10]


def test_gaps_are_bounded(rig: Rig) -> None:
    """A line that flaps does not fill the memory."""
    assert rig.recorder.begin()
    start_ms = NOON_MS
    for number in range(MAX_GAPS + 5):
        rig.at(start_ms + number * 3 * HOUR_MS)
        rig.poll()
    assert len(rig.recorder.memory.devices.gaps) == MAX_GAPS


# ---- clocks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset_s", "state", "codes"),
    [
        (0, ClockState.SYNCHRONISED, []),
        (59, ClockState.SYNCHRONISED, []),
        (61, ClockState.SYNCHRONISED, [("off", "on", "+61.0 s to UTC, allowed are 60 s")]),
        (-7200, ClockState.SYNCHRONISED, [("off", "on", "-7200.0 s to UTC, allowed are 60 s")]),
        (-7200, ClockState.UNSYNCHRONISED, []),
    ],
)
def test_a_clock_is_judged_against_synchronised_utc(
    rig: Rig, offset_s: int, state: ClockState, codes: list[tuple[str, ...]]
) -> None:
    """Read at the start from the device; beyond the limit it is told, with the figures."""
    assert rig.recorder.begin()
    rig.at(NOON_MS)
    rig.clock.state = state
    rig.served.offset_ms = 1000 * offset_s
    rig.errand()
    rig.recorder.turn()
    told = event(found_in(rig), "device_clock_drifts")
    assert [(body[1], body[2], body[4]) for body in told] == codes
    assert rig.errand() == 0


def test_a_drift_is_told_when_it_begins_and_ends_over_restarts(tmp_path: Path) -> None:
    """An hour later it is read again; a restart does not tell it again."""
    served = Served(UNIFLO)
    served.offset_ms = 120_000
    for round_, expected in ((0, 1), (1, 1), (2, 2)):
        with rig_in(tmp_path, served) as rig:
            assert rig.recorder.begin()
            rig.at(NOON_MS + round_ * HOUR_MS)
            served.offset_ms = 120_000 if round_ < 2 else 1_000
            rig.errand()
            rig.recorder.turn()
            told = event(found_in(rig), "device_clock_drifts")
            assert len(told) == expected
    assert told[-1][1:3] == ("on", "off")
    [clock] = rig.recorder.memory.devices.clocks.values()
    assert (clock.offset_ms, clock.drifts) == (1_000, False)


# ---- kills --------------------------------------------------------------------------------------


def fill(directory: Path, served: Served, acknowledge: int | None, kill_at: int | None) -> int:
    """A gap, its archive record by record, each in its own tick; killed before `kill_at`."""
    config = config_of(directory, uniflo_table())
    journal = Journal(config.state_dir / FILE_NAME, Retention())
    rig = Rig(config, served, journal)
    rig.gap()
    statements = Statements(journal.connection, kill_at)
    rig.errands.tick(rig.recorder.memory.devices, rig.clock.mono_ms)
    while rig.jobs["line-1"].step(rig.exchange, rig.clock.mono_ms):
        assert rig.recorder.turn()
        if acknowledge is not None:
            marks = rig.recorder.memory.devices.marks.values()
            os.write(acknowledge, struct.pack("q", max(marks, default=0)))
    assert rig.recorder.turn()
    return statements.count


def mark_when_killed(directory: Path, statement: int) -> int:
    """In a child that dies before the statement; the mark that it acknowledged last."""
    told = killed(lambda acknowledge: fill(directory, Served(UNIFLO), acknowledge, statement))
    return int(struct.unpack("q", told[-8:])[0]) if told else 0


def resume(directory: Path) -> Found:
    """Started again: what is left of the gap is read."""
    config = config_of(directory, uniflo_table())
    journal = Journal(config.state_dir / FILE_NAME, Retention())
    rig = Rig(config, Served(UNIFLO), journal)
    rig.at(NOON_MS - 2 * HOUR_MS + 20 * 60_000)
    assert rig.recorder.begin()
    rig.errand()
    assert rig.recorder.turn()
    assert rig.recorder.memory.devices.gaps == {}
    journal.close()
    return read_journal(config.state_dir / FILE_NAME)


def prepare(directory: Path) -> Path:
    directory.mkdir()
    config = config_of(directory, uniflo_table())
    config.state_dir.mkdir()
    migrate(config.state_dir / FILE_NAME)
    return directory


def test_a_kill_while_an_archive_is_read(tmp_path: Path) -> None:
    """Before any statement: after the restart every record is there, once, in its order."""
    new = prepare(tmp_path / "new")
    shutil.copytree(new, tmp_path / "whole")
    statements = fill(tmp_path / "whole", Served(UNIFLO), None, None)
    assert statements > 20
    for statement in range(statements + 1):
        directory = tmp_path / f"at-{statement}"
        shutil.copytree(new, directory)
        mark = mark_when_killed(directory, statement)
        kept = records(read_journal(directory / "state" / FILE_NAME))
        assert max((record.device_s for record in kept), default=0) >= mark
        found = resume(directory)
        assert hours_of(found) == [5, 6, 7, 8, 9, 10], statement
        assert sum(int(str(told[2])) for told in event(found, "archive_read")) == 6


def test_a_duplicate_and_a_stranger_are_dropped(rig: Rig) -> None:
    """A record that comes twice, or for a gap that is done, is no second leaf."""
    rig.gap()
    kept: list[Taken] = []
    tell = rig.recorder.tell

    def twice(news):  # type: ignore[no-untyped-def]
        if isinstance(news, Taken):
            kept.append(news)
            tell(news)
        return tell(news)

    rig.errands = Errands(rig.config, rig.jobs, rig.clock, twice)
    rig.errand()
    rig.recorder.turn()
    for taken in kept:
        rig.recorder.tell(taken)
    rig.recorder.turn()
    assert hours_of(found_in(rig)) == [5, 6, 7, 8, 9, 10]


def test_gaps_of_a_device_that_is_gone_are_given_up(tmp_path: Path) -> None:
    """Said when the agent starts without it."""
    with rig_in(tmp_path) as rig:
        rig.gap()
    changed = uniflo_table()
    meter = changed["device"][0]  # type: ignore[index]
    del meter["archives"]
    meter["read_archives"] = False
    config = config_of(tmp_path, changed)
    journal = Journal(config.state_dir / FILE_NAME, Retention())
    rig = Rig(config, Served(UNIFLO), journal)
    rig.at(NOON_MS)
    assert rig.recorder.begin()
    assert rig.recorder.memory.devices.gaps == {}
    [told] = event(found_in(rig), "archive_failed")
    assert "configured no longer" in str(told[4])
    journal.close()


def test_an_operator_asks_for_a_range(rig: Rig) -> None:
    """As a gap is filled: each record of it a leaf, and the event of the request is its place."""
    assert rig.recorder.begin()
    rig.at(NOON_MS - HOUR_MS)
    rig.poll()
    between = (NOON_MS - 6 * HOUR_MS, NOON_MS - 3 * HOUR_MS)
    asked = RangeAsked(rig.clock.now(), "R1", "M1", between, 7)
    assert rig.recorder.tell(asked)
    assert rig.recorder.turn()
    rig.errand()
    assert rig.recorder.turn()
    found = found_in(rig)
    assert hours_of(found) == [7, 8, 9]
    [told] = event(found, "range_asked")
    assert told[2:4] == (7, "central")
    assert len(event(found, "archive_read")) == 1
    assert rig.recorder.memory.devices.gaps == {}


def test_a_gap_that_waits_is_read_before_a_younger_range(rig: Rig) -> None:
    """An archive is taken forwards only: what the range took first, the gap would never have."""
    rig.gap()
    rig.at(NOON_MS)
    rig.lost = True
    rig.errand()
    assert rig.recorder.memory.devices.gaps, "it could not be read, and waits a minute"
    rig.lost = False
    between = (NOON_MS - 105 * 60_000, NOON_MS)  # 11:00 and 12:00
    assert rig.recorder.tell(RangeAsked(rig.clock.now(), "R1", "M1", between, 7))
    assert rig.recorder.turn()
    for minute in range(5):
        rig.at(NOON_MS + minute * 60_000)
        rig.errand()
        rig.recorder.turn()
    assert hours_of(found_in(rig)) == [5, 6, 7, 8, 9, 10, 11, 12]


def test_ranges_that_wait_are_bounded(rig: Rig) -> None:
    """As gaps are; one more is told as failed, not passed over."""
    assert rig.recorder.begin()
    rig.at(NOON_MS)
    for number in range(MAX_GAPS + 5):
        asked = RangeAsked(rig.clock.now(), "R1", "M1", (0, 1 + number), number + 1)
        assert rig.recorder.tell(asked)
        assert rig.recorder.turn()
    assert len(rig.recorder.memory.devices.gaps) == MAX_GAPS
    assert len(event(found_in(rig), "range_asked")) == MAX_GAPS
    failed = event(found_in(rig), "archive_failed")
    assert [told[2] for told in failed] == list(range(MAX_GAPS + 1, MAX_GAPS + 6))
