"""When a log is due: batch interval, urgency, back-off. Pure: the time is an argument, in s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FIRST_RETRY_S: Final = 0.5
MAX_RETRY_S: Final = 60.0
URGENT_SPACING_S: Final = 10.0  # a condition that flaps must not send a batch with each poll


@dataclass(slots=True, kw_only=True)
class Backoff:
    """When to try again. Times in s."""

    failures: int = 0
    retry_at: float = float("-inf")

    def failed(self, now: float, jitter: float, at_least_s: float = 0.0) -> float:
        """Back off exponentially, bounded; `jitter` in 0..1 spreads a fleet. The delay in s.

        `at_least_s`: what the other side asked for; the fleet is spread behind it.
        """
        delay_s = min(MAX_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self.failures, 16))
        delay_s = at_least_s + delay_s * (0.5 + jitter / 2)
        self.failures += 1
        self.retry_at = now + delay_s
        return delay_s

    def succeeded(self, now: float) -> None:  # a lane remembers when
        self.failures = 0
        self.retry_at = float("-inf")


@dataclass(slots=True)
class Lane(Backoff):
    """One log's place in the uplink's schedule. Once due it stays due until `goal` is receipted."""

    batch_s: float
    due_at: float
    goal: int | None = None
    position: int | None = None  # where to go on, where that is not after the last receipt
    receipted: int = 0  # as far as the uplink knows
    most_leaves: int = 1
    too_many: int = 1 << 31  # leaves that central once found to be too many
    setbacks: int = 0  # times that central went back since the last receipt
    sent_at: float = float("-inf")
    urgent: bool = False  # something that central should hear of waits
    epoch: int | None = None  # of the log that all this is about

    def is_due(self, now: float) -> bool:
        return now >= self.retry_at and (self.goal is not None or now >= self.due_at)

    def wait_s(self, now: float) -> float:
        """Until `is_due`, if nothing happens before."""
        if self.goal is not None:
            return max(0.0, self.retry_at - now)
        return max(0.0, self.due_at - now, self.retry_at - now)

    def hasten(self, now: float) -> None:
        """Something urgent is in the log: due now, or when the last batch is old enough."""
        self.urgent = True
        self.due_at = min(self.due_at, max(now, self.sent_at + URGENT_SPACING_S))

    def expedite(self, now: float) -> None:
        """Somebody waits for it: due now, up to what is in the log now."""
        self.goal = None
        self.due_at = min(self.due_at, now)
        self.retry_at = min(self.retry_at, now)

    def reached(self, now: float) -> None:
        """All that was due is receipted: the next time on the grid, so that nothing drifts."""
        self.goal = None
        self.urgent = False
        missed = max(0.0, now - self.due_at) // self.batch_s
        self.due_at += (missed + 1) * self.batch_s

    def begin_anew(self, now: float) -> None:
        """In a new epoch: nothing is known of the log, and it is due."""
        self.forget()
        self.due_at = now

    def of(self, epoch: int) -> None:
        """The log is in this epoch; a damaged journal begins another one at any time."""
        if self.epoch not in (None, epoch):
            self.forget()
        self.epoch = epoch

    def forget(self) -> None:
        """Nothing is known of the log."""
        self.goal = self.position = None
        self.receipted = self.setbacks = 0

    def halve(self, count: int) -> None:
        """So many leaves are too many for central; it finds the number that is not."""
        self.too_many = min(self.too_many, max(2, count))
        self.most_leaves = max(1, count // 2)

    def succeeded(self, now: float) -> None:
        """A batch has its receipt."""
        if self.too_many - 1 > self.most_leaves and self.too_many < 1 << 31:
            self.most_leaves = min(self.too_many - 1, self.most_leaves + 1 + self.most_leaves // 8)
        Backoff.succeeded(self, now)
        self.sent_at = now
