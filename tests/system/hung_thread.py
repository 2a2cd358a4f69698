"""Hangs one thread of a running process, for real: the kernel stops it, all others go on."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_SEIZE: Final = 0x4206
_INTERRUPT: Final = 0x4207
_DETACH: Final = 17
_WALL: Final = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


def threads_of(pid: int) -> list[int]:
    """In the order in which they were started; the main thread first."""
    return sorted(int(path.name) for path in Path(f"/proc/{pid}/task").iterdir())


class HungThread:
    """As long as it is traced, it makes no step."""

    def __init__(self, pid: int, thread: int) -> None:
        self._thread = thread
        deadline_s = time.monotonic() + 10.0
        # asleep in the kernel it does not hold the interpreter's lock: the others can go on
        while "S" not in _state(pid, thread):
            assert time.monotonic() < deadline_s, "never asleep"
        if _libc.ptrace(_SEIZE, thread, None, None) != 0:
            pytest.skip(f"threads cannot be stopped here: {os.strerror(ctypes.get_errno())}")
        _libc.ptrace(_INTERRUPT, thread, None, None)
        os.waitpid(thread, _WALL)

    def reap(self) -> None:
        """The end of a traced thread is its tracer's to take note of."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._thread, _WALL | os.WNOHANG)

    def release(self) -> None:
        _libc.ptrace(_DETACH, self._thread, None, None)


@contextlib.contextmanager
def hung(pid: int, thread: int) -> Iterator[HungThread]:
    made = HungThread(pid, thread)
    try:
        yield made
    finally:
        made.release()
        made.reap()


def _state(pid: int, thread: int) -> str:
    text = Path(f"/proc/{pid}/task/{thread}/stat").read_text(encoding="ascii", errors="replace")
    return text.rpartition(")")[2].split()[0]
