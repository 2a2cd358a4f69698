"""How the C library keeps this process's memory: one heap, and large pieces given back.

glibc makes a heap for each thread, up to eight a processor, and raises by itself the size above
which a piece is given back. A gateway has few processors, little memory, and threads that take
turns anyway: that is 3 MB of 60, measured (`tests/system/test_memory.py`).
"""

from __future__ import annotations

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1  # malloc.h
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
PIECE_BYTES: Final = 128 * 1024  # glibc's own start value; set, it stays


def give_back() -> None:
    """What is free in the heap goes back to the kernel, from between what is in use, too. Takes a
    few milliseconds, during which other threads wait for memory."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def keep_small() -> bool:
    """Before any thread starts. False where the C library is another, without such settings."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = (
        (_M_ARENA_MAX, 1),
        (_M_MMAP_THRESHOLD, PIECE_BYTES),
        (_M_TRIM_THRESHOLD, PIECE_BYTES),
    )
    done = [mallopt(name, value) == 1 for name, value in settings]  # each, also after a refusal
    return all(done)
