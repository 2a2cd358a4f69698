"""Durations and sizes as a person says them, short enough for a line of a small screen. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from edge_agent.language import Words

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_S, _MIN, _H, _D = 1_000, 60_000, 3_600_000, 86_400_000
_SIZES: Final = (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000))

Local = Callable[[int], datetime]


def span(ms: int, words: Words) -> str:
    """``42 s``, ``12 min``, ``3 h 05 min``, ``4 d 02 h``; never more exact than is of use."""
    ms = max(0, ms)
    if ms < 2 * _MIN:
        return words("span.s", s=ms // _S)
    if ms < 2 * _H:
        return words("span.min", min=ms // _MIN)
    if ms < 2 * _D:
        return words("span.h", h=ms // _H, min=ms % _H // _MIN)
    return words("span.d", d=ms // _D, h=ms % _D // _H)


def size(count: int) -> str:
    """``512 bytes``, ``4.8 MB``: three figures."""
    for unit, of in _SIZES:
        if count >= of:
            value = count / of
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{count} bytes"


def local_of(zone: str) -> Local:
    """UTC ms to the wall clock of the site; to UTC where the zone is not known here."""
    try:
        found: ZoneInfo | None = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found = None

    def local(utc_ms: int) -> datetime:
        instant = _EPOCH + timedelta(milliseconds=utc_ms)
        return instant if found is None else instant.astimezone(found)

    return local


def clock_time(utc_ms: int, now_ms: int | None, local: Local) -> str:
    """``14:02`` of today, ``11-26 14:02`` of another day."""
    at = local(utc_ms)
    if now_ms is not None and at.date() == local(now_ms).date():
        return f"{at:%H:%M}"
    return f"{at:%m-%d %H:%M}"
