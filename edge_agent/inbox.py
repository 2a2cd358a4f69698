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

Scan = TypeVar("Scan")
Order = TypeVar("Order")


class Work(NamedTuple, Generic[Scan, Order]):
    """What one tick takes up."""

    scans: Sequence[Scan]
    dropped: int  # scans that found the queue full
    orders: Sequence[Order]


class Inbox(Generic[Scan, Order]):
    """Thread-safe. `put` never blocks: a bus must not wait for the disk."""

    def __init__(self, most_scans: int, most_orders: int = 64) -> None:
        self._most_scans = most_scans
        self._most_orders = most_orders
        self._scans: deque[Scan] = deque()
        self._orders: deque[Order] = deque()
        self._dropped = 0
        self._woken = False
        self._changed = threading.Condition()

    def put(self, scan: Scan) -> bool:
        """False where the queue is full; the scan is then counted, not kept."""
        with self._changed:
            if len(self._scans) >= self._most_scans:
                self._dropped += 1
                return False
            self._scans.append(scan)
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
        """Until a request arrives or the time is over; scans wake nobody: they share the tick."""
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._orders, timeout=max(0.0, timeout_s))
            self._woken = False

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

    def done(self, scans: int, dropped: int) -> None:
        """What `look` showed is durable now."""
        with self._changed:
            for _ in range(scans):
                self._scans.popleft()
            self._dropped -= dropped

    def waiting(self) -> int:
        with self._changed:
            return len(self._scans)
