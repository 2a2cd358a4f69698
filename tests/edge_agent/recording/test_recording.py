"""From scans, starts and stops to leaves; pure, so no file is needed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from central.ledger.bodies import event_of
from edge_agent.bus.poller import PolledScan
from edge_agent.config.model import AgentConfig, Change
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.memory import Memory, Tick, first_memory
from edge_agent.recording.recording import (
    MapHashes,
    record_scan,
    record_start,
    record_stop,
)
from protocols.evidence.leaf import Kind, Leaf, Log, Origin, decode_leaf, leaf_hash
from protocols.evidence.salt import BLOCK, salt_of
from protocols.metering.conditions import conditions_at
from protocols.metering.instant import Instant
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import Flag, Quality
from protocols.metering.run import Agrees, recompute
from protocols.metering.run_config import RunConfig
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan
from protocols.registers.profile import Order
from protocols.registers.register_map import RegisterMap
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, KEYS, VERSION, Polls, config_of, table

SALTS = Salts(GATEWAY, KEYS.salt_secret)


class Book:
    """A memory that ticks move on, and all leaves so far."""

    def __init__(self, config: AgentConfig) -> None:
        self.config = config
        self.memory = first_memory(GATEWAY, BOOT_ID)
        self.polls = Polls(config)
        self.leaves: list[Leaf] = []
        self.urgent = False
        self.hashes = MapHashes()

    def take(self, draft: Draft) -> list[Leaf]:
        tick = draft.tick()
        self.memory, self.urgent = tick.after, draft.urgent
        new = [decode_leaf(leaf.data) for leaf in tick.leaves]
        self.leaves += new
        return new

    def start(self, config: AgentConfig | None = None) -> list[Leaf]:
        self.config = config or self.config
        draft = Draft(self.memory, SALTS)
        record_start(draft, self.config, self.polls.clock.now(), VERSION)
        return self.take(draft)

    def stop(self) -> list[Leaf]:
        draft = Draft(self.memory, SALTS)
        record_stop(draft, self.polls.clock.now())
        return self.take(draft)

    def scans(self, *scans: PolledScan) -> list[Leaf]:
        draft = Draft(self.memory, SALTS)
        for scan in scans:
            record_scan(draft, scan, self.hashes, self.config.regulators)
        return self.take(draft)

    def rounds(self, count: int) -> list[Leaf]:
        return self.scans(*self.polls.rounds(count))

    def intervals(self) -> list[IntervalRecord]:
        return [
            IntervalRecord.from_body(leaf.body)
            for leaf in self.leaves
            if leaf.kind is Kind.INTERVAL
        ]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = Book(config_of(tmp_path))
    book.start()
    return book


def kinds(leaves: list[Leaf]) -> list[str]:
    return [leaf.kind.name for leaf in leaves]


def events(leaves: list[Leaf]) -> list[tuple[Any, ...]]:
    """(code, subject, old, new, detail) of the event leaves."""
    found = [leaf for leaf in leaves if leaf.kind is Kind.EVENT]
    return [(leaf.body[0], leaf.subject, *leaf.body[1:3], leaf.body[4]) for leaf in found]


def codes(leaves: list[Leaf]) -> list[str]:
    return [event[0] for event in events(leaves)]


def remade(book: Book) -> list[bool]:
    """Of each interval: whether it follows from its configuration and the scans of its range."""
    leaves = book.leaves
    maps = {
        leaf.reference: RegisterMap.from_body(leaf.body)
        for leaf in leaves
        if leaf.kind is Kind.REGISTER_MAP
    }
    configs = {
        leaf.reference: RunConfig.from_body(leaf.body)
        for leaf in leaves
        if leaf.kind is Kind.CONFIGURATION and leaf.subject
    }
    scans = [
        Scan(
            leaf.seq,
            leaf.subject,
            Instant(leaf.boot_no, leaf.mono_ms, leaf.utc_ms, leaf.clock_state),
            leaf.quality,
            decode_scan(
                maps[leaf.reference],
                [raw for raw in leaf.body if not isinstance(raw, (str, bytes, tuple))],
            ),
        )
        for leaf in leaves
        if leaf.kind is Kind.SCAN
    ]
    return [
        isinstance(recompute(configs[record.config_hash], record, scans), Agrees)
        for record in book.intervals()
    ]


def line_sums(book: Book) -> tuple[int, int]:
    """(main, error) of the line total, in counts."""
    totals = [t for record in book.intervals() for t in record.totals if t.point == "vm"]
    return sum(total.main for total in totals), sum(total.error for total in totals)


def changed_config(directory: Path, **run: Any) -> AgentConfig:
    changed = table()
    changed["run"][0].update(run)
    return config_of(directory, changed)


def test_the_first_start(tmp_path: Path) -> None:
    """Clock, start, the gateway's configuration and each run's: whole, with their hashes."""
    book = Book(config_of(tmp_path))
    clock, started, gateway, run = book.start()
    assert clock.kind is Kind.CLOCK
    assert started.body == ("agent_started", None, VERSION, "agent", "")
    assert (gateway.subject, gateway.body) == ("", book.config.to_body())
    assert gateway.reference == book.config.hash()
    assert (run.subject, run.body) == ("R1", book.config.runs[0].to_body())
    assert run.reference == book.config.runs[0].hash()


def test_a_second_start_repeats_no_configuration(book: Book) -> None:
    """What did not change is not told again."""
    assert kinds(book.start()) == ["EVENT"]


def test_a_scan_is_its_raw_registers(book: Book) -> None:
    """Raw integers, the hash of the map by which they are read, quality and instant as polled."""
    scan = book.polls.round()[0]
    register_map, leaf = book.scans(scan)
    assert register_map.kind is Kind.REGISTER_MAP
    assert RegisterMap.from_body(register_map.body) == scan.register_map
    assert leaf.kind is Kind.SCAN
    assert leaf.subject == register_map.subject == "P1"
    assert leaf.body == scan.raws
    assert leaf.reference == register_map.reference == scan.register_map.hash()
    assert (leaf.boot_no, leaf.mono_ms, leaf.utc_ms, leaf.clock_state) == scan.instant


def test_a_failed_poll_is_a_leaf_too(book: Book) -> None:
    """With its quality and no values."""
    leaf = book.scans(book.polls.scan("meter-1", Quality.BAD_NO_ANSWER))[-1]
    assert (leaf.kind, leaf.quality) == (Kind.SCAN, Quality.BAD_NO_ANSWER)
    assert set(leaf.body) == {None}


def test_a_register_map_travels_once(book: Book) -> None:
    """Until the device answers by another one, and over restarts."""
    assert kinds(book.rounds(1)).count("REGISTER_MAP") == 3
    book.start()
    book.hashes = MapHashes()
    assert "REGISTER_MAP" not in kinds(book.rounds(2))
    (scan, *_) = book.polls.round()
    order: Order = "CDAB"
    swapped = RegisterMap.of(scan.device.profile, scan.device.points, order)
    assert kinds(book.scans(scan._replace(register_map=swapped))) == ["REGISTER_MAP", "SCAN"]


def test_seq_salt_and_frontier_go_on_without_a_gap(book: Book) -> None:
    """Each log counts by itself; each leaf has the salt of its place; the tree has every leaf."""
    book.rounds(4)
    for log, head in book.memory.heads.items():
        leaves = [leaf for leaf in book.leaves if leaf.kind.log is log]
        assert [leaf.seq for leaf in leaves] == list(range(head.size))
        for leaf in leaves:
            assert leaf.salt == salt_of(KEYS.salt_secret, leaf.origin(), leaf.seq)


def test_salts_follow_their_blocks() -> None:
    """Kept from leaf to leaf, and made anew with each block, log and epoch."""
    salts = Salts(GATEWAY, KEYS.salt_secret)
    for log in Log:
        for epoch in (0, 1):
            for seq in (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK, 0):
                origin = Origin(GATEWAY, log, epoch)
                assert salts.of(log, epoch, seq) == salt_of(KEYS.salt_secret, origin, seq)


def test_a_tick_that_is_dropped_moves_nothing(book: Book) -> None:
    """The same scans give the same tick again."""
    scans = list(book.polls.rounds(3))
    ticks: list[Tick] = []
    before: Memory = book.memory
    for _ in range(2):
        draft = Draft(book.memory, SALTS)
        for scan in scans:
            record_scan(draft, scan, MapHashes())
        ticks.append(draft.tick())
    assert ticks[0] == ticks[1]
    assert book.memory is before
    hashes = [leaf_hash(leaf.data) for leaf in ticks[0].leaves if leaf.log is Kind.SCAN.log]
    head = before.heads[Kind.SCAN.log]
    assert ticks[0].after.heads[Kind.SCAN.log].frontier == head.frontier.extend(hashes)


def test_intervals_name_their_configuration(book: Book) -> None:
    """The leaf's reference is the hash that its record carries."""
    book.rounds(7)
    leaves = [leaf for leaf in book.leaves if leaf.kind is Kind.INTERVAL]
    assert len(leaves) == 2
    assert {leaf.reference for leaf in leaves} == {book.config.runs[0].hash()}
    assert {leaf.quality for leaf in leaves} == {Quality.GOOD}


