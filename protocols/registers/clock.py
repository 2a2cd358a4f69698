"""Clocks of instruments: what their registers say of date and time, and back.

| format | points |
|---|---|
| binary | one u48: six bytes year (of the century), month, day, hour, minute, second; not BCD |
| mmddyy-hhmmss | two numbers, often floats: 120304 is 2004-12-03, 183707 is 18:37:07 |
| fields | six numbers: year, month, day, hour, minute, second |
| epoch | one number: seconds since 1970-01-01 |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

CENTURY: Final = 2000
FORMATS: Final[Mapping[str, int]] = {"binary": 1, "mmddyy-hhmmss": 2, "fields": 6, "epoch": 1}
"""How many points each format takes."""
ZONES: Final = ("local", "utc")
# the instrument's own time: what zone it was set to, only the site knows
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the device's own time
_LAST: Final = datetime(2099, 12, 31, 23, 59, 59)  # noqa: DTZ001 - see _EPOCH


@dataclass(frozen=True, slots=True)
class Clock:
    """Which points tell the time, and how. `zone` is the one that the source promises."""

    format: str
    points: tuple[str, ...]
    zone: str = "local"


def clock_faults(clock: Clock) -> list[str]:
    """What is wrong with a clock by itself."""
    if clock.format not in FORMATS:
        return [f"format {clock.format[:40]!r}: must be one of {', '.join(FORMATS)}"]
    faults = []
    if len(clock.points) != FORMATS[clock.format]:
        faults.append(f"points: {clock.format} takes {FORMATS[clock.format]}")
    if clock.zone not in ZONES:
        faults.append(f"zone {clock.zone[:40]!r}: must be one of {', '.join(ZONES)}")
    return faults


def decode_clock(clock: Clock, numbers: Mapping[str, float | None]) -> datetime | None:
    """The date-time that the points' numbers show, without a zone; None where they show none."""
    found = [numbers.get(name) for name in clock.points]
    whole = [int(n) for n in found if n is not None and n == n // 1]
    if len(whole) != len(found) or any(n < 0 for n in whole):
        return None
    try:
        moment = _moment(clock.format, whole)
    except (ValueError, OverflowError):
        return None
    return moment if _EPOCH <= moment <= _LAST else None


def encode_clock(clock: Clock, moment: datetime) -> dict[str, int]:
    """The numbers that the points show at a moment of its own zone; whole seconds."""
    year = moment.year - CENTURY
    fields = (year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    match clock.format:
        case "binary":
            numbers = [int.from_bytes(bytes(fields), "big")]
        case "mmddyy-hhmmss":
            numbers = [_three(moment.month, moment.day, year), _three(*fields[3:])]
        case "fields":
            numbers = list(fields)
        case _:
            numbers = [(moment - _EPOCH) // timedelta(seconds=1)]
    return dict(zip(clock.points, numbers, strict=True))


def _moment(format_: str, numbers: list[int]) -> datetime:
    """Raises ValueError or OverflowError for what is no date."""
    match format_:
        case "binary":
            return _date(*numbers[0].to_bytes(6, "big"))
        case "mmddyy-hhmmss":
            month, day, year = _split(numbers[0])
            return _date(year, month, day, *_split(numbers[1]))
        case "fields":
            return _date(*numbers)
        case _:
            return _EPOCH + timedelta(seconds=numbers[0])


def _date(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime:
    year += CENTURY if year < 100 else 0
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - see _EPOCH


def _split(number: int) -> tuple[int, int, int]:
    return number // 10_000, number // 100 % 100, number % 100


def _three(first: int, second: int, third: int) -> int:
    return first * 10_000 + second * 100 + third
