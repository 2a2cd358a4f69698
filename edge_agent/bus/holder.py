"""The program that a bus is lent to, watched by a descriptor of its process (pidfd_open(2)).

It may be killed, or lose its terminal, and gives nothing back then. A descriptor stays that of one
process; a number may be given to another.
"""

from __future__ import annotations

import contextlib
import os
import select
from typing import Final

MAX_PID: Final = 1 << 22
"""PID_MAX_LIMIT of the kernel (proc(5))."""


class Holder:
    """Of process `pid`; 0: of nobody, as where a person has it. Where the kernel does not show the
    process (another namespace), nobody is watched either.
    """

    def __init__(self, pid: int = 0) -> None:
        self.pid = pid
        self._fd = -1
        with contextlib.suppress(OSError):
            self._fd = os.pidfd_open(pid) if pid else -1

    def is_gone(self) -> bool:
        """Whether it has ended."""
        if self._fd < 0:
            return False
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Watch it no longer."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


NOBODY: Final = Holder()
