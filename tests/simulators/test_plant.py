"""The plant conserves: indexes advance exactly by what flowed, whoever looks and when."""

import math
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.conversion import Factor, convert
from protocols.modbus.frames import Request
from protocols.modbus.plan import plan
from protocols.registers.codec import assemble
from simulators.books import HISTORY_POLLS, MAX_DAYS, RunBook, Served, TotalBook
from simulators.plant import CYCLE_MS, Plant, Start
from simulators.readings import Index
from simulators.respond import respond
from simulators.site import MODULUS, demo_site

_SITE = demo_site()
# 07:59:55 in Shanghai, so that the gas day changes five seconds after the start.
_EVE_MS = int(datetime(2026, 3, 1, 23, 59, 55, tzinfo=UTC).timestamp() * 1000)
_TOTALS = Request(1, 3, 4100, 12)


def _plant() -> Plant:
    return Plant(_SITE, Start(1_000, _EVE_MS))


@cache
def _after_40_s() -> dict[str, Any]:
    plant = _plant()
    plant.advance_to(41_000)
    return plant.books()["runs"]


def _poll_meter(plant: Plant, mono_ms: int, bus: str, unit: int) -> tuple[int, int]:
    """The line and the base index that a meter shows."""
    meter = _SITE.on_bus(bus)[unit]
    pdu = plant.answer(meter, _TOTALS, plant.advance_to(mono_ms))
    words = [int.from_bytes(pdu[i : i + 2], "big") for i in range(2, len(pdu), 2)]
    return (
        assemble(meter.profile.point("vm"), words[2:4]),
        assemble(meter.profile.point("vb"), words[6:8]),
    )


@settings(max_examples=15)
@given(st.lists(st.integers(0, 3_000), max_size=20))
def test_what_flows_does_not_depend_on_who_looks(looks_ms: list[int]) -> None:
    """Polled at any instants, the plant comes to the same volumes as when left alone."""
    left_alone, watched = _plant(), _plant()
    left_alone.advance_to(4_000)
    for look_ms in sorted(looks_ms):
        _poll_meter(watched, 1_000 + look_ms, "line-1", 1)
    watched.advance_to(4_000)
    for name, book in left_alone.books()["runs"].items():
        seen = watched.books()["runs"][name]
        assert (seen["line_mm3"], seen["base_mm3"]) == (book["line_mm3"], book["base_mm3"])


def test_the_served_index_is_the_volume_in_counts() -> None:
    """Index - start = floor(volume / count), at each of fifteen polls, for both totals."""
    plant = _plant()
    for poll in range(15):
        _poll_meter(plant, 1_500 + 2_000 * poll, "line-1", 1)
    totals = plant.books()["runs"]["R1"]["totals"]
    for name, volume, start in (("vm", 3, 123_456_789), ("vb", 4, 610_222_333)):
        rows = totals[name]["history"]
        assert len(rows) == totals[name]["polls"] == 15
        for row in rows:
            assert row[2] == start + row[volume] // 1_000_000
        assert totals[name]["first"]["counts"] == rows[0][2]
        assert totals[name]["last"]["counts"] == rows[-1][2]


def test_indexes_roll_over_within_half_a_minute() -> None:
    """R2 shows both indexes near the modulus, then small, and the books go on without a step."""
    plant = _plant()
    before = _poll_meter(plant, 1_000, "lan", 1)
    after = _poll_meter(plant, 31_000, "lan", 1)
    totals = plant.books()["runs"]["R2"]["totals"]
    for shown, then, name in zip(before, after, ("vm", "vb"), strict=True):
        assert shown > MODULUS - 50_000
        assert then < 100_000
        advance = totals[name]["last"]["counts"] - totals[name]["first"]["counts"]
        assert (then - shown) % MODULUS == advance


def test_each_index_advances_at_least_2000_counts_in_30_s() -> None:
    """Line and base index of every meter move far enough for a demo of half a minute."""
    plant = _plant()
    for bus, unit in (("line-1", 1), ("lan", 1), ("line-2", 2)):
        first = _poll_meter(plant, 1_000 + plant.tick * CYCLE_MS, bus, unit)
        last = _poll_meter(plant, 31_000 + plant.tick * CYCLE_MS, bus, unit)
        assert all((b - a) % MODULUS >= 2_000 for a, b in zip(first, last, strict=True))


