"""A change of any parameter closes the record and is told: field, old, new, who; never before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge_agent.journal.draft import Draft
from edge_agent.recording.changes import gateway_fields, run_fields, same_totals
from edge_agent.recording.recording import configure_run
from protocols.evidence.leaf import Kind, Leaf
from protocols.metering.quality import Flag
from protocols.metering.run_config import Role, RunConfig, Total
from tests.edge_agent.gateway import Polls, config_of, table
from tests.edge_agent.recording.test_recording import SALTS, Book, line_sums, remade
from tests.edge_agent.rich import Table, changed, read, rich_table

BY = {"by": "Wang 王", "reason": "verification 2026-11"}
WHO = "Wang 王: verification 2026-11"


class Change(NamedTuple):
    """One `configuration_changed` event."""

    subject: str
    field: str
    old: Any
    new: Any
    who: str


def changes(leaves: list[Leaf]) -> list[Change]:
    return [
        Change(leaf.subject, leaf.body[4], leaf.body[1], leaf.body[2], leaf.body[3])  # type: ignore[arg-type]
        for leaf in leaves
        if leaf.kind is Kind.EVENT and leaf.body[0] == "configuration_changed"
    ]


def told(leaves: list[Leaf], code: str) -> list[tuple[Any, ...]]:
    """(old, new, who, detail) of the events of this code."""
    found = [leaf.body for leaf in leaves if leaf.kind is Kind.EVENT]
    return [tuple(body[1:5]) for body in found if body[0] == code]


def rich_round(book: Book) -> None:
    """All five devices answer: 3 bar above 98 kPa, 15 degC, and an analysis that stays."""
    pressure, temperature, meter = book.polls.round()
    shares: Table = {"methane": 96.5, "nitrogen": 1.2, "carbon_dioxide": 0.6, "ethane": 1.3,
              "propane": 0.4}  # fmt: skip
    book.scans(
        book.polls.scan("gc-1", **shares),
        book.polls.scan("b-1", p1_f32=0.98, tob1_f32=15.0),
        pressure,
        temperature,
        meter,
    )


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A rich run with two rounds in its open interval."""
    book = Book(read(tmp_path, rich_table()))
    book.start()
    for _ in range(2):
        rich_round(book)
    return book


RUN, SITE = ("run", 0), ("site",)
GAS = ("gas", 1)
# Each setting of the file that a volume depends on: (path, new value, fields that are told).
FILE: list[tuple[tuple[Any, ...], Any, tuple[str, ...]]] = [
    ((*RUN, "qmax_m3_h"), 999, ("qmax_l_h",)),
    ((*RUN, "qmin_m3_h"), 41, ("qmin_l_h",)),
    ((*RUN, "interval_seconds"), 8, ("interval_ms",)),
    ((*RUN, "stale_seconds"), 19, ("stale_ms",)),
    ((*RUN, "compare_base_percent"), 2, ("deviation_e6",)),
    ((*RUN, "temporary_meter"), False, ("temporary",)),
    ((*RUN, "line_resolution_point"), "", ("line_exponent_point",)),
    ((*RUN, "base_resolution_m3"), "0.01", ("base_exponent",)),
    ((*RUN, "error_curve", 1, 1), Decimal("-0.26"), ("error_curve[1].error_e6",)),
    ((*RUN, "error_curve", 0, 0), 51, ("error_curve[0].flow_l_h",)),
    ((*RUN, "conversion", "method"), "SGERG-mod-H2", ("method",)),
    ((*RUN, "conversion", "range"), "program", ("limits",)),
    ((*RUN, "conversion", "energy_combustion"), "20", ("gas.combustion", "gas.superior_j_m3")),
    ((*RUN, "base", "pressure_kpa"), 100, ("base_pressure_dpa",)),
    ((*RUN, "pressure", "gauge"), False, ("pressure.gauge",)),
    ((*RUN, "pressure", "substitute_kpa_abs"), 401, ("pressure.substitute",)),
    ((*RUN, "pressure", "low_kpa_abs"), 91, ("pressure.low",)),
    ((*RUN, "pressure", "high_kpa_abs"), 1101, ("pressure.high",)),
    ((*RUN, "pressure", "frozen_seconds"), 0, ("pressure.frozen_ms",)),
    ((*RUN, "temperature", "substitute_c"), 14, ("temperature.substitute",)),
    ((*RUN, "temperature", "low_c"), -39, ("temperature.low",)),
    ((*RUN, "temperature", "high_c"), 79, ("temperature.high",)),
    ((*RUN, "temperature", "frozen_seconds"), 1, ("temperature.frozen_ms",)),
    ((*RUN, "barometer", "low_kpa"), 84, ("barometer.low",)),
    ((*RUN, "barometer", "high_kpa"), 111, ("barometer.high",)),
    ((*RUN, "barometer", "frozen_seconds"), 1, ("barometer.frozen_ms",)),
    ((*RUN, "chromatograph", "stale_seconds"), 901, ("gas_source.stale_ms",)),
    ((*SITE, "gas_day_start_hour"), 9, ("gas_day_start_hour",)),
    ((*SITE, "zone"), "Asia/Urumqi", ("zone",)),
    (
        (*SITE, "atmospheric_pressure_kpa"), Decimal("101.3"),
        ("atmosphere_dpa", "barometer.substitute"),
    ),
    ((*GAS, "composition", "propane"), Decimal("0.00399"), ("gas.composition[4]",)),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "fields"), FILE, ids=[str(path) for path, *_ in FILE])
