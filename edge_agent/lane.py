"""When a log is due: batch interval, urgency, back-off. Pure: the time is an argument, in s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FIRST_RETRY_S: Final = 0.5
MAX_RETRY_S: Final = 60.0
URGENT_SPACING_S: Final = 10.0  # a condition that flaps must not send a batch with each poll


@dataclass(slots=True)
class Lane:
    """One log's place in the uplink's schedule. Once due it stays due until `goal` is receipted."""

    batch_s: float
    due_at: float
    goal: int | None = None
    position: int | None = None  # where to go on, where that is not after the last receipt
    receipted: int = 0  # as far as the uplink knows
    verified_size: int = 0  # up to here the rows lead to the stored frontier
    most_leaves: int = 1
    failures: int = 0
    setbacks: int = 0  # times that central went back since the last receipt
    retry_at: float = float("-inf")
    sent_at: float = float("-inf")

    def is_due(self, now: float) -> bool:
        return now >= self.retry_at and (self.goal is not None or now >= self.due_at)

    def wait_s(self, now: float) -> float:
        """Until `is_due`, if nothing happens before."""
        if self.goal is not None:
            return max(0.0, self.retry_at - now)
        return max(0.0, self.due_at - now, self.retry_at - now)

    def hasten(self, now: float) -> None:
        """Something urgent is in the log: due now, or when the last batch is old enough."""
        self.due_at = min(self.due_at, max(now, self.sent_at + URGENT_SPACING_S))

    def reached(self, now: float) -> None:
        """All that was due is receipted: the next time on the grid, so that nothing drifts."""
        self.goal = None
        missed = max(0.0, now - self.due_at) // self.batch_s
        self.due_at += (missed + 1) * self.batch_s

    def succeeded(self, now: float) -> None:
        self.failures = 0
        self.retry_at = float("-inf")
        self.sent_at = now

    def failed(self, now: float, jitter: float) -> float:
        """Back off exponentially, bounded; `jitter` in 0..1 spreads a fleet. The delay in s."""
        delay_s = min(MAX_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self.failures, 16))
        delay_s *= 0.5 + jitter / 2
        self.failures += 1
        self.retry_at = now + delay_s
        self.verified_size = 0  # rows may rot while they wait
        return delay_s
