"""How many bytes go over the link: a bucket that fills with time. Pure: the time is an argument.

A batch's size is known only when it is sealed, so the bucket gives leave first and is charged
afterwards; it may owe. Telemetry waits until nothing is owed; billing has a reserve of its own as
large as the bucket, so that money never waits behind what telemetry used.
"""

from __future__ import annotations

from typing import Final

BURST_S: Final = 60.0  # so long the link was quiet: so much may go at once


class TokenBucket:
    """Bytes, at `rate` bytes a second, `burst` at once; times in s."""

    def __init__(self, rate: float, now: float, burst: float | None = None) -> None:
        self._rate = rate
        self._burst = rate * BURST_S if burst is None else burst
        self._level = self._burst
        self._at = now

    def wait_s(self, now: float, *, first: bool) -> float:
        """Until something may go; `first`: for what goes before all else, out of the reserve."""
        self._fill(now)
        owed = -self._level - (self._burst if first else 0.0)
        return max(0.0, owed / self._rate)

    def charge(self, now: float, used: int) -> None:
        """So many bytes went both ways."""
        self._fill(now)
        self._level -= used

    def _fill(self, now: float) -> None:
        """A clock that stands or goes back fills nothing."""
        self._level = min(self._burst, self._level + self._rate * max(0.0, now - self._at))
        self._at = max(self._at, now)