def test_a_change_of_the_file_is_told(
    book: Book, tmp_path: Path, path: tuple[Any, ...], value: Any, fields: tuple[str, ...]
) -> None:
    """43 CFR 3175: what was, what is, who; the open record closes under what was."""
    old = book.config.runs[0]
    top = changed(rich_table(), path, value) | {"change": dict(BY)}
    if path[-1] in ("pressure_kpa",):
        del top["run"][0]["conversion"]["energy_combustion"]
    if path[-2:] == ("pressure", "gauge"):
        del top["run"][0]["barometer"]
    leaves = book.start(read(tmp_path, top))
    new = book.config.runs[0]
    at_run = {change.field: change for change in changes(leaves) if change.subject == "R1"}
    assert set(fields) <= set(at_run)
    before, after = run_fields(old), run_fields(new)
    assert set(at_run) == {f for f in before.keys() | after if before.get(f) != after.get(f)}
    for name, change in at_run.items():
        assert change[2:] == (before.get(name), after.get(name), WHO)
    [record] = book.intervals()
    assert (record.config_hash, record.polls) == (old.hash(), 1)
    assert record.flags & Flag.PARTIAL
    kinds = [leaf.kind for leaf in leaves if leaf.subject == "R1"]
    assert kinds.index(Kind.INTERVAL) < kinds.index(Kind.CONFIGURATION) < kinds.index(Kind.EVENT)
    for _ in range(2):
        rich_round(book)
    book.stop()
    assert {one.config_hash for one in book.intervals()[1:]} == {new.hash()}
    assert remade(book) == [True] * len(book.intervals())


def varied(value: Any) -> Iterator[tuple[str, Any]]:
    """The value with each of its parts changed by itself: (path, changed)."""
    if isinstance(value, bool):
        yield "", not value
    elif isinstance(value, Role):
        yield "", Role.LINE_UNHALTABLE
    elif isinstance(value, int):
        yield "", value + 1
    elif isinstance(value, str):
        yield "", f"{value}x"
    elif hasattr(value, "_fields"):
        for name in value._fields:
            for path, new in varied(getattr(value, name)):
                yield f".{name}{path}", value._replace(**{name: new})
    elif isinstance(value, tuple):
        for at, item in enumerate(value):
            for path, new in varied(item):
                yield f"[{at}]{path}", (*value[:at], new, *value[at + 1 :])


def variants(config: RunConfig) -> Iterator[tuple[str, RunConfig]]:
    for field in dataclasses.fields(config):
        for path, new in varied(getattr(config, field.name)):
            yield f"{field.name}{path}", dataclasses.replace(config, **{field.name: new})


def test_no_parameter_can_change_untold(book: Book) -> None:
    """Every part of a run's configuration, one by one: another hash, an event, a closed record."""
    old = book.config.runs[0]
    tried = set()
    for path, new in variants(old):
        if path == "run":
            continue  # another run
        draft = Draft(book.memory, SALTS)
        configure_run(draft, new, book.polls.clock.now(), WHO, None)
        leaves = Book.take(Book(book.config), draft)
        assert leaves[0].kind is Kind.INTERVAL
        assert leaves[0].reference == old.hash() != new.hash()
        assert leaves[1].kind is Kind.CONFIGURATION
        assert leaves[1].reference == new.hash()
        found = changes(leaves)
        assert found, path
        before, after = run_fields(old), run_fields(new)
        for change in found:
            assert (change.subject, change.who) == ("R1", WHO)
            assert change[2:4] == (before.get(change.field), after.get(change.field))
            assert change.old != change.new
        tried.add(path.partition("[")[0].partition(".")[0])
    assert tried == {field.name for field in dataclasses.fields(RunConfig)} - {"run"}


def test_without_a_name_the_file_itself_is_who(book: Book, tmp_path: Path) -> None:
    """Nobody is invented."""
    leaves = book.start(read(tmp_path, changed(rich_table(), (*RUN, "qmax_m3_h"), 999)))
    assert [change.who for change in changes(leaves)] == ["configuration file"]
    top = changed(rich_table(), (*RUN, "qmax_m3_h"), 998) | {"change": {"by": "Li"}}
    assert [change.who for change in changes(book.start(read(tmp_path, top)))] == ["Li"]


