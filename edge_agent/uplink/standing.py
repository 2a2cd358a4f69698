"""How the link to central stands, kept for whoever asks.

Plain values, written by the uplink's thread and read by any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edge_agent.uplink.failure import Failure

GOOD, WAITING, WINDOW, FAILING = "good", "waiting", "window", "failing"
STANDSTILL, NEVER = "standstill", "never"


class Receipt(NamedTuple):
    """The last one: when it came, in s of the uplink's clock, and its time by central's, UTC s."""

    at_s: float
    time_s: int


class Standing:
    """Of one uplink. Times in s of its monotonic clock, None: not since the start."""

    def __init__(self) -> None:
        self.receipt: Receipt | None = None
        self.received_s: dict[str, float] = {}  # by log: when its last receipt came
        self.tried_s: float | None = None
        self.failure: Failure | None = None  # of the last try, if it failed
        self.is_closed = False  # the link may not be used now
        self.stands_still = False

    def tried(self, now: float) -> None:
        """Central is being asked for something."""
        self.tried_s = now

    def failed(self, failure: Failure) -> None:
        """That was in vain."""
        self.failure = failure

    def received(self, now: float, time_s: int, log: str) -> None:
        """Central's receipt for leaves of a log verified, and is kept."""
        self.receipt = Receipt(now, time_s)
        self.received_s[log] = now
        self.failure = None

    def state(self, *, ever: bool) -> str:
        """In a word. `ever`: there is a receipt of before the start."""
        if self.stands_still:
            return STANDSTILL
        if self.failure is not None:
            return FAILING
        if self.receipt is not None:
            return WINDOW if self.is_closed else GOOD
        if self.is_closed:
            return WINDOW
        return WAITING if ever or self.tried_s is None else NEVER
