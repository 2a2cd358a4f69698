"""A meter that converts by itself, held against our own conversion."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.body import BodyError
from protocols.metering.deviation import NOTHING_COMPARED, Compared, judged, parse_compared
from protocols.metering.run_config import Role, RunConfig, Total
from tests.protocols.metering.site import CONFIG, MINUTE, Site, check_chain, config

COMPARED = config(method="PT", deviation_e6=10_000)  # 1 %
LINE_ONLY = config(method="PT", deviation_e6=10_000, totals=CONFIG.totals[:1])
C = 5_013_250 / 1_013_250 * 293.15 / 288.15  # by PT, of the readings that `measured` makes
TOLD, OVER = ("conversion_deviates", "off", "on"), ("conversion_deviates", "on", "off")


class Converter(Site):
    """A site that knows what has really passed, in cm3."""

    def __init__(self, configuration: RunConfig = COMPARED) -> None:
        super().__init__(configuration)
        self.line = self.base = 0.0
        self.measured().meter(0)


def converting(site: Converter, error: float, polls: int = 31) -> Converter:
    """A meter that goes on to convert with this relative error, polled each ten seconds."""
    counts = site.config.count_cm3
    base = site.config.base_count_cm3
    for _ in range(polls):
        site.line += 500_000
        site.base += 500_000 * C * (1 + error)
        site.wait(10_000).measured()
        site.meter(int(site.line / counts) % 10**6, vb=int(site.base / base) % 10**6)
    return site


def alarms(site: Site) -> list[Any]:
    return [code for code in site.codes() if code[0] == "conversion_deviates"]


@pytest.mark.parametrize(
    ("error", "told"),
    [(0.0, []), (0.009, []), (-0.009, []), (0.013, [TOLD]), (-0.013, [TOLD]), (-1.0, [TOLD])],
)
def test_a_deviation_beyond_the_tolerance_is_told(error: float, told: list[Any]) -> None:
    """Within 1 % nothing is said; beyond it once, however long it lasts."""
    site = converting(Converter(), error, 120)
    assert alarms(site) == told
    check_chain(site)


def test_both_figures_are_told() -> None:
    """The event says what the device converted, what we did, and how far that is apart."""
    site = converting(Converter(), 0.05)
    [event] = site.events
    own = site.last().base_main_cm3
    [vb] = [total for total in site.last().totals if total.point == "vb"]
    assert f"the device converted {vb.main / 1e3:.6f} m3, we {own / 1e6:.6f} m3" in event.detail
    assert "+5.0" in event.detail
    assert "allowed 1 %" in event.detail


def test_it_ends_when_the_device_converts_well_again() -> None:
    """The next verdict within the tolerance ends it; until then it stays on."""
    site = converting(Converter(), 0.05)
    converting(site, 0.0, 25)
    assert alarms(site) == [TOLD]
    converting(site, 0.0, 65)
    assert alarms(site) == [TOLD, OVER]


@pytest.mark.parametrize("changes", [{"deviation_e6": 0}, {"totals": CONFIG.totals[:2]}])
def test_nothing_is_compared_unless_asked(changes: dict[str, Any]) -> None:
    """Without a tolerance or a base total there is no verdict, and an old one does not stay."""
    site = converting(Converter(), 0.05)
    site.config = config(**({"method": "PT", "deviation_e6": 10_000} | changes))
    converting(site, 0.05)
    assert alarms(site) == [TOLD, OVER]
    assert site.state.compared == NOTHING_COMPARED
    assert alarms(converting(Converter(config(method="PT", **changes)), 0.05)) == []


def test_our_own_substitutes_accuse_nobody() -> None:
    """Where our pressure was substituted the device may know better."""
    site = Converter()
    for n in range(1, 65):
        site.wait(10_000).temperature(15.0).pressure(None).meter(n * 500, vb=n * 1700)
    assert alarms(site) == []
    assert all(r.line_error_cm3 for r in site.records)


@pytest.mark.parametrize("trouble", ["gap", "reset", "jump", "reverse"])
def test_intervals_that_cannot_be_compared_are_left_out(trouble: str) -> None:
    """A gap, a reset, a jump or reverse flow makes no false alarm, then or afterwards."""
    site = converting(Converter(), 0.005, 40)
    if trouble == "gap":
        site.wait(11 * MINUTE)
        site.base += 900e6
    elif trouble == "reset":
        site.base = 0.0
    elif trouble == "jump":
        site.line += 300e6
    else:
        site.line -= 1e6
    converting(site, 0.005, 200)
    assert alarms(site) == []
    converting(site, -0.02, 65)
    assert alarms(site) == [TOLD]
    check_chain(site)


def test_a_base_total_that_is_late_accuses_nobody() -> None:
    """Where the closing scan does not show it, neither that interval nor the next is compared."""
    site = converting(Converter(), 0.0, 25)
    for _ in range(6):
        site.line += 500_000
        site.base += 500_000 * C
        site.wait(10_000).measured().meter(int(site.line / 1000), vb=None)
    assert site.state.compared == Compared(late=1, opened_late=1)
    converting(site, 0.0, 100)
    assert alarms(site) == []
    converting(site, 0.05, 65)
    assert alarms(site) == [TOLD]


def test_a_base_total_that_is_added_is_compared_from_where_it_began() -> None:
    """The interval in which it first shows has line volume that it does not know."""
    site = converting(Converter(LINE_ONLY), 0.0, 10)
    site.config = COMPARED
    site.close()
    converting(site, 0.0, 60)
    assert alarms(site) == []
    assert len(site.records) > 2


def test_records_of_an_early_close_count() -> None:
    """Stops and restarts cut intervals, not the comparison."""
    site = Converter()
    for _ in range(12):
        converting(site, 0.02, 10)
        site.close()
        site.restart()
    assert alarms(site) == [TOLD]
    assert site.state.compared.breaks == 0


COUNTS = st.sampled_from([-4, -3, -2, -1, 0])


@settings(max_examples=80)
@given(
    line=COUNTS,
    base=COUNTS,
    error=st.floats(-0.0099, 0.0099),
    flows=st.lists(st.integers(0, 900_000), min_size=30, max_size=150),
    skips=st.sets(st.integers(0, 150), max_size=4),
    start=st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)),
)
def test_rounding_is_never_an_alarm(
    line: int,
    base: int,
    error: float,
    flows: list[int],
    skips: set[int],
    start: tuple[float, float],
) -> None:
    """Whatever the resolutions of both indexes: a device within the tolerance is not accused."""
    run = config(
        method="PT", deviation_e6=10_000, line_exponent=line, base_exponent=base,
        line_exponent_point="", interval_ms=MINUTE, stale_ms=MINUTE,
        totals=(Total("vm", Role.LINE, 10**9), Total("vb", Role.BASE, 10**9)),
    )  # fmt: skip
    site = Site(run).measured()
    passed, converted = start
    for n, flow in enumerate(flows):
        passed += flow * 10_000 / 3600
        converted += flow * 10_000 / 3600 * C * (1 + error)
        site.wait(61_000 if n in skips else 10_000).measured()
        site.meter(int(passed / run.count_cm3), vb=int(converted / run.base_count_cm3))
    assert alarms(site) == []


@settings(max_examples=40)
@given(
    line=COUNTS, base=COUNTS, error=st.one_of(st.floats(0.0155, 0.5), st.floats(-0.9, -0.0151)),
    flow=st.integers(500_000, 900_000),
)  # fmt: skip
def test_a_deviation_by_half_as_much_again_is_always_found(
    line: int, base: int, error: float, flow: int
) -> None:
    """Once enough has passed that rounding cannot hide it."""
    run = config(
        method="PT", deviation_e6=10_000, line_exponent=line, base_exponent=base,
        line_exponent_point="", interval_ms=10 * MINUTE, stale_ms=MINUTE,
        totals=(Total("vm", Role.LINE, 10**9), Total("vb", Role.BASE, 10**9)),
    )  # fmt: skip
    site, passed = Site(run).measured(), 0.0
    need_cm3 = 4.1 * 2 * (6 * run.count_cm3 + run.base_count_cm3) / 0.01 / 4.9 / min(1, 1 + error)
    for n in range(10_000):
        if passed > need_cm3 + flow * 600_000 / 3600 and n > 21:
            break
        passed += flow * 60_000 / 3600
        site.wait(60_000).measured()
        site.meter(
            int(passed / run.count_cm3), vb=int(passed * C * (1 + error) / run.base_count_cm3)
        )
    assert TOLD in alarms(site)


# With C 5 and counts of a litre: a line and a base register, both ends, twice for a break.
ROUNDING_CM3 = 2 * (1_000 + 6 * 1_000)
BOTH = (CONFIG.totals[0], CONFIG.totals[2])


@pytest.mark.parametrize("breaks", [0, 1, 2])
@pytest.mark.parametrize("sign", [1, -1])
def test_when_a_verdict_is_due_and_what_it_is(breaks: int, sign: int) -> None:
    """When 1 % is four times what rounding can hide; beyond 1 % and that much it is a deviation."""
    run = config(method="PT", deviation_e6=10_000, totals=BOTH)
    rounding = ROUNDING_CM3 * (breaks + 1)
    due = 4 * rounding * 100
    early = Compared(due - 1, due - 1, breaks)
    assert judged(run, early, 5_000_000_000) == (early, None)
    for apart, agrees in ((5 * rounding, True), (5 * rounding + 1, False)):
        larger, smaller = due, due - apart
        own, device = (larger, smaller) if sign < 0 else (smaller, larger)
        after, verdict = judged(run, Compared(own, device, breaks, 1, 1), 5_000_000_000)
        assert after == Compared(0, 0, 0, 1, 1)
        assert verdict is not None
        assert verdict.agrees is agrees
        assert f"{100 * (device - own) / own:+.3f} %" in verdict.detail


def test_a_device_that_counts_where_we_count_nothing() -> None:
    """Whatever it counts is beyond any tolerance."""
    run = config(method="PT", deviation_e6=500_000, totals=BOTH)
    _after, verdict = judged(run, Compared(0, 10**9), 5_000_000_000)
    assert verdict is not None
    assert not verdict.agrees
    assert "+100.000 %" in verdict.detail


def test_each_register_hides_a_count() -> None:
    """With error totals beside, twice as much may be hidden."""
    run = config(method="PT", deviation_e6=10_000)
    due = 4 * 2 * ROUNDING_CM3 * 100
    assert judged(run, Compared(due - 1, due - 1), 5_000_000_000)[1] is None
    assert judged(run, Compared(due, due), 5_000_000_000)[1] is not None


def test_the_sums_are_strict() -> None:
    """The state's part round-trips, and takes nothing that it could not have written."""
    value = Compared(5, 7, 2, 1, 0)
    assert parse_compared(value.to_body()) == value
    for wrong in ((5, 7, 2, 1), (5, 7, 2, 2, 0), (5, 7, 2, 0, -1), (-5, 7, 2, 0, 0), None):
        with pytest.raises(BodyError):
            parse_compared(wrong)
