"""Hour and gas-day records: the published example, tables, and sums however the time is cut."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.carry import E9, Counters
from protocols.metering.energy import MICRO, BillingHeatingValue, Energy, energy
from protocols.metering.heating_value import Kind
from protocols.metering.interval import TotalRecord
from protocols.metering.period import (
    HOUR_MS,
    Period,
    PeriodKind,
    PeriodRecord,
    added,
    gas_day_period,
    hours_of,
    joined,
    period_of,
)
from protocols.metering.period_slice import Slice, begin_of, covered_to, slices_of
from protocols.metering.quality import Flag
from protocols.metering.reference import C20, Reference
from tests.protocols.metering.site import CONFIG, MINUTE, START_UTC_MS, Site, config

REFERENCE_20_20 = Reference(C20, C20)
DAY = Period(PeriodKind.GAS_DAY, 0, 24 * HOUR_MS)
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/Chicago")


def a_slice(begin_ms: int, length_ms: int = 5 * MINUTE, **fields: Any) -> Slice:
    zero = dict.fromkeys(Slice._fields[2 : Slice._fields.index("config_hash")], 0)
    usual = {"config_hash": b"\1" * 32, "cf_e9": E9, "elapsed_ms": length_ms}
    return Slice(**{"begin_ms": begin_ms, "end_ms": begin_ms + length_ms} | zero | usual | fields)


def site_periods(site: Site, *periods: Period) -> list[PeriodRecord]:
    slices = list(slices_of(site.records))
    return [period_of("R1", period, slices) for period in periods]


def span(start_ms: int, end_ms: int, kind: PeriodKind = PeriodKind.HOUR) -> Period:
    return Period(kind, start_ms, end_ms)


def test_worked_example_of_the_flow_time_average() -> None:
    """API MPMS 21.1: half an hour at 400 kPa, half an hour's stop at 600 kPa: P is 400 kPa.

    The clock's average, 500 kPa, would overstate the base volume by 25 %.
    """
    absolute = config(
        pressure=CONFIG.pressure._replace(gauge=False, high=20_000_000),
        method="fixed-K",
        k_e9=E9,
        stale_ms=10 * MINUTE,
        gas=CONFIG.gas._replace(superior_j_m3=37_000_000, combustion="20"),
        base_temperature_mk=288_150,
    )
    site = Site(absolute, START_UTC_MS)
    hour = span(START_UTC_MS, START_UTC_MS + HOUR_MS)
    vm = 0
    site.temperature(15.0).pressure(400.0).meter(vm)
    for minute in range(1, 62):
        site.wait(MINUTE)
        if minute <= 30:
            vm += 16_667 if minute % 3 else 16_666  # 1000 m3/h: 500 m3 by the half hour
        site.temperature(15.0).pressure(400.0 if minute <= 30 else 600.0).meter(vm)
    assert vm == 500_000
    (record,) = site_periods(site, hour)
    assert record.means is not None
    assert record.means.p_dpa == 4_000_000
    assert record.means.t_mk == 288_150
    assert record.sums.flow_time_ms == 30 * MINUTE
    assert record.sums.line_main_cm3 == 500 * 10**6
    assert record.means.c_e9 == (4_000_000 * E9 * 2 + 1_013_250) // (2 * 1_013_250)
    assert abs(record.sums.base_main_cm3 - 500 * 10**6 * 4_000_000 // 1_013_250) <= 1
    assert record.energy_main_j == record.sums.base_main_cm3 * 37_000_000 // MICRO
    clock = [r for r in site.records if r.start.utc_ms is not None][:12]
    clock_mean = sum(r.p_dpa * r.elapsed_ms for r in clock) / sum(r.elapsed_ms for r in clock)
    assert round(clock_mean / record.means.p_dpa, 6) == 1.25


def test_an_interval_belongs_where_it_begins() -> None:
    """One that ends after the hour is the old hour's, and covers the beginning of the next."""
    first = a_slice(HOUR_MS - 5 * MINUTE, 5 * MINUTE + 9_000, line_main_cm3=7)
    second = a_slice(HOUR_MS + 9_000, 2 * HOUR_MS, line_main_cm3=11)
    one, two = (period_of("R1", hour, [first, second]) for hour in hours_of(DAY)[:2])
    assert (one.sums.line_main_cm3, two.sums.line_main_cm3) == (7, 11)
    assert (one.missing_ms, two.missing_ms) == (55 * MINUTE, 0)
    assert one.complete
    assert two.complete


