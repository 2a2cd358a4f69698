"""The one place where central reads a clock."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""UTC in ms since 1970, without leap seconds; an argument wherever an instant is needed."""


def utc_now_ms() -> int:
    """The system's clock."""
    return time.time_ns() // 1_000_000
