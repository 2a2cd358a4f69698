"""How this process keeps its memory: one heap, large pieces given back, few tuples in reserve.

glibc makes a heap for each thread, up to eight a processor, and raises by itself the size above
which a piece is given back. A gateway has few processors, little memory, and threads that take
turns anyway: that is 3 MB of 60, measured (`tests/system/test_memory.py`).

CPython keeps up to 2,000 dead tuples of each length from 1 to 20 for later (Objects/tupleobject.c),
1.5 MB after a hundred rounds of eight runs; only a full collection lets them go. Of all that was
imported that would take 0.1 s. So what was imported is set apart, and the rest takes 3 ms.

pathlib interns each part of a path, for as long as it is used. CPython's table of interned strings
takes a new place for each of them, and doubles (0.94 MB) when it has none left: after some 18,000.
So what is looked at again and again is a Path that is made once.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_M_TRIM_THRESHOLD: Final = -1  # malloc.h
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
PIECE_BYTES: Final = 128 * 1024  # glibc's own start value; set, it stays


def set_apart() -> None:
    """After the imports, before anything is built: no collection looks at them again. (Imports
    leave no cycles behind, measured: none is made a part of it.)"""
    gc.freeze()


def drop_reserve() -> None:
    """Dead tuples in reserve, and cycles. Takes 3 ms after `set_apart`; other threads wait."""
    gc.collect()


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