@pytest.mark.parametrize(
    ("start", "end", "elapsed", "begin"),
    [(5, 9, 3, 5), (None, 9, 3, 6), (5, None, 3, 5), (None, None, 3, None)],
)
def test_begin(start: int | None, end: int | None, elapsed: int, begin: int | None) -> None:
    """By its start, else counted back from its end, else unknown."""
    assert begin_of(start, end, elapsed) == begin


def test_a_clock_set_back_uncovers_nothing() -> None:
    """An interval covers at least its length."""
    assert covered_to(1000, 400, 300) == 1300
    assert covered_to(1000, None, 300) == 1300
    assert covered_to(1000, 1310, 300) == 1310


def test_missing_time() -> None:
    """Time in no interval counts once, up to the newest interval while the day runs."""
    down = [a_slice(0, HOUR_MS), a_slice(3 * HOUR_MS, HOUR_MS), a_slice(2 * HOUR_MS, HOUR_MS)]
    record = period_of("R1", DAY, down)
    assert (record.missing_ms, record.complete) == (HOUR_MS, False)
    assert period_of("R1", DAY, [*down, a_slice(DAY.end_ms, 1)]).missing_ms == 21 * HOUR_MS
    nothing = period_of("R1", DAY, [])
    assert (nothing.missing_ms, nothing.complete, nothing.means) == (0, False, None)
    assert (nothing.opening, nothing.closing, nothing.totals) == (None, None, ())


def test_shares_of_time_and_flags() -> None:
    """Estimated and substituted time is that of the intervals that have any; flags unite."""
    gap, held = int(Flag.GAP), int(Flag.SUBSTITUTE_PRESSURE)
    record = period_of(
        "R1",
        DAY,
        [a_slice(0, flags=gap), a_slice(5 * MINUTE, flags=held), a_slice(10 * MINUTE, flags=1)],
    )
    assert record.sums.estimated_ms == 10 * MINUTE
    assert record.sums.substituted_ms == 5 * MINUTE
    assert record.flags == gap | held | 1


def test_energy_by_the_heating_value_in_force() -> None:
    """Each interval's base volume counts with its own heating value; without one it is told."""
    parts = [
        a_slice(0, base_main_cm3=2_000_000, base_error_cm3=3, hs_j_m3=37_000_000),
        a_slice(5 * MINUTE, base_main_cm3=1_000_001, hs_j_m3=38_500_000),
        a_slice(10 * MINUTE, base_main_cm3=40, base_error_cm3=2),
    ]
    record = period_of("R1", DAY, parts)
    assert record.sums.energy_main_uj == 2_000_000 * 37_000_000 + 1_000_001 * 38_500_000
    assert record.energy_main_j == 74_000_000 + 38_500_038
    assert record.energy_error_j == 111
    assert record.sums.unvalued_cm3 == 42
    assert record.heating_values == (37_000_000, 38_500_000)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=20), st.integers(1, 60_000_000))
def test_energy_is_that_of_the_carried_remainder(volumes: list[int], hs_j_m3: int) -> None:
    """The day's joules are those that `energy` gives interval by interval, remainder carried."""
    value = BillingHeatingValue(hs_j_m3, Kind.SUPERIOR, REFERENCE_20_20, 1_013_250, 293_150)
    carried, whole = Energy(0, 0), 0
    for volume in volumes:
        carried = energy(volume, value, carried.remainder_uj)
        whole += carried.energy_j
    slices = [
        a_slice(n * MINUTE, MINUTE, base_main_cm3=volume, hs_j_m3=hs_j_m3)
        for n, volume in enumerate(volumes)
    ]
    assert period_of("R1", DAY, slices).energy_main_j == whole


def test_a_correction_is_weighted_with_volume() -> None:
    """Vc = Vm Cf holds for the sum as for its parts."""
    parts = [
        a_slice(0, line_main_cm3=3000, cf_e9=1_010_000_000, flow_time_ms=1),
        a_slice(1, line_error_cm3=1000, cf_e9=990_000_000, flow_time_ms=1000),
    ]
    record = period_of("R1", DAY, parts)
    assert record.means is not None
    assert record.means.cf_e9 == 1_005_000_000


