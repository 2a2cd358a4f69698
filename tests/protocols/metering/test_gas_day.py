"""Gas days in zones with and without summer time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.gas_day import GasDayError, gas_day, gas_day_bounds, gas_day_start, zone_of

ZONES = (
    "Asia/Shanghai", "Europe/Berlin", "America/Chicago", "Australia/Lord_Howe", "Pacific/Apia",
    "America/St_Johns",
)  # fmt: skip
HOUR = 3_600_000


def utc_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("instant", "zone", "hour", "day"),
    [
        ("2026-11-22T00:00:00", "Asia/Shanghai", 8, date(2026, 11, 22)),
        ("2026-11-21T23:59:59", "Asia/Shanghai", 8, date(2026, 11, 21)),
        ("2026-11-21T16:00:00", "Asia/Shanghai", 0, date(2026, 11, 22)),
        ("2026-07-01T03:59:59", "Europe/Berlin", 6, date(2026, 6, 30)),
        ("2026-07-01T04:00:00", "Europe/Berlin", 6, date(2026, 7, 1)),
        # The clock went back at 00:01, so that 23:30 came again after the day had begun.
        ("2010-11-07T02:29:59", "America/St_Johns", 0, date(2010, 11, 6)),
        ("2010-11-07T02:30:00", "America/St_Johns", 0, date(2010, 11, 7)),
        ("2010-11-07T03:00:00", "America/St_Johns", 0, date(2010, 11, 7)),
        ("2026-01-01T14:59:59", "America/Chicago", 9, date(2025, 12, 31)),
        ("2026-01-01T15:00:00", "America/Chicago", 9, date(2026, 1, 1)),
    ],
)
def test_day_of_an_instant(instant: str, zone: str, hour: int, day: date) -> None:
    """An instant belongs to the day whose local start it has passed."""
    assert gas_day(utc_ms(instant), zone, hour) == day


@pytest.mark.parametrize(
    ("zone", "hour", "day", "hours"),
    [
        ("Asia/Shanghai", 8, date(2026, 3, 28), 24),
        ("Europe/Berlin", 6, date(2026, 3, 28), 23),
        ("Europe/Berlin", 6, date(2026, 10, 24), 25),
        ("Europe/Berlin", 2, date(2026, 3, 28), 24),  # 02:00 is skipped: that day begins at 03:00
        ("Europe/Berlin", 2, date(2026, 3, 29), 23),
        ("America/Chicago", 9, date(2026, 3, 7), 23),
        ("America/Chicago", 9, date(2026, 10, 31), 25),
        ("Pacific/Apia", 0, date(2011, 12, 29), 24),
        ("Pacific/Apia", 0, date(2011, 12, 30), 0),  # a day that Samoa left out
    ],
)
def test_length_of_a_day(zone: str, hour: int, day: date, hours: int) -> None:
    """23 and 25 hours where the clock changes, 24 elsewhere."""
    start, end = gas_day_bounds(day, zone, hour)
    assert end - start == hours * HOUR


@given(
    st.sampled_from(ZONES), st.integers(0, 23), st.dates(date(1950, 1, 1), date(2099, 12, 31)),
    st.integers(0, 26 * HOUR),
)  # fmt: skip
def test_days_tile_the_time_line(zone: str, hour: int, day: date, after_ms: int) -> None:
    """Each day ends where the next begins, and an instant lies within the bounds of its own day."""
    start, end = gas_day_bounds(day, zone, hour)
    assert start <= end
    assert end == gas_day_start(day + timedelta(days=1), zone, hour)
    instant = start + after_ms
    low, high = gas_day_bounds(gas_day(instant, zone, hour), zone, hour)
    assert low <= instant < high
    if start < end:
        assert gas_day(start, zone, hour) == day
        assert gas_day(end - 1, zone, hour) == day


@pytest.mark.parametrize(
    "zone", ["", "Mars/Base", "../../etc/passwd", "/etc/localtime", "Europe", "a" * 300, "\0", "."]
)
def test_unknown_zone(zone: str) -> None:
    """A name that is no zone is refused, whatever it does to the file system."""
    with pytest.raises(GasDayError, match="no zone"):
        zone_of(zone)


def test_impossible_hours_and_instants() -> None:
    """An hour that no day has and an instant beyond the calendar are errors."""
    with pytest.raises(GasDayError, match="hour 24"):
        gas_day(0, "Asia/Shanghai", 24)
    for beyond in (2**62, -(2**62)):
        with pytest.raises(GasDayError, match="calendar"):
            gas_day(beyond, "Asia/Shanghai", 8)
    with pytest.raises(GasDayError, match="outside"):
        gas_day_start(date.max, "Asia/Shanghai", 8)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_no_bounds_at_the_ends_of_the_calendar(day: date) -> None:
    """A day whose next, or whose start, the calendar does not have is refused."""
    with pytest.raises(GasDayError):
        gas_day_bounds(day, "Asia/Shanghai", 8)