def test_volumes_agree_with_a_finer_quadrature() -> None:
    """Line and base volume of 40 s are those of Simpson's rule over the same physics."""
    for spec in _SITE.runs:
        line_m3 = base_m3 = 0.0
        n = 400
        for i in range(n + 1):
            weight = (1 if i in (0, n) else 4 if i % 2 else 2) * 40.0 / n / 3.0 / 3600.0
            state = spec.physics.state(40.0 * i / n)
            factor = convert(spec.method, state.pressure_pa, state.temperature_k, _SITE.base)
            assert isinstance(factor, Factor)
            line_m3 += weight * state.flow_m3_h
            base_m3 += weight * state.flow_m3_h * factor.conversion_factor
        book = _after_40_s()[spec.run]
        assert math.isclose(book["line_mm3"] / 1e9, line_m3, rel_tol=1e-7)
        assert math.isclose(book["base_mm3"] / 1e9, base_m3, rel_tol=1e-7)


def test_books_by_gas_day_sum_to_the_whole() -> None:
    """A run over 08:00 in Shanghai books two gas days, dated by their beginning."""
    eve = _plant()
    eve.advance_to(1_000 + 5_000 - CYCLE_MS)  # the last cycle that ends before 08:00
    for run, book in _after_40_s().items():
        days = book["gas_days"]
        assert list(days) == ["2026-03-01", "2026-03-02"]
        for unit in ("line_mm3", "base_mm3"):
            assert sum(day[unit] for day in days.values()) == book[unit]
        assert days["2026-03-01"]["line_mm3"] == eve.books()["runs"][run]["line_mm3"]


def test_only_a_meters_total_is_noted_as_served() -> None:
    """Reading a flow, a transmitter, or a wrong address leaves no mark in the books."""
    plant = _plant()
    moment = plant.advance_to(2_000)
    line = _SITE.on_bus("line-1")
    for unit, request in (
        (1, Request(1, 3, 7002, 2)),
        (2, Request(2, 3, 2, 2)),
        (1, Request(1, 3, 4103, 2)),
    ):
        plant.answer(line[unit], request, moment)
    for book in plant.books()["runs"].values():
        assert [total["polls"] for total in book["totals"].values()] == [0, 0]
        assert book["totals"]["vm"]["first"] is None


@pytest.mark.parametrize(
    ("unit", "pdu", "answer"),
    [
        (9, "03 1004 0002", None),  # nobody has this unit
        (0, "03 1004 0002", None),  # broadcast: nobody answers
        (1, "", None),
        (1, "06 1004 0002", "86 01"),
        (1, "83 1004 0002", "83 03"),
        (1, "03 1004", "83 03"),
        (1, "03 1004 0000", "83 03"),
        (1, "03 0001 0001", "83 02"),
        (1, "03 1004 0001", "03 02 fffd"),
    ],
)
def test_who_answers_what(unit: int, pdu: str, answer: str | None) -> None:
    """Silence for an unknown unit, an exception for what a unit cannot do."""
    plant = _plant()
    got = respond(plant, _SITE.on_bus("line-1"), plant.moment(), unit, bytes.fromhex(pdu))
    assert got == (None if answer is None else bytes.fromhex(answer))


def test_the_books_are_bounded() -> None:
    """History and gas days drop their oldest; first and last stay."""
    total = TotalBook(Index(0, -3, MODULUS))
    for n in range(HISTORY_POLLS + 10):
        total.serve(Served(n, n, n, n, n))
    assert total.polls == HISTORY_POLLS + 10
    assert len(total.history) == HISTORY_POLLS
    assert (total.first, total.history[0]) == (Served(0, 0, 0, 0, 0), Served(10, 10, 10, 10, 10))
    run = RunBook("1", {})
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(MAX_DAYS + 3):
        run.flow((first + timedelta(days=n)).date().isoformat(), 1, 2)
    assert len(run.days) == MAX_DAYS
    assert min(run.days) == "2026-01-04"
    assert run.line_mm3 == MAX_DAYS + 3


def test_units_on_a_bus_differ_and_polls_are_planned_as_served() -> None:
    """Every default poll of every instrument is answered without an exception."""
    plant = _plant()
    moment = plant.advance_to(2_000)
    for bus in ("line-1", "line-2", "lan"):
        units = [p.instrument.unit for p in _SITE.places if p.bus == bus]
        assert len(units) == len(set(units)) == len(_SITE.on_bus(bus))
        for instrument in _SITE.on_bus(bus).values():
            points = [instrument.profile.point(name) for name in instrument.profile.default_points]
            for block in plan(points, instrument.profile):
                request = Request(instrument.unit, block.function, block.address, block.count)
                assert plant.answer(instrument, request, moment)[0] == block.function
