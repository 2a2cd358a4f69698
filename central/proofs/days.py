"""UTC days, and when a day's checkpoint is due. Pure."""

from datetime import UTC, datetime
from typing import Final

DAY_MS: Final = 86_400_000
DUE_MS: Final = 600_000  # ten minutes past midnight: the last batches of the day have come


def utc_day(time_s: int) -> str:
    """The UTC day of an instant, as YYYY-MM-DD."""
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d}"


def next_daily_ms(now_ms: int) -> int:
    """When the next checkpoint is due, UTC ms."""
    begin_ms = now_ms - now_ms % DAY_MS
    due_ms = begin_ms + DUE_MS
    return due_ms if now_ms < due_ms else due_ms + DAY_MS


def is_due(now_ms: int) -> bool:
    """Whether this day's checkpoint may be made."""
    return now_ms % DAY_MS >= DUE_MS
