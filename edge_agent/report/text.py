"""Figures, times and lines of a report: exact decimals, at most 80 columns."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WIDTH: Final = 80
ICE_POINT_MK: Final = 273_150
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def fixed(value: int, digits: int, shown: int) -> str:
    """`value` x 10^-digits with `shown` <= digits decimals, rounded half to even."""
    unit = 10 ** (digits - shown)
    quotient, rest = divmod(abs(value), unit)
    if 2 * rest > unit or (2 * rest == unit and quotient % 2):
        quotient += 1
    sign = "-" if value < 0 and quotient else ""
    whole, part = divmod(quotient, 10**shown)
    return f"{sign}{whole}.{part:0{shown}d}" if shown else f"{sign}{whole}"


def celsius(mk: int, shown: int) -> str:
    """Degrees Celsius of mK."""
    return fixed(mk - ICE_POINT_MK, 3, shown)


def hours(ms: int) -> str:
    """A duration in hours, to 0.01 h; what is not nothing is never shown as nothing."""
    text = fixed((2 * ms + 36) // 72, 5, 2)  # 36 ms are 1e-5 h
    return "<0.01" if ms and text == "0.00" else text


def local(utc_ms: int, zone: ZoneInfo) -> datetime:
    """The wall clock of the zone."""
    return (_EPOCH + timedelta(milliseconds=utc_ms)).astimezone(zone)


def wrapped(text: str) -> list[str]:
    """At most 80 columns, what does not fit indented. A name must not draw on the terminal."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return textwrap.wrap(clean, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
