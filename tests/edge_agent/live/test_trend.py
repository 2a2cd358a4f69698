"""Trends and rates out of one snapshot after another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.live.trend import LEVELS, MAX_SERIES, POINTS, SAMPLE_MS, Trend, Trends
from tests.edge_agent.status.snapshots import bus, device, run, site


def trend(*values: float) -> Trend:
    made = Trend()
    for value in values:
        made.add(value)
    return made


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ((), 8, ""),
        ((5.0,), 8, "▁"),
        ((5.0, 5.0, 5.0), 8, "▁▁▁"),
        ((0.0, 1.0), 8, "▁█"),
        ((1.0, 0.0, 1.0), 8, "█▁█"),
        (tuple(range(8)), 8, LEVELS),
        ((0.0, 0.0, 1.0, 1.0), 2, "▁█"),
        ((100.0, 100.00001), 8, "▁▁"),
    ],
)
def test_a_trend_is_drawn_between_its_own_least_and_most(
    values: tuple[float, ...], width: int, drawn: str
) -> None:
    """The newest on the right; noise that no figure would show is a flat line."""
    assert trend(*values).drawn(width, ascii_only=False) == drawn


def test_a_serial_console_gets_ascii() -> None:
    """The same form in eight signs that every terminal has."""
    drawn = trend(*range(8)).drawn(8, ascii_only=True)
    assert drawn.isascii()
    assert len(set(drawn)) == 8


def test_hours_of_watching_stay_bounded_and_whole() -> None:
    """A day of a sample each second: the first hour is on the left, the last one on the right."""
    watched = Trend()
    for second in range(86_400):
        watched.add(float(second))
    assert len(watched._points) <= POINTS + 1
    drawn = watched.drawn(12, ascii_only=False)
    assert len(drawn) <= 12
    assert (drawn[0], drawn[-1]) == ("▁", "█")
    assert list(drawn) == sorted(drawn)


def counted(good: int, failed: int):
    counts = {"requests": good + failed, "good": good, "no_answer": failed, "busy": 3}
    return site(1, buses=(bus(counts=counts),), devices=(device(1, counts=counts),))


def test_rates_are_means_of_ten_seconds() -> None:
    """Of a bus, and of each device; unknown until there are two snapshots."""
    trends = Trends()
    trends.take(counted(0, 0), 0)
    assert trends.rate("line-1") is None
    for second in range(1, 31):
        failed = 0 if second <= 20 else second - 20
        trends.take(counted(2 * second, failed), 1000 * second)
    rate = trends.rate("line-1")
    assert rate is not None
    assert (round(rate.good, 3), round(rate.failed, 3)) == (2.0, 1.0)
    assert trends.rate("/meter-1") == rate
    assert trends.rate("another") is None


def test_a_restarted_agent_counts_from_nothing() -> None:
    """Its rate is never negative, nor the whole count a second."""
    trends = Trends()
    for second, good in enumerate((1000, 1010, 5, 15)):
        trends.take(counted(good, 0), 1000 * second)
    rate = trends.rate("line-1")
    assert rate is not None
    assert rate.good == 10.0


def test_what_is_unknown_leaves_the_trend_as_it_is() -> None:
    """A run that gives no flow for a while has no zero in its trend."""
    trends = Trends()
    for number, flow in enumerate((10.0, None, 20.0)):
        told = replace(site(1), runs=(run(1, line_flow_m3_h=flow),))
        trends.take(told, number * SAMPLE_MS)
        trends.take(told, number * SAMPLE_MS + 1000)
    assert trends.of("run", "R1").drawn(8, ascii_only=False) == "▁█"
    assert trends.of("value", "meter-1", "vm").drawn(8, ascii_only=False) == "▁▁▁"
    assert trends.of("run", "R9").drawn(8, ascii_only=False) == ""


def test_a_huge_site_has_no_more_trends_than_the_bound() -> None:
    """256 devices with 64 values each."""
    value = device(1).values[0]
    values = tuple(replace(value, name=f"v{n}") for n in range(64))
    trends = Trends()
    trends.take(site(1, devices=tuple(device(n, values=values) for n in range(256))), 0)
    assert len(trends._series) == MAX_SERIES
