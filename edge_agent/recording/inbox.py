"""Where the journal thread's work waits: a bounded queue of scans, and short requests of the other
threads.

Scans stay in the queue until the tick that holds them is committed: a failed commit loses nothing,
and what the bound does not admit is counted here and logged when there is room again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from protocols.evidence.facts import Moment

Scan = TypeVar("Scan")
Order = TypeVar("Order")


class Dropped(NamedTuple):
    """Scans that found the queue full: exactly how many, the first and the last of them."""

    polls: int
    since: Moment
    until: Moment


class Work(NamedTuple, Generic[Scan, Order]):
    """What one tick takes up."""

    scans: Sequence[Scan]
    dropped: Dropped | None
    orders: Sequence[Order]


class Inbox(Generic[Scan, Order]):
    """Thread-safe. `put` never blocks: a bus must not wait for the disk."""

    def __init__(self, most_scans: int, most_orders: int = 64) -> None:
        self._most_scans = most_scans
        self._most_orders = most_orders
        self._scans: deque[Scan] = deque()
        self._orders: deque[Order] = deque()
        self._dropped: Dropped | None = None
        self._woken = False
        self._changed = threading.Condition()

    def put(self, scan: Scan, moment: Moment) -> bool:
        """False where the queue is full; the scan of that moment is then counted, not kept."""
        with self._changed:
            if len(self._scans) >= self._most_scans:
                polls, since, _ = self._dropped or (0, moment, moment)
                self._dropped = Dropped(polls + 1, since, moment)
                return False
            self._scans.append(scan)
            if self._is_half_full():
                self._changed.notify_all()
            return True

    def offer(self, scan: Scan) -> bool:
        """The same for what its giver keeps and offers again: refusing it is no loss to count."""
        with self._changed:
            if len(self._scans) >= self._most_scans:
                return False
            self._scans.append(scan)
            return True

    def order(self, order: Order) -> bool:
        """Hand over a request and wake the journal thread; False where too many wait."""
        with self._changed:
            if len(self._orders) >= self._most_orders:
                return False
            self._orders.append(order)
            self._changed.notify_all()
            return True

    def wait(self, timeout_s: float) -> None:
        """Until a request arrives or the time is over. Scans share the tick: they wake nobody, but
        where they fill half of the queue before it comes.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._woken or self._orders or self._is_half_full(),
                timeout=max(0.0, timeout_s),
            )
            self._woken = False

    def _is_half_full(self) -> bool:
        return 2 * len(self._scans) >= self._most_scans

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def look(self, most_scans: int) -> Work[Scan, Order]:
        """The oldest scans, which stay; the count of the dropped, which stays.

        The requests, taken.
        """
        with self._changed:
            orders = tuple(self._orders)
            self._orders.clear()
            return Work(tuple(islice(self._scans, most_scans)), self._dropped, orders)

    def done(self, scans: int, dropped: Dropped | None) -> None:
        """What `look` showed is durable now."""
        with self._changed:
            for _ in range(scans):
                self._scans.popleft()
            if dropped is not None and self._dropped is not None:
                more = self._dropped.polls - dropped.polls
                since = dropped.until  # the first of those since: not before it
                self._dropped = Dropped(more, since, self._dropped.until) if more else None

    def waiting(self) -> int:
        with self._changed:
            return len(self._scans)
