"""The instruments' end of a pty pair, with the other end at a stable name; it can go and come back.

Who looks for it again finds the name, but another pty behind it, as with an adapter that was
pulled and plugged in again.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
import tty
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES: Final = 1024  # more than any frame
_TRIALS: Final = 200
_NS: Final = 1_000_000_000


class PtyPort:
    """Transparent (no echo, no flow control), not blocking."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master, self._slave = -1, -1
        self.open()

    def open(self) -> None:
        """A new pty, and the name put in place over the remains of one that was killed."""
        # The other end is held open: a client may come and go without a hangup.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)
        beside = self.path.with_name(f".{self.path.name}.new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.ttyname(self._slave))
        beside.replace(self.path)

    def close(self) -> None:
        """Whoever has the other end open gets a hangup; the name is gone."""
        self.path.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)

    def read(self) -> bytes:
        """What is there, maybe nothing."""
        try:
            return os.read(self._master, _MOST_BYTES)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> None:
        """A port that nobody reads loses what its buffer cannot hold."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)

    def readable(self, timeout_s: float) -> bool:
        """Whether something came within whole milliseconds; poll(2)."""
        return bool(self._poll.poll(timeout_s * 1000.0))

    def readable_within_ns(self, timeout_ns: int) -> bool:
        """The same by select(2), which counts microseconds."""
        return bool(select.select([self._master], [], [], max(0, timeout_ns) / _NS)[0])


def pty_us() -> list[float]:
    """How long this machine's ptys take to pass a byte on, again and again."""
    master, slave = os.openpty()
    tty.setraw(slave)
    delays = []
    try:
        for _ in range(_TRIALS):
            began_ns = time.monotonic_ns()
            os.write(slave, b"\x00")
            while not select.select([master], [], [], 0.0)[0]:
                pass
            delays.append((time.monotonic_ns() - began_ns) / 1000)
            os.read(master, 1)
    finally:
        os.close(master)
        os.close(slave)
    return delays
