"""Flow between counts: how long it goes on, how fast it is, and the meter's curve."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.flow import (
    CurvePoint,
    corrected_factor_e9,
    correction_e9,
    flow_l_h,
    flow_time_ms,
    hold_ms,
)
from protocols.metering.quality import Flag
from tests.protocols.metering.site import MINUTE, START_UTC_MS, Site, check_chain, config, sums

# One count is 1 m3, Qmin 10 m3/h: a count holds for 360 s.
COARSE = config(
    line_exponent=0,
    line_exponent_point="",
    qmin_l_h=10_000,
    qmax_l_h=160_000,
    interval_ms=10 * MINUTE,
    method="PT",
)
TEN = START_UTC_MS + 5 * MINUTE  # a multiple of ten minutes
CURVE = (CurvePoint(100_000, 12_000), CurvePoint(500_000, -4_000), CurvePoint(900_000, 3_001))
LIMITS = (60_000, 800_000)


def test_a_count_holds_as_long_as_at_qmin() -> None:
    """1 m3 at 10 m3/h takes 6 minutes; without a Qmin nothing is held."""
    assert hold_ms(1_000_000, 10_000) == 360_000
    assert hold_ms(1_000, 16_000) == 225
    assert hold_ms(1_000_000, 0) == 0


@pytest.mark.parametrize(
    ("counts", "elapsed_ms", "idle_ms", "hold", "flowed_ms"),
    [
        (1, 10_000, 10_000, 360_000, 10_000),
        (1, 10_000, None, 0, 10_000),
        (0, 10_000, 10_000, 360_000, 10_000),
        (0, 10_000, 350_000, 360_000, 10_000),
        (0, 10_000, 365_000, 360_000, 5_000),
        (0, 10_000, 370_000, 360_000, 0),
        (0, 10_000, 999_000, 360_000, 0),
        (0, 10_000, None, 360_000, 0),
        (0, 10_000, 10_000, 0, 0),
        (0, 10_000, 10_000, 10_000, 0),
        (0, 10_000, 10_000, 10_001, 10_000),
    ],
)
def test_flow_goes_on_after_a_count(
    counts: int, elapsed_ms: int, idle_ms: int | None, hold: int, flowed_ms: int
) -> None:
    """A step without a count flows for what is left of the time that the last one holds."""
    assert flow_time_ms(counts, elapsed_ms, idle_ms, hold) == flowed_ms


@pytest.mark.parametrize(
    ("counts_cm3", "elapsed_ms", "idle_ms", "hold", "flow"),
    [
        (1_000_000, 10_000, 90_000, 360_000, 40_000),  # since the count before
        (1_000_000, 10_000, 999_000, 360_000, 10_000),  # no longer than a count holds
        (1_000_000, 10_000, None, 360_000, 360_000),
        (20_000, 10_000, 10_000, 225, 7_200),
        (1_000, 0, 0, 0, 3_600_000),
    ],
)
def test_flow_is_the_mean_since_the_count_before(
    counts_cm3: int, elapsed_ms: int, idle_ms: int | None, hold: int, flow: int
) -> None:
    """One coarse count in a step of seconds is not many times the true flow."""
    assert flow_l_h(counts_cm3, elapsed_ms, idle_ms, hold) == flow


@pytest.mark.parametrize(
    ("flow", "percent"),
    [
        (0, 0), (59_999, 0), (60_000, "1.2"), (99_999, "1.2"), (100_000, "1.2"),
        (300_000, "0.4"), (500_000, "-0.4"), (800_000, "0.1251"), (800_001, "0.1251"),
        (2_000_000, "0.1251"),
    ],
)  # fmt: skip
def test_error_curve_by_en_12405_1(flow: int, percent: int | str) -> None:
    """Cf is 1 below Qmin, linear between the points, and above Qmax that of Qmax."""
    exact = 10**9 * 100 / (100 + Fraction(percent))
    assert correction_e9(CURVE, flow, LIMITS) == round(exact)


def test_without_a_curve_nothing_is_corrected() -> None:
    """No points: Cf is 1 at any flow, and C is left as it is."""
    assert correction_e9((), 300_000, LIMITS) == 10**9
    assert corrected_factor_e9(5_012_345_678, 10**9) == 5_012_345_678
    assert corrected_factor_e9(5_000_000_001, 995_000_000) == 4_975_000_001


@given(
    flow=st.integers(0, 10**9),
    e_low=st.integers(-50_000, 50_000),
    e_high=st.integers(-50_000, 50_000),
)
def test_cf_lies_between_those_of_its_points(flow: int, e_low: int, e_high: int) -> None:
    """Whatever the flow: no more correction than at the calibration points themselves."""
    curve = (CurvePoint(100_000, e_low), CurvePoint(900_000, e_high))
    at_points = [correction_e9(curve, point.flow_l_h, (0, 10**9)) for point in curve]
    assert min(at_points) <= correction_e9(curve, flow, (0, 10**9)) <= max(at_points)


def coarse(seconds_a_count: int, minutes: int) -> Site:
    """A steady flow, polled each 10 s, whose counts of 1 m3 come so far apart."""
    site = Site(COARSE, TEN).measured().meter(0)
    for n in range(1, minutes * 6 + 1):
        site.wait(10_000).measured().meter(10 * n // seconds_a_count)
    return site


@pytest.mark.parametrize("seconds", [30, 120, 300])
def test_flow_time_of_coarse_counts(seconds: int) -> None:
    """A steady flow above Qmin flows all the time, once its first count has come."""
    first, *later = coarse(seconds, 30).records
    assert {record.flow_time_ms for record in later} == {10 * MINUTE}
    assert first.flow_time_ms == 10 * MINUTE - (seconds - 10) * 1000
    assert not any(record.flags & (Flag.NO_FLOW | Flag.UNDER_QMIN) for record in later)


def test_flow_ends_when_the_count_no_longer_holds() -> None:
    """After the last count the gas flows on for six minutes, and then stands."""
    site = coarse(60, 10)
    for _ in range(120):
        site.wait(10_000).measured().meter(10)
    assert [r.flow_time_ms for r in site.records] == [550_000, 360_000, 0]
    assert [bool(r.flags & Flag.NO_FLOW) for r in site.records] == [False, False, True]
    check_chain(site)


def test_averages_see_the_flow_between_counts() -> None:
    """A pressure that rises between two coarse counts has its share of the mean."""
    site = Site(COARSE, TEN).measured(300.0).meter(0).wait(10_000).measured(300.0).meter(1)
    for kpa in (400.0,) * 29 + (500.0,) * 30:
        site.wait(10_000).measured(kpa).meter(1 if kpa == 400.0 else 2)
    site.close()
    held = (300 * 1 + 400 * 29 + 500 * 30) * 10_000 // 60
    assert site.last().flow_time_ms == 600_000
    assert site.last().p_dpa == held + 1_013_250


def test_restart_between_coarse_counts_forgets_nothing() -> None:
    """The moment of the last count outlives interval and process."""
    site = coarse(60, 11).restart()
    for _ in range(60):
        site.wait(10_000).measured().meter(11)
    assert site.last().flow_time_ms == 60_000 + 360_000
    check_chain(site)


def test_flow_below_qmin_is_told_and_counted() -> None:
    """With fine counts slow gas is flagged, stays in the main counter and drops no count."""
    site = Site(config(qmin_l_h=16_000)).measured().meter(0)
    site.wait(10_000).measured().meter(44).close()
    assert site.last().flags & Flag.UNDER_QMIN
    site.wait(10_000).measured().meter(44 + 45).close()
    assert not site.last().flags & Flag.UNDER_QMIN
    assert sums(site.records) == (89, 0, 0)
    assert sum(r.line_main_cm3 for r in site.records) == 89_000


@pytest.mark.parametrize(("seconds", "over"), [(23, False), (18, True), (15, True)])
def test_flow_above_qmax_by_coarse_counts(seconds: int, over: bool) -> None:
    """At 98 %, 125 % and 150 % of Qmax no poll shows more than a count; the interval does."""
    site = coarse(seconds, 30)
    assert [bool(r.flags & Flag.OVER_QMAX) for r in site.records] == [over] * 3
    assert [code for code, *_ in site.codes()] == ["flow_above_qmax"] * over
    for _ in range(60):
        site.wait(10_000).measured().meter(1800 // seconds)
    assert [new for _code, _old, new in site.codes()] == ["on", "off"] * over
    assert sums(site.records)[0] == 1800 // seconds
    check_chain(site)


def test_flow_above_qmax_is_told_once() -> None:
    """A flow that swings about Qmax is one alarm until an interval is without it."""
    site, index = Site().measured().meter(0), 0
    for n in range(91):
        index += (3300, 2000)[n % 2] if n < 31 else 2000
        site.wait(10_000).measured().meter(index % 10**6)
    assert site.codes() == [("flow_above_qmax", "off", "on"), ("flow_above_qmax", "on", "off")]


def test_a_gap_is_judged_by_itself() -> None:
    """How long an uncertain gap was nobody knows: it alone makes no interval one above Qmax."""
    site = Site().measured().meter(0).reboot(off_ms=60 * MINUTE, boot_ms=MINUTE)
    site.clock(site.clock_state.UNKNOWN).measured().meter(19_000).close()
    assert not site.last().flags & Flag.OVER_QMAX
    assert sums(site.records) == (0, 19_000, 0)


def test_the_curve_corrects_base_volume_only() -> None:
    """Vb = Vm Cf C: the line counters show what the meter shows, the record says its mean Cf."""
    curve = (CurvePoint(50_000, 10_000), CurvePoint(1_000_000, -10_000))
    plain, curved = (
        Site(config(qmin_l_h=40_000, error_curve=points, method="PT")) for points in ((), curve)
    )
    for site in (plain, curved):
        site.measured().meter(0).wait(3600).measured().meter(50).wait(3600).measured().meter(1050)
        site.wait(3600).measured().meter(1060).close()
    (without,), (record,) = plain.records, curved.records
    assert record.line_main_cm3 == without.line_main_cm3 == 1_060_000
    cf = (round(10**9 / 1.01), round(10**9 / 0.99), 10**9)
    weighted = 50 * cf[0] + 1000 * cf[1] + 10 * cf[2]
    assert record.cf_e9 == round(Fraction(weighted, 1060))
    assert record.base_main_cm3 == pytest.approx(weighted * 1000 * record.c_e9 / 10**18, abs=2)
    assert without.cf_e9 == 10**9
    check_chain(curved)