def test_without_flow_the_last_interval_is_shown() -> None:
    """A rest has no flow-time average."""
    parts = [a_slice(0, p_dpa=4_000_000, t_mk=280_000), a_slice(1, p_dpa=6_000_000, t_mk=290_000)]
    record = period_of("R1", DAY, parts)
    assert record.means is not None
    assert record.means[:2] == (6_000_000, 290_000)


def test_a_day_of_a_real_run() -> None:
    """Indexes, counters, polls, a gap in the middle and a failed poll: hours make up the day."""
    start = START_UTC_MS // HOUR_MS * HOUR_MS
    site, vm = Site(config(stale_ms=2 * MINUTE, qmax_l_h=20_000), start), 990_000
    site.measured().meter(vm)
    for minute in range(1, 6 * 60):
        site.wait(MINUTE)
        vm += 250
        if 100 <= minute < 230:
            continue  # nobody polls: the index difference is shared out over three hours
        if minute % 60 == 59:
            site.failed()
            continue
        site.measured().meter(vm % 10**6)
    day = span(start, start + 5 * HOUR_MS, PeriodKind.GAS_DAY)
    hours = [span(start + n * HOUR_MS, start + (n + 1) * HOUR_MS) for n in range(5)]
    whole, *parts = site_periods(site, day, *hours)
    assert joined(PeriodKind.GAS_DAY, parts) == whole
    assert whole.complete
    assert whole.missing_ms == 0
    assert whole.sums.estimated_ms == 135 * MINUTE  # 99 to 230 lies in 27 intervals
    assert whole.sums.polls_failed == 3  # of the five, two fell into the gap
    assert whole.indexes("vm") == (990_000, 990_000 + 250 * 300 - 10**6)
    assert whole.indexes("no") is None
    line = next(total for total in whole.totals if total.point == "vm")
    assert line.main + line.error == 250 * 300 == line.moved(10**6)
    assert whole.opening == Counters()
    assert whole.closing is not None
    assert whole.closing.line_unhaltable == 250 * 300 * 1000
    assert whole.closing.line_main == whole.sums.line_main_cm3
    for one, two in pairwise(parts):
        assert one.closing == two.opening
    assert whole.methods({site.config.hash(): site.config}) == ("SGERG-88",)
    assert whole.methods({}) == ()
    assert whole.config_hashes == (site.config.hash(),)


def test_counters_inside_a_gap_need_its_first_part() -> None:
    """Read from the middle of a gap, the counters before it are not known, and not invented."""
    site = Site(CONFIG, START_UTC_MS)
    site.measured().meter(0).wait(31 * MINUTE).measured().meter(31_000).wait(5 * MINUTE)
    site.measured().meter(36_000)
    assert site.records[3].part == 3
    whole = list(slices_of(site.records))
    cut = list(slices_of(site.records[3:]))
    assert all(one.opening is not None for one in whole)
    assert [one.opening for one in cut if one.opening is not None] == [whole[-1].opening]
    assert cut[-1].opening == whole[-2].closing


def test_an_interval_without_a_time_is_in_no_period() -> None:
    """No clock told when it was; it is neither lost from the log nor put somewhere."""
    site = Site(CONFIG, START_UTC_MS)
    known = site.measured().meter(0).wait(6 * MINUTE).measured().meter(6)
    blank = known.last()
    unknown = blank.__class__(
        **{name: getattr(blank, name) for name in blank.__dataclass_fields__}
        | {"start": blank.start._replace(utc_ms=None), "end": blank.end._replace(utc_ms=None)}
    )
    assert list(slices_of([unknown])) == []


@pytest.mark.parametrize("zone", ZONES)
def test_gas_days_and_their_hours_tile_ten_years(zone: str) -> None:
    """Each day begins where the last ended, and its hours fill it: 23 and 25 once a year each."""
    first, last = date(2020, 1, 1).toordinal(), date(2030, 1, 1).toordinal()
    days = [gas_day_period(date.fromordinal(n), zone, 6) for n in range(first, last)]
    assert all(a.end_ms == b.start_ms for a, b in pairwise(days))
    counts = []
    for day in days:
        hours = hours_of(day)
        assert (hours[0].start_ms, hours[-1].end_ms) == (day.start_ms, day.end_ms)
        assert all(a.end_ms == b.start_ms for a, b in pairwise(hours))
        assert all(hour.end_ms - hour.start_ms == HOUR_MS for hour in hours)
        counts.append(len(hours))
    summer = zone != "Asia/Shanghai"
    assert counts.count(23) == counts.count(25) == (10 if summer else 0)
    assert len(counts) == 3653