def test_the_quality_of_an_interval(book: Book) -> None:
    """A substitute is uncertain, a gap estimated; both are told at once."""
    book.rounds(2)
    assert not book.urgent
    book.polls.clock.mono_ms += 30_000
    (meter,) = [scan for scan in book.polls.round() if scan.device.name == "meter-1"]
    leaves = book.scans(meter)
    assert {"gap", "pressure_substituted", "temperature_substituted"} <= set(codes(leaves))
    assert book.urgent
    book.rounds(4)
    qualities = {leaf.quality for leaf in book.leaves if leaf.kind is Kind.INTERVAL}
    assert Quality.UNCERTAIN_ESTIMATED in qualities


def test_a_stop_closes_every_run(book: Book) -> None:
    """What was seen is billed, flagged partial; the next start goes on without loss."""
    book.rounds(5)
    leaves = book.stop()
    assert codes(leaves) == ["agent_stopped"]
    assert book.intervals()[-1].flags & Flag.PARTIAL
    book.start()
    book.rounds(3)
    book.stop()
    totals = [record.totals[0] for record in book.intervals()]
    assert [total.start for total in totals[1:]] == [total.end for total in totals[:-1]]
    assert totals[-1].end == book.polls.index
    assert sum(total.main for total in totals) == totals[-1].end - totals[0].start