def test_how_a_composition_was_made_whole_is_told(book: Book, tmp_path: Path) -> None:
    """The sum as it was written, and the rule for it, are the gateway's own parameters."""
    top = changed(rich_table(), (*GAS, "composition", "propane"), Decimal("0.00399"))
    leaves = book.start(read(tmp_path, changed(top, (*GAS, "sum_rule"), "normalise")))
    found = [change for change in changes(leaves) if change.subject == ""]
    assert found == [Change("", "gas[analysed].sum_e9", 10**9, 999_990_000, "configuration file")]
    leaves = book.start(read(tmp_path, changed(top, (*GAS, "sum_rule"), "methane_rest")))
    found = [change for change in changes(leaves) if change.subject == ""]
    assert [(one.field, one.old, one.new) for one in found] == [
        ("gas[analysed].rule", "normalise", "methane_rest")
    ]


def test_another_software_is_a_change(book: Book) -> None:
    """The gateway's configuration holds its hash, and both hashes are told."""
    config = book.config
    other = dataclasses.replace(config, software="f" * 64)
    assert changes(book.start(other)) == [
        Change("", "software", config.software, "f" * 64, "configuration file")
    ]
    assert gateway_fields(other.to_body())["software"] == "f" * 64


def test_slow_points_are_told(book: Book, tmp_path: Path) -> None:
    """Which points of a device are read more rarely, and how rarely, is in the log."""
    top = rich_table() | {"change": dict(BY)}
    top["device"][0] |= {"slow_points": ["temperature", "pressure"], "slow_seconds": 60}
    config = read(tmp_path, top)
    name = config.devices[0].name
    assert changes(book.start(config)) == [
        Change("", f"device[{name}].slow_ms", 0, 60_000, WHO),
        Change("", f"device[{name}].slow_points[0]", None, "temperature", WHO),
        Change("", f"device[{name}].slow_points[1]", None, "pressure", WHO),
    ]


def test_a_gateways_body_of_before_the_slow_points(book: Book) -> None:
    """A journal that an earlier version began is gone on with."""
    body = book.config.to_body()
    assert isinstance(body, tuple)
    before = (*body[:6], tuple(device[:5] for device in body[6]), *body[7:])  # type: ignore[union-attr, index]
    known, added = gateway_fields(before), gateway_fields(body)
    assert known.items() < added.items()
    assert {name.rpartition(".")[2] for name in added.keys() - known.keys()} == {"slow_ms"}


def test_new_limits_of_a_transmitter_keep_its_reading(book: Book, tmp_path: Path) -> None:
    """It is the same transmitter: no substitute until its next poll, no error volume."""
    top = changed(rich_table(), (*RUN, "pressure", "low_kpa_abs"), 95)
    top = changed(top, (*RUN, "temperature", "frozen_seconds"), 0)
    book.start(read(tmp_path, changed(top, (*RUN, "barometer", "high_kpa"), 111)))
    book.scans(book.polls.round()[2])
    book.stop()
    assert not book.intervals()[-1].flags & ~(Flag.PARTIAL | Flag.TEMPORARY_METER | Flag.UNDER_QMIN)
    assert line_sums(book) == (20, 0)
    assert remade(book) == [True, True]


def replaced(serial: str = "M2", **more: Any) -> Table:
    top = rich_table() | {"change": dict(BY)}
    top["device"][0]["serial"] = serial
    top["run"][0] |= more
    return top


METER_CHANGE = {
    "old_serial": "M1", "old_end_index_m3": Decimal("1.034"), "new_start_index_m3": 7,
    "at": "2026-11-26 10:15", "by": "Zhao", "reason": "verification",
}  # fmt: skip


def test_a_replacement_tells_both_indexes_and_who(book: Book, tmp_path: Path) -> None:
    """Serials, the end and start index as the technician read them, what was last seen, when."""
    top = replaced(meter_change=METER_CHANGE, temporary_meter=False)
    leaves = book.start(read(tmp_path, top))
    detail = "end index 1034, last seen 1020, start index 7000, at 2026-11-26 10:15: verification"
    assert told(leaves, "meter_replaced") == [("M1", "M2", "Zhao", detail)]
    assert Change("R1", "meter_serial", "M1", "M2", WHO) in changes(leaves)


@pytest.mark.parametrize("about", [None, METER_CHANGE | {"old_serial": "M0"}])
def test_a_replacement_that_nobody_described(
    book: Book, tmp_path: Path, about: Table | None
) -> None:
    """Who changed the file is told, and that the indexes are not known; another's are not used."""
    top = replaced() if about is None else replaced(meter_change=about)
    leaves = book.start(read(tmp_path, top))
    [(old, new, who, detail)] = told(leaves, "temporary_meter")
    assert (old, new, who) == ("M1", "M2", WHO)
    assert detail.startswith("last seen index 1020; the file gives no end and start index")


