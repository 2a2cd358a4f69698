"""The line's measure of its master: by hand, in characters of 1 us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.line_meter import Gap, LineMeter, Spread, spread

_CHAR_NS = 1000.0


def test_a_perfect_master_reaches_the_limit() -> None:
    """Ten polls of 8 and 125 characters with exactly 3.5 between all: utilisation 1."""
    meter = LineMeter(_CHAR_NS)
    now, gap = 0, None
    for _ in range(10):
        assert meter.request(now, gap)
        now += 8000 + 3500 + 125_000
        meter.answer(8, 125, now, now)
        now, gap = now + 3500, Gap(3500, 3500)
    report = meter.report()
    assert report.utilisation == pytest.approx(1.0, abs=1e-12)
    assert report.polls_s == pytest.approx(1e9 / 140_000)
    assert report.limit_polls_s == pytest.approx(report.polls_s)
    assert (report.violations, report.uncertain, report.own_error) == (0, 0, 0.0)
    assert report.gap_chars == Spread(3.5, 3.5, 3.5, 3.5)


def test_own_lateness_is_told_apart_from_the_masters() -> None:
    """A last byte 7 us late and a request seen 5 us late cost 12 of 172 us; the rest is perfect."""
    meter = LineMeter(_CHAR_NS)
    meter.request(0, None)
    meter.answer(8, 65, 76_500, 83_500)
    meter.request(92_000, Gap(3500, 8500))  # a wait of 3500, seen 5000 later
    meter.answer(8, 65, 168_500, 168_500)
    report = meter.report()
    assert report.elapsed_s == pytest.approx(172e-6)
    assert report.own_error == pytest.approx(12 / 172)
    assert report.utilisation == pytest.approx(160 / 172)
    assert report.net_utilisation == pytest.approx(1.0)
    assert report.late_us.greatest == 7.0


@pytest.mark.parametrize(
    ("gap", "passes", "violations", "uncertain"),
    [
        (Gap(3500, 3500), True, 0, 0),
        (Gap(9000, 9100), True, 0, 0),
        (Gap(3400, 3499), False, 1, 0),
        (Gap(-100, 10), False, 1, 0),
        (Gap(3499, 3500), True, 0, 1),  # perhaps too early: the master has the benefit, we say so
    ],
)
def test_only_a_gap_that_is_certainly_too_short_is_refused(
    gap: Gap, *, passes: bool, violations: int, uncertain: int
) -> None:
    """A request is refused by the greatest gap that it may have had."""
    meter = LineMeter(_CHAR_NS)
    meter.request(0, None)
    assert meter.request(1, gap) is passes
    report = meter.report()
    assert (report.violations, report.uncertain) == (violations, uncertain)


def test_a_line_without_traffic_reports_zeros() -> None:
    """Nothing was asked, or nothing answered: no division by nothing."""
    meter = LineMeter(_CHAR_NS)
    assert meter.report().utilisation == 0.0
    meter.request(5, None)
    report = meter.report([2.0, 1.0])
    assert (report.requests, report.answered, report.polls_s) == (1, 0, 0.0)
    assert report.pty_us == Spread(1.0, 1.0, 1.0, 2.0)


@given(st.lists(st.floats(-1e9, 1e9), max_size=300))
def test_a_spread_is_in_order(values: list[float]) -> None:
    """Least, median, 99 of 100 and greatest never cross."""
    assert list(spread(values)) == sorted(spread(values))