def test_a_stop_makes_no_interval_of_nothing(book: Book) -> None:
    """Only the transmitters were polled since it opened: it goes on after the start, whole."""
    book.rounds(9)
    book.stop()
    meters = {run.meter_serial for run in book.config.runs}
    book.start()
    late = [scan for scan in book.polls.rounds(1) if scan.device.serial not in meters]
    assert late
    book.scans(*late)
    assert codes(book.stop()) == ["agent_stopped"]
    before = len(book.intervals())
    book.start()
    book.rounds(9)
    book.stop()
    assert len(book.intervals()) > before
    assert all(record.polls for record in book.intervals())
    assert all(remade(book))


def test_a_changed_field_is_told_with_old_and_new(book: Book, tmp_path: Path) -> None:
    """The old interval closes under the old configuration, then the new one is in force."""
    old_hash = book.config.runs[0].hash()
    book.rounds(2)
    leaves = book.start(changed_config(tmp_path, qmax_m3_h=500, interval_seconds=10))
    assert kinds(leaves) == ["EVENT", "INTERVAL", "CONFIGURATION", "EVENT", "EVENT"]
    assert leaves[1].reference == old_hash
    assert leaves[2].reference == book.config.runs[0].hash() != old_hash
    assert events(leaves)[1:] == [
        ("configuration_changed", "R1", 6_000, 10_000, "interval_ms"),
        ("configuration_changed", "R1", 1_000_000, 500_000, "qmax_l_h"),
    ]
    assert book.urgent
    book.rounds(7)
    records = book.intervals()
    assert records[1].totals[0].start == records[0].totals[0].end
    assert records[1].telemetry_first == records[0].telemetry_end


def test_long_words_of_who_changed_it_are_still_an_event_to_central(
    book: Book, tmp_path: Path
) -> None:
    """Who and why may have 200 characters each, together more than central reads of an event."""
    config = replace(changed_config(tmp_path, qmax_m3_h=500), change=Change("李" * 200, "检" * 200))
    leaves = book.start(config)
    changed = [leaf for leaf in leaves if leaf.kind is Kind.EVENT and leaf.subject == "R1"]
    assert [event_of(leaf).detail for leaf in changed] == ["qmax_l_h"]
    assert event_of(changed[0]).who.startswith("李" * 200 + ": 检")