def test_a_zone_that_shifts_by_half_an_hour() -> None:
    """The last hour of Lord Howe's long day is half an hour."""
    day = gas_day_period(date(2026, 4, 4), "Australia/Lord_Howe", 6)
    hours = hours_of(day)
    assert [hour.end_ms - hour.start_ms for hour in hours[-2:]] == [HOUR_MS, HOUR_MS // 2]
    assert datetime.fromtimestamp(day.start_ms / 1000, UTC).hour == 19


AMOUNTS = st.integers(0, 10**12)


@st.composite
def histories(draw: st.DrawFn) -> list[Slice]:
    """Intervals of one day, with pauses between some of them."""
    made, at = [], 0
    for number in range(draw(st.integers(1, 40))):
        at += draw(st.sampled_from([0, 0, 0, MINUTE, 2 * HOUR_MS]))
        length = draw(st.integers(1, HOUR_MS))
        segment = number // 7
        main, error = draw(AMOUNTS), draw(st.sampled_from([0, 0, 5]))
        made.append(
            a_slice(
                at,
                length,
                line_main_cm3=main,
                line_error_cm3=error,
                line_reverse_cm3=draw(st.sampled_from([0, 9])),
                base_main_cm3=draw(AMOUNTS),
                base_error_cm3=draw(st.sampled_from([0, 77])),
                p_dpa=draw(st.integers(900_000, 80_000_000)),
                t_mk=draw(st.integers(240_000, 340_000)),
                z_e9=draw(st.integers(700_000_000, 1_100_000_000)),
                c_e9=draw(st.integers(1, 10**11)),
                cf_e9=draw(st.integers(980_000_000, 1_020_000_000)),
                hs_j_m3=draw(st.sampled_from([0, 36_000_000, 39_123_457])),
                flow_time_ms=draw(st.integers(0, length)),
                polls=draw(st.integers(0, 30)),
                polls_failed=draw(st.integers(0, 30)),
                flags=draw(st.integers(0, sum(Flag))),
                config_hash=bytes([number // 11]) * 32,
                totals=(TotalRecord("vm", segment, number, number + 1, main, error, 0, 0),),
            )
        )
        at += length
    return made


@settings(max_examples=80)
@given(histories(), st.lists(st.integers(1, 24 * HOUR_MS - 1), unique=True, max_size=8))
def test_any_partition_sums_to_the_whole(slices: list[Slice], cuts: list[int]) -> None:
    """However the day is cut, its parts joined are the day: every field, to the last unit."""
    edges = [0, *sorted(cuts), 24 * HOUR_MS]
    parts = [period_of("R1", span(a, b), slices) for a, b in pairwise(edges)]
    whole = period_of("R1", DAY, slices)
    assert joined(PeriodKind.GAS_DAY, parts) == whole
    hours = [period_of("R1", hour, slices) for hour in hours_of(DAY)]
    assert joined(PeriodKind.GAS_DAY, hours) == whole
    assert added(hour.sums for hour in hours) == whole.sums


@given(histories())
def test_means_lie_between_the_extremes(slices: list[Slice]) -> None:
    """Of the intervals that began in the day and weigh anything."""
    record = period_of("R1", DAY, slices)
    inside = [one for one in slices if one.begin_ms < DAY.end_ms]
    assert record.means is not None
    flowed = [one for one in inside if one.flow_time_ms] or inside[-1:]
    for name in ("p_dpa", "t_mk", "z_e9", "c_e9"):
        values = [getattr(one, name) for one in flowed]
        assert min(values) <= getattr(record.means, name) <= max(values)
    weighed = [one.cf_e9 for one in inside if one.line_main_cm3 + one.line_error_cm3]
    if weighed:
        assert min(weighed) <= record.means.cf_e9 <= max(weighed)


@pytest.mark.parametrize("parts", [[], [span(0, 1), span(2, 3)], [span(1, 2), span(0, 1)]])
def test_only_adjacent_parts_join(parts: list[Period]) -> None:
    """A hole or a wrong order is a fault of the caller."""
    with pytest.raises(ValueError, match="follow each other"):
        joined(PeriodKind.GAS_DAY, [period_of("R1", part, []) for part in parts])
