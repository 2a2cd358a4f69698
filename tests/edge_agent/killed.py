"""A process that is killed before any statement of SQL, and what it had acknowledged by then."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable

KILLED = 9


class Statements:
    """Counts a connection's statements; ends the process before number `kill_at`."""

    def __init__(self, connection: sqlite3.Connection, kill_at: int | None) -> None:
        self.count = 0
        self._kill_at = kill_at
        connection.set_trace_callback(self._comes)

    def _comes(self, _statement: str) -> None:
        if self.count == self._kill_at:
            os._exit(KILLED)
        self.count += 1


def killed(run: Callable[[int], object]) -> bytes:
    """Run in a child, with a descriptor for what it acknowledges; all that it wrote there."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            run(writing)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, KILLED)
    return told