def test_nested_fields_have_names(book: Book, tmp_path: Path) -> None:
    """A source's and a total's fields, and the gateway's own."""
    changed = table()
    changed["site"]["name"] = "Boiler house 4"
    changed["device"][1]["poll_seconds"] = 4
    changed["run"][0]["pressure"]["gauge"] = False
    changed["regulator"][0]["outlet_pressure"]["gauge"] = False
    told = events(book.start(config_of(tmp_path, changed)))[1:]
    assert [(subject, detail, old, new) for _, subject, old, new, detail in told] == [
        ("", "device[p-1].poll_ms", 2000, 4000),
        ("", "regulator[PR1].outlet.gauge", 1, 0),
        ("", "site", "Boiler house 3", "Boiler house 4"),
        ("R1", "pressure.gauge", 1, 0),
    ]


def test_a_replaced_meter_opens_a_new_segment(book: Book, tmp_path: Path) -> None:
    """At its own index; the law holds for each segment, and nothing between them is invented."""
    book.rounds(4)
    last_index = book.polls.index
    changed = table()
    changed["device"][0]["serial"] = "M2"
    config = config_of(tmp_path, changed)
    book.start(config)
    clock = book.polls.clock
    book.polls = Polls(config, clock)
    book.polls.index = last_index + 7  # so near that it could pass for the old one's
    book.rounds(5)
    book.stop()
    segments: dict[int, list[Any]] = {}
    for record in book.intervals():
        for total in record.totals:
            if total.point == "vm":
                segments.setdefault(total.segment, []).append(total)
    assert list(segments) == [0, 1]
    assert segments[0][-1].end == last_index
    assert (segments[1][0].start, segments[1][-1].end) == (last_index + 17, book.polls.index)
    for totals in segments.values():
        booked = sum(total.main + total.error + total.quarantined for total in totals)
        assert booked == totals[-1].end - totals[0].start
    records = book.intervals()
    for earlier, later in pairwise(records):
        assert later.telemetry_first == earlier.telemetry_end


def test_a_run_that_is_removed_and_comes_back(book: Book, tmp_path: Path) -> None:
    """It is closed once; back again, it goes on where its index stood."""
    book.rounds(4)
    closed_at = book.polls.index
    without = table()
    del without["run"]
    leaves = book.start(config_of(tmp_path, without))
    assert ("run_removed", "R1", "M1", None, "") in events(leaves)
    assert kinds(leaves).count("INTERVAL") == 1
    assert codes(book.start()) == ["agent_started"]
    assert "INTERVAL" not in kinds(book.rounds(4))
    assert "run_added" in codes(book.start(config_of(tmp_path)))
    book.rounds(2)
    book.stop()
    totals = [record.totals[0] for record in book.intervals()]
    assert totals[-1].end == book.polls.index
    booked = sum(total.main + total.error + total.quarantined for total in totals)
    assert booked == book.polls.index - totals[0].start > closed_at - totals[0].start


def test_scans_while_a_run_was_away_are_not_its_own(book: Book, tmp_path: Path) -> None:
    """Its devices may be polled on; its next interval leaves those scans out, and is remade so."""
    book.rounds(4)
    without = table()
    del without["run"]
    book.start(config_of(tmp_path, without))
    book.rounds(5)
    leaves = book.start(config_of(tmp_path))
    assert [(leaf.kind, leaf.subject) for leaf in leaves[1:]] == [
        (Kind.CONFIGURATION, "R1"),
        (Kind.EVENT, "R1"),
    ]
    back_at = book.memory.heads[Log.TELEMETRY].size
    book.rounds(4)
    book.stop()
    assert remade(book) == [True] * len(book.intervals())
    assert back_at in [record.telemetry_first for record in book.intervals()]
    assert sum(line_sums(book)) == book.polls.index - 1010


