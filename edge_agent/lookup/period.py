"""A time as a technician types it: by the wall clock of the site, or so long ago. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_AGO: Final = re.compile(r"(\d{1,5})(min|h|d)", re.ASCII)
_UNIT_MS: Final = {"min": 60_000, "h": 3_600_000, "d": 86_400_000}
_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
_OF_TODAY: Final = re.compile(r"\d{1,2}:\d{2}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FORMS: Final = "2026-11-26, '2026-11-26 14:00', 14:00 (today), or 30min, 6h, 2d (ago)"


class NoTimeError(ValueError):
    """No time; says what can be written."""


def utc_ms_of(text: str, now_ms: int, zone: str) -> int:
    """UTC ms. An hour that a clock shows twice is the first one. Raises NoTimeError."""
    typed = text.strip()
    if ago := _AGO.fullmatch(typed):
        return now_ms - int(ago[1]) * _UNIT_MS[ago[2]]
    try:
        place: ZoneInfo | None = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        place = None
    now = (_EPOCH + timedelta(milliseconds=now_ms)).astimezone(place or UTC)
    if _OF_TODAY.fullmatch(typed):
        typed = f"{now:%Y-%m-%d} {typed}"
    for form in _FORMS:
        try:
            found = datetime.strptime(typed, form).replace(tzinfo=place or UTC)
        except ValueError:
            continue
        return (found - _EPOCH) // timedelta(milliseconds=1)
    raise NoTimeError(f"{text[:40]!r} is no time: write {FORMS}")
