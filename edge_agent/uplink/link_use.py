"""How much of the link the uplink may use, and when: the rate, and the windows of the day."""

from __future__ import annotations

from collections.abc import Callable

from edge_agent.config.connection_windows import ALWAYS, ConnectionWindows
from edge_agent.uplink.token_bucket import TokenBucket

UNBOUNDED = 1e12


class LinkUse:
    """For the uplink's thread. Times in s by the uplink's monotonic clock; `utc_ms` for windows."""

    def __init__(
        self,
        bucket: TokenBucket | None = None,
        windows: ConnectionWindows = ALWAYS,
        *,
        urgent_connects: bool = True,
        utc_ms: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._bucket = bucket or TokenBucket(UNBOUNDED, 0.0)
        self._windows = windows
        self._urgent_connects = urgent_connects
        self._utc_ms = utc_ms
        self._used = 0

    def closed_s(self, *, urgent: bool) -> float:
        """0 where the link may be used now; else how long it stays closed, or to look again."""
        if urgent and self._urgent_connects:
            return 0.0
        return self._windows.wait_s(self._utc_ms())

    def wait_s(self, now: float, *, first: bool) -> float:
        """Until the rate allows something; `first`: for what goes before all else."""
        return self._bucket.wait_s(now, first=first)

    def charge(self, now: float, used: int) -> None:
        """So many bytes passed in all since the start."""
        self._bucket.charge(now, used - self._used)
        self._used = used