@pytest.mark.parametrize(
    ("change", "base_segments"),
    [
        ({"totals": {"line": "vm"}}, [0, 1]),
        ({"base_resolution_m3": "0.01", "base_resolution_point": ""}, [0, 1, 2]),
    ],
)
def test_a_change_of_the_base_total_costs_no_line_volume(
    tmp_path: Path, change: dict[str, Any], base_segments: list[int]
) -> None:
    """There and back: the line total goes on where it stood, the base total in a new segment."""
    book = Book(config_of(tmp_path))
    book.start()
    book.rounds(4)
    for config in (changed_config(tmp_path, **change), config_of(tmp_path)):
        book.start(config)
        book.rounds(4)
    book.stop()
    assert line_sums(book) == (book.polls.index - 1010, 0)
    totals = [total for record in book.intervals() for total in record.totals]
    assert {total.segment for total in totals if total.point == "vm"} == {0}
    assert list(dict.fromkeys(t.segment for t in totals if t.point == "vb")) == base_segments
    assert remade(book) == [True] * len(book.intervals())


def test_a_reading_of_the_old_source_says_nothing_of_the_new_one(
    book: Book, tmp_path: Path
) -> None:
    """Until the new transmitter answers there is a substitute, and the increment is in error."""
    book.rounds(4)
    changed = table()
    changed["run"][0]["pressure"] |= {"low_kpa_abs": Decimal(350), "device": "t-1",
                                      "point": "static_pressure", "gauge": False}  # fmt: skip
    book.start(config_of(tmp_path, changed))
    (_pressure, _temperature, meter) = book.polls.round()
    book.scans(meter)
    book.stop()
    record = book.intervals()[-1]
    assert record.flags & Flag.SUBSTITUTE_PRESSURE
    assert not record.flags & Flag.SUBSTITUTE_TEMPERATURE
    assert (record.line_main_cm3, record.line_error_cm3) == (0, 10_000)


def test_a_gauge_reading_outlives_the_atmosphere(book: Book, tmp_path: Path) -> None:
    """It is kept as the transmitter showed it, and made absolute where it is used."""
    book.rounds(4)
    changed = table()
    changed["site"]["atmospheric_pressure_kpa"] = Decimal("89.875")
    book.start(config_of(tmp_path, changed))
    now = book.memory.runs["R1"].state.now
    assert now.pressure is not None
    assert now.reference is not None
    run = book.memory.runs["R1"].config
    assert conditions_at(run, now, now.reference).p_dpa == now.pressure.value + 898_750


def test_scans_of_a_device_before_it_belonged_to_the_run(tmp_path: Path) -> None:
    """A transmitter that was polled before is fresh only by what it shows from now on."""
    before = table()
    before["device"].append(before["device"][1] | {"name": "p-2", "unit": 3, "serial": "P2"})
    book = Book(config_of(tmp_path, before))
    book.start()
    book.rounds(4)
    book.scans(book.polls.scan("p-2", p1_f32=4.0, tob1_f32=15.0))
    before["run"][0]["pressure"]["device"] = "p-2"
    book.start(config_of(tmp_path, before))
    (_pressure, _temperature, meter) = book.polls.round()
    book.scans(meter)
    book.stop()
    assert remade(book) == [True] * len(book.intervals())


def test_a_meter_that_another_run_had_meanwhile_is_not_counted_twice(
    book: Book, tmp_path: Path
) -> None:
    """Back at its first run, it begins a new segment; what passed meanwhile is the other run's."""
    book.rounds(4)
    book.start(changed_config(tmp_path, id="R2"))
    book.rounds(4)
    book.start(config_of(tmp_path))
    book.rounds(4)
    book.stop()
    assert sum(line_sums(book)) == 3 * 30  # each time from the first scan to the fourth
    assert remade(book) == [True] * len(book.intervals())


def test_a_regulator_is_watched(book: Book) -> None:
    """A pressure beyond its limits is told once, when it has lasted; the state outlives a tick."""
    told = []
    for _ in range(40):
        book.polls.clock.mono_ms += 2000
        told += events(book.scans(book.polls.scan("p-1", p1_f32=9.0, tob1_f32=15.0)))
    told = [event for event in told if event[1] == "PR1"]
    assert [(code, old, new) for code, _, old, new, _ in told] == [("outlet_above", "off", "on")]
    assert "outlet_above" in book.memory.regulators["PR1"].conditions


def test_another_master_is_recorded(book: Book) -> None:
    """What a bus has to say comes with a scan and becomes an event beside it."""
    scan = next(book.polls.rounds(1))
    new = book.scans(scan._replace(notice="bus line-1: a read of unit 9"))
    assert events(new) == [("other_master", "", None, None, "bus line-1: a read of unit 9")]
    assert "SCAN" in kinds(new)