def test_a_temporary_meter(book: Book, tmp_path: Path) -> None:
    """Its intervals are flagged; the base counter goes on over both replacements, line too."""
    assert {r.flags & Flag.TEMPORARY_METER for r in book.intervals()} <= {Flag.TEMPORARY_METER}
    steps = [
        (replaced("M2", temporary_meter=True), 2_000),
        (replaced("M1", temporary_meter=False), 1_030),
    ]
    for top, index in steps:
        config = read(tmp_path, top)
        book.start(config)
        book.polls = Polls(config, book.polls.clock)
        book.polls.index = index
        for _ in range(3):
            rich_round(book)
        check_counters(book)
    book.stop()
    check_counters(book)
    records = book.intervals()
    flagged = [bool(record.flags & Flag.TEMPORARY_METER) for record in records]
    assert flagged == sorted(flagged, reverse=True)
    assert set(flagged) == {True, False}
    segments = {t.segment: t.start for r in records for t in r.totals if t.point == "vm"}
    assert list(segments) == [0, 1, 2]
    assert line_sums(book) == (10 + 20 + 20, 0)


def check_counters(book: Book) -> None:
    """The run's own counters are the sums of all its records, and of the open interval."""
    state, records = book.memory.runs["R1"].state, book.intervals()
    for name, value in state.now.counters._asdict().items():
        booked = sum(getattr(record, f"{name}_cm3") for record in records)
        open_cm3 = 0 if state.tally is None else getattr(state.tally, f"{name}_cm3")
        assert value == booked + open_cm3


def test_counters_go_on_over_everything(book: Book, tmp_path: Path) -> None:
    """Restarts, changes, another meter, a run that was away: nothing is lost, none is doubled."""
    steps = [
        changed(rich_table(), (*RUN, "qmax_m3_h"), 999),
        changed(rich_table(), (*RUN, "conversion", "method"), "GERG-2008"),
        replaced(),
        changed(replaced(), (*RUN, "base_resolution_m3"), "0.01"),
        {key: value for key, value in rich_table().items() if key != "run"},
        replaced(),
    ]
    before = book.memory.runs["R1"].state.now.counters
    for top in steps:
        book.stop()
        config = read(tmp_path, top)
        book.start(config)
        index = book.polls.index
        book.polls = Polls(config, book.polls.clock)
        book.polls.index = index
        for _ in range(5):
            rich_round(book)
        check_counters(book)
        now = book.memory.runs["R1"].state.now.counters
        assert all(new >= old for new, old in zip(now, before, strict=True))
        before = now
    book.stop()
    check_counters(book)
    assert before.line_unhaltable > 0
    assert before.base_unhaltable > 0
    assert remade(book) == [True] * len(book.intervals())
    main, _error = line_sums(book)
    assert before.line_main == 1000 * main


def test_remainders_go_on_over_a_change(tmp_path: Path) -> None:
    """With the factor unchanged, the rounded intervals add up to the rounded total."""
    book = Book(config_of(tmp_path))
    book.start()
    for n in range(12):
        book.rounds(3)
        changed_table = table()
        changed_table["run"][0]["qmax_m3_h"] = 900 + n
        book.start(config_of(tmp_path, changed_table))
    book.stop()
    [c_e9] = {record.c_e9 for record in book.intervals() if record.flow_time_ms}
    main, error = line_sums(book)
    base = sum(record.base_main_cm3 for record in book.intervals())
    assert (error, base) == (0, main * 1000 * c_e9 // 10**9)


def test_which_totals_go_on(tmp_path: Path) -> None:
    """Same meter, register, digits and resolution; anything else begins a segment."""
    (old,) = config_of(tmp_path).runs
    points = frozenset(total.point for total in old.totals)
    assert same_totals(old, old) == points
    assert same_totals(old, dataclasses.replace(old, meter_serial="M2")) == frozenset()
    line = {total.point for total in old.totals if total.role.of_line}
    assert same_totals(old, dataclasses.replace(old, base_exponent=-2)) == line
    assert same_totals(old, dataclasses.replace(old, line_exponent=-2)) == points - line
    fewer = (*old.totals[1:], Total("vm", Role.LINE, 10**8))
    assert same_totals(old, dataclasses.replace(old, totals=fewer)) == points - {"vm"}


def test_a_start_is_sent_at_once(book: Book) -> None:
    """So is a change; ordinary scans wait for their batch."""
    rich_round(book)
    assert not book.urgent
    book.start()
    assert book.urgent
