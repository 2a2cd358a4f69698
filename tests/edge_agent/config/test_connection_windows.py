"""When the link may be used; the time is a number here."""

from __future__ import annotations

import datetime

import pytest

from edge_agent.config.connection_windows import (
    LOOK_AGAIN_S,
    ConnectionWindows,
    Window,
    parse_window,
    parse_windows,
)

ZONE = "Asia/Shanghai"  # UTC+8, no summer time


def _utc_ms(hour: int, minute: int = 0, second: int = 0) -> int:
    """Of that local time in Shanghai."""
    zone = datetime.timezone(datetime.timedelta(hours=8))
    at = datetime.datetime(2026, 3, 10, hour, minute, second, tzinfo=zone)
    return round(at.timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("22:00-06:00", Window(79_200, 21_600)),
        ("00:00-24:00", Window(0, 86_400)),
        ("12:05-12:06", Window(43_500, 43_560)),
        ("12:00-12:00", None),
        ("24:00-06:00", None),
        ("12:00-24:01", None),
        ("6:00-7:00", None),
        ("12:60-13:00", None),
        ("12:00 - 13:00", None),
        ("", None),
    ],
)
def test_windows_are_read_strictly(text: str, window: Window | None) -> None:
    """Two times of the day, hours and minutes of two digits each."""
    assert parse_window(text) == window


@pytest.mark.parametrize(
    ("at", "wait_s"),
    [
        ((5, 59, 59), 0.0),
        ((6, 0, 0), LOOK_AGAIN_S),
        ((11, 55, 0), 300.0),
        ((11, 59, 59), 1.0),
        ((12, 0, 0), 0.0),
        ((12, 29, 59), 0.0),
        ((12, 30, 0), LOOK_AGAIN_S),
        ((21, 59, 0), 60.0),
        ((22, 0, 0), 0.0),
        ((23, 59, 59), 0.0),
        ((0, 0, 0), 0.0),
    ],
)
def test_over_the_day(at: tuple[int, int, int], wait_s: float) -> None:
    """Open in each window, over midnight too; closed for no longer than until the next."""
    windows = parse_windows(ZONE, ["22:00-06:00", "12:00-12:30"])
    assert isinstance(windows, ConnectionWindows)
    assert windows.wait_s(_utc_ms(*at)) == wait_s


def test_without_windows_or_without_a_clock_the_link_is_open() -> None:
    """A gateway that does not know the time does not keep silent because of it."""
    assert ConnectionWindows(ZONE).wait_s(_utc_ms(3)) == 0.0
    assert ConnectionWindows(ZONE, (Window(0, 60),)).wait_s(None) == 0.0


def test_summer_time() -> None:
    """A window that the change of the clocks leaves out is passed over, not waited for."""
    windows = ConnectionWindows("Europe/Berlin", (Window(7_200, 10_800),))  # 02:00 to 03:00
    before = datetime.datetime(2026, 3, 29, 0, 59, tzinfo=datetime.UTC)  # 01:59 in winter
    after = before + datetime.timedelta(minutes=1)  # 03:00 in summer
    assert windows.wait_s(round(before.timestamp() * 1000)) == 60.0
    assert windows.wait_s(round(after.timestamp() * 1000)) == LOOK_AGAIN_S


def test_the_faulty_window_is_named() -> None:
    """For the configuration's fault."""
    assert parse_windows(ZONE, ["22:00-06:00", "noon"]) == "noon"
