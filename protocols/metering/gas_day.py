"""The gas day: the contract's day, dated by its beginning; 23 or 25 hours where clocks change."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
# Days on whose both sides a zone may still shift the clock within the years that datetime knows.
_FIRST, _LAST = date(1, 1, 3), date(9999, 12, 29)


class GasDayError(ValueError):
    """A zone that does not exist, an hour that is none, or an instant that no calendar has."""


def zone_of(name: str) -> ZoneInfo:
    """The zone of the IANA database. Raises GasDayError."""
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        pass
    raise GasDayError(f"{name!r} is no zone of the IANA database, such as 'Asia/Shanghai'")


def gas_day(utc_ms: int, zone: str, start_hour: int) -> date:
    """The gas day that an instant belongs to; a day begins at `start_hour` local time."""
    try:
        local = (_EPOCH + timedelta(milliseconds=utc_ms)).astimezone(zone_of(zone))
    except OverflowError as error:
        raise GasDayError(f"{utc_ms} ms is no instant of the calendar") from error
    # Tomorrow's day may have begun, too: at St. John's the clock went back over midnight.
    day = local.date() + timedelta(days=1)
    while gas_day_start(day, zone, start_hour) > utc_ms:
        day -= timedelta(days=1)
    return day


def gas_day_start(day: date, zone: str, start_hour: int) -> int:
    """UTC ms of the day's first instant.

    An hour that the clock skips begins when the clock has skipped it; of an hour that it shows
    twice, the first counts.
    """
    if not 0 <= start_hour <= 23:
        raise GasDayError(f"a gas day cannot begin at hour {start_hour}; 0 to 23")
    if not _FIRST <= day <= _LAST:
        raise GasDayError(f"{day} lies outside {_FIRST}..{_LAST}")
    start = datetime.combine(day, time(start_hour), zone_of(zone)).astimezone(UTC)
    return (start - _EPOCH) // timedelta(milliseconds=1)


def gas_day_bounds(day: date, zone: str, start_hour: int) -> tuple[int, int]:
    """First instant of the day and of the next one, UTC ms: days tile the time line."""
    start = gas_day_start(day, zone, start_hour)  # refuses the calendar's last day
    return start, gas_day_start(day + timedelta(days=1), zone, start_hour)
