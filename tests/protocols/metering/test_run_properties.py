"""The first law, tiling and recompute over any history that a site can have."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.conditions import conditions_at
from protocols.metering.flow import CurvePoint
from protocols.metering.instant import ClockState
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import Quality
from tests.protocols.metering.site import HOUR, MINUTE, MODULUS, Site, check_chain, config, sums
from tests.protocols.metering.test_analysis import LEAN, RICH, billed, shows
from tests.protocols.metering.test_conditions import BAROMETER, air

QMAX_L_H = 20_000  # at 1.2 Qmax a register of a million litres turns in 41 h, longer than any test
SLOW = config(qmax_l_h=QMAX_L_H, interval_ms=30 * MINUTE)
BAD = [quality for quality in Quality if quality != Quality.GOOD]
DAY = 24 * HOUR

Act = tuple[str, Any]


class History:
    """Acts on a site with a meter that tells the truth about the gas that passed it."""

    def __init__(self, site: Site, start: int) -> None:
        self.site, self.start = site, start
        self.passed = self.errors = self.base = 0
        self.seen_from: tuple[int, int] | None = None
        self._remainder = 0

    def flow(self, ms: int, tenths: int) -> None:
        """Gas at tenths of Qmax: whole litres to the index, the rest stays in the meter."""
        litres, self._remainder = divmod(QMAX_L_H * tenths * ms + self._remainder, 10 * 3_600_000)
        self.passed += litres

    def wait(self, act: tuple[int, int]) -> None:
        self.flow(*act)
        self.site.wait(act[0])

    def reboot(self, act: tuple[int, int, int]) -> None:
        off_ms, boot_ms, tenths = act
        self.flow(off_ms + boot_ms, tenths)
        self.site.reboot(off_ms, boot_ms)

    def clock(self, act: tuple[ClockState, int]) -> None:
        """A clock that claims to be synchronised is right; any other may be wrong."""
        state, error_ms = act
        self.site.clock(state, 0 if state is ClockState.SYNCHRONISED else error_ms)

    def meter(self, act: tuple[int, int | None]) -> None:
        self.errors += act[0]
        self.base += act[1] or 0
        if self.seen_from is None:
            self.seen_from = (self.passed, self.errors)
        self.site.meter(
            (self.start + self.passed) % MODULUS,
            vm_err=self.errors % MODULUS,
            vb=None if act[1] is None else self.base % MODULUS,
        )

    def failed(self, act: tuple[str, int]) -> None:
        self.site.failed(*act)

    def pressure(self, kpa: float | None) -> None:
        self.site.pressure(kpa)

    def temperature(self, celsius: float | None) -> None:
        self.site.temperature(celsius)

    def measured(self, _: None) -> None:
        self.site.measured()

    def exponent(self, exponent: int) -> None:
        self.site.meter(0, exponent=exponent)

    def close(self, _: None) -> None:
        self.site.close()

    def restart(self, _: None) -> None:
        before = self.site.state
        assert self.site.restart().state == before

    def lie(self, act: dict[str, int | None]) -> None:
        """A meter that shows whatever it likes."""
        self.site.meter(act["vm"], vm_err=act["vm_err"], vb=act["vb"], vb_err=act["vb_err"])

    def run(self, acts: list[Act]) -> History:
        for name, act in acts:
            play: Callable[[Any], None] = getattr(self, name)
            play(act)
        return self


def act(name: str, *values: st.SearchStrategy[Any]) -> st.SearchStrategy[Act]:
    return st.tuples(st.just(name), st.tuples(*values) if len(values) > 1 else values[0])


TENTHS = st.integers(0, 12)
WAIT = act(
    "wait",
    st.one_of(st.sampled_from([0, 1, 10_000, 10_000, MINUTE, MINUTE + 1]), st.integers(0, 10**6)),
    TENTHS,
)
METER = act("meter", st.integers(0, 40), st.one_of(st.integers(0, 4000), st.none()))
MEASURED = st.one_of(
    act("measured", st.none()),
    act("pressure", st.one_of(st.floats(-50.0, 1100.0), st.none(), st.just(float("nan")))),
    act("temperature", st.one_of(st.floats(-45.0, 85.0), st.none())),
)
TROUBLE = [
    act("restart", st.none()),
    act("close", st.none()),
    act("failed", st.sampled_from(["M1", "P1", "T1", "M2"]), st.sampled_from(BAD)),
    act("exponent", st.sampled_from([-2, 0])),
    act("reboot", st.integers(0, 30 * MINUTE), st.integers(0, MINUTE), TENTHS),
    act("clock", st.sampled_from(ClockState), st.integers(-400 * DAY, 400 * DAY)),
    act("clock", st.just(ClockState.SYNCHRONISED), st.just(0)),
    act("wait", st.integers(0, HOUR), TENTHS),
]
INDEX = st.one_of(st.integers(0, MODULUS - 1), st.sampled_from([None, 0, 5, 10**6, -1]))
LIE = act("lie", st.fixed_dictionaries(dict.fromkeys(("vm", "vm_err", "vb", "vb_err"), INDEX)))


def histories(*more: st.SearchStrategy[Act]) -> st.SearchStrategy[list[Act]]:
    """Rounds of polls, each after a while and mostly after some trouble."""
    rounds = st.tuples(WAIT, st.one_of(*TROUBLE, *more), MEASURED, METER)
    return st.lists(rounds, min_size=1, max_size=12).map(lambda all_: [a for r in all_ for a in r])


@settings(max_examples=120)
@given(
    acts=histories(),
    start=st.sampled_from([0, 123_456, MODULUS - 1, MODULUS - 3000]),
    method=st.sampled_from(["PT", "SGERG-88"]),
)
def test_no_gas_is_lost_doubled_or_quarantined(acts: list[Act], start: int, method: str) -> None:
    """Whatever polls, clocks and processes do, records add up to what passed an honest meter."""
    site = Site(dataclasses.replace(SLOW, method=method))
    history = History(site, start).run(acts)
    # However the history ended, a day of standstill and a right clock resolve it.
    history.clock((ClockState.SYNCHRONISED, 0))
    history.wait((DAY, 0))
    history.meter((0, 0))
    site.close()
    assert history.seen_from is not None
    main, error, quarantined = sums(site.records)
    assert (main + error, quarantined) == (history.passed - history.seen_from[0], 0)
    assert sums(site.records, "vm_err") == (0, history.errors - history.seen_from[1], 0)
    line_cm3 = sum(r.line_main_cm3 + r.line_error_cm3 for r in site.records)
    assert line_cm3 == 1000 * (main + error + sums(site.records, "vm_err")[1])
    assert {total.segment for r in site.records for total in r.totals} <= {0}
    check_chain(site)
    check_averages(site)


@settings(max_examples=120)
@given(acts=histories(*[LIE] * len(TROUBLE)))
def test_law_holds_for_any_index(acts: list[Act]) -> None:
    """Whatever the registers show: per segment end less start is main + error + quarantined."""
    history = History(Site(SLOW), 0).run(acts)
    history.site.close()
    check_chain(history.site)
    check_averages(history.site)


def check_averages(site: Site) -> None:
    """Averages lie between the least and the greatest value that was ever valid."""
    readings = {"P1": [site.config.pressure.substitute], "T1": [site.config.temperature.substitute]}
    for scan in site.scans:
        if scan.serial in readings and scan.quality == Quality.GOOD:
            [(number, unit)] = scan.values.values()
            if number is not None and number == number:
                value = number * 10_000 + 1_013_250 if unit == "kPa" else number * 1000 + 273_150
                readings[scan.serial].append(round(value))
    for record in site.records:
        assert min(readings["P1"]) - 1 <= record.p_dpa <= max(readings["P1"]) + 1
        assert min(readings["T1"]) - 1 <= record.t_mk <= max(readings["T1"]) + 1
        assert 0 <= record.flow_time_ms <= record.elapsed_ms
        assert record.polls_failed <= record.polls


ROUND = st.tuples(
    st.sampled_from([1000, 10_000, 10_000, MINUTE + 1, 7 * MINUTE]),
    st.integers(-20, 400),
    st.floats(300.0, 500.0),
    st.floats(0.0, 30.0),
    st.sampled_from([LEAN, RICH]),
    st.permutations(["P1", "T1", "B1", "GC", "M2"]),
    st.sampled_from([None, None, None, "P1", "B1", "GC"]),
)


@settings(max_examples=60)
@given(rounds=st.lists(ROUND, min_size=1, max_size=15))
def test_the_order_of_other_devices_changes_no_sum(rounds: list[Any]) -> None:
    """Between two scans of the meter its other devices, and strangers, answer in any order."""
    own = billed(barometer=BAROMETER, interval_ms=MINUTE)
    in_order, permuted = Site(own), Site(own)
    for site in (in_order, permuted):
        index = 5_000
        for ms, counts, kpa, celsius, shares, order, silent in rounds:
            index += counts
            site.wait(ms)
            for serial in order if site is permuted else sorted(order):
                match serial:
                    case _ if serial == silent:
                        site.failed(serial)
                    case "P1":
                        site.pressure(kpa)
                    case "T1":
                        site.temperature(celsius)
                    case "B1":
                        air(site, 90.0 + kpa / 50)
                    case "GC":
                        shows(site, shares)
                    case _:
                        site.scan("M2", {"vm": (7, "")})
            site.meter(index % MODULUS)
        site.close()
        check_chain(site)
    assert [summed(record) for record in permuted.records] == [
        summed(record) for record in in_order.records
    ]
    assert permuted.state.now.counters == in_order.state.now.counters
    assert sorted(permuted.events, key=str) == sorted(in_order.events, key=str)


def summed(record: IntervalRecord) -> tuple[Any, ...]:
    """All that a record has added up, and its ends."""
    return (record.start, record.end, *record.to_body()[9:])


@settings(max_examples=60)
@given(rounds=st.lists(ROUND, min_size=1, max_size=15))
def test_averages_lie_between_extremes(rounds: list[Any]) -> None:
    """Each of P, T, Z, C and Cf between the least and the greatest that a scan was booked with."""
    curve = (CurvePoint(50_000, 9_000), CurvePoint(900_000, -9_000))
    own = billed(
        barometer=BAROMETER, interval_ms=MINUTE, qmin_l_h=40_000, error_curve=curve,
        method="SGERG-mod-H2",
    )  # fmt: skip
    site, index = Site(own), 5_000
    booked: list[tuple[int, ...]] = []
    for ms, counts, kpa, celsius, shares, _order, silent in rounds:
        index += counts
        site.wait(ms).measured(kpa, celsius)
        air(shows(site, shares), None if silent == "B1" else 90.0 + kpa / 50)
        before = len(site.records)
        booked.append(conditions_at(own, site.state.now, site.instant).shown[:4])
        site.meter(index % MODULUS)
        if len(site.records) > before:
            assert_between(site.records[before:], booked)
            booked = booked[-1:]
    before = len(site.records)
    assert_between(site.close().records[before:], booked)


def assert_between(records: list[IntervalRecord], booked: list[tuple[int, ...]]) -> None:
    for record in records:
        means = (record.p_dpa, record.t_mk, record.z_e9, record.c_e9)
        for mean, values in zip(means, zip(*booked, strict=True), strict=True):
            if record.flow_time_ms:
                assert min(values) <= mean <= max(values)
        assert 10**9 * 100 // 101 <= record.cf_e9 <= 10**9 * 100 // 99 + 1
