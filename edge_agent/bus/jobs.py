"""What others want of a bus, between two polls: a bounded queue of jobs, one step at a time.

A bus belongs to one thread. Who else needs a device (a clock to be read, an archive, a technician)
hands over a job; the bus thread does one step of it after each poll, or when nobody is due. A step
is a few requests at most, so no poll waits for more than that.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from edge_agent.bus.link import Answer
    from protocols.modbus.answer import Asked

MAX_JOBS: Final = 16


class Exchange(Protocol):
    """Asks. `learn` False: never again by itself, since only a person may want it (a queue that is
    emptied by reading)."""

    def __call__(self, asked: Asked, *, learn: bool = True) -> Answer: ...


class Job(Protocol):
    """Something to do on a bus. `deadline_mono_ms`: after that nobody wants it any more."""

    deadline_mono_ms: int

    def step(self, exchange: Exchange) -> bool | None:
        """A few requests; True when it is done and has told its result, None where it waits."""
        ...

    def abandon(self, reason: str) -> None:
        """It will not be done, or not to its end."""
        ...


class Jobs:
    """Thread-safe. `put` and `wake` are for others; the rest is the bus thread's."""

    def __init__(self, most: int = MAX_JOBS) -> None:
        self._most = most
        self._waiting: deque[Job] = deque()
        self._closed = False
        self._came = threading.Event()
        self._lock = threading.Lock()

    def put(self, job: Job) -> bool:
        """False where too many wait, or the bus has ended: it was not taken, nor abandoned."""
        with self._lock:
            if self._closed or len(self._waiting) >= self._most:
                return False
            self._waiting.append(job)
        self._came.set()
        return True

    def wake(self) -> None:
        """End the bus thread's wait."""
        self._came.set()

    def wait(self, timeout_s: float) -> None:
        """Until there may be something to do."""
        if self._came.wait(timeout_s):
            self._came.clear()

    def step(self, exchange: Exchange, now_mono_ms: int) -> bool:
        """One step of the job whose turn it is; whether something was done. They take turns."""
        with self._lock:
            job = self._waiting.popleft() if self._waiting else None
        if job is None:
            return False
        if now_mono_ms >= job.deadline_mono_ms:
            job.abandon("the bus had no time for it before its deadline: try again")
            return True
        done = job.step(exchange)
        if not done:
            with self._lock:
                self._waiting.append(job)  # may pass the bound by this one
        return done is not None

    def close(self, reason: str) -> None:
        """Nothing is done any more."""
        with self._lock:
            self._closed = True
            left = list(self._waiting)
            self._waiting.clear()
        for job in left:
            job.abandon(reason)
