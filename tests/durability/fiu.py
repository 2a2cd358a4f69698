"""EIO from the C library: libfiu, preloaded into a process of its own.

Its points of failure lie below SQLite and below Python alike, so ballast, epoch file and directory
syncs fail too. https://blitiri.com.ar/p/libfiu/doc/posix.html
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Mapping
from pathlib import Path

PRELOADS = ("/usr/lib/fiu/fiu_posix_preload.so", "/usr/local/lib/fiu/fiu_posix_preload.so")
POINTS = (
    *("posix/io/rw/pread", "posix/io/rw/pwrite", "posix/io/oc/ftruncate"),
    *("posix/io/sync/fsync", "posix/io/sync/fdatasync", "posix/io/oc/open"),
)


def environment() -> Mapping[str, str] | None:
    """For a process in which it can fail; None where libfiu is not installed."""
    for preload in PRELOADS:
        if Path(preload).exists():
            return {**os.environ, "LD_PRELOAD": preload}
    return None


MOST_READS = 0.2


class Fiu:
    """`share` of all calls at its points fails with EIO, of reads `MOST_READS` at most."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libfiu.so.0")
        self._library.fiu_enable_random.argtypes = (
            *(ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_float),
        )
        self._library.fiu_disable.argtypes = (ctypes.c_char_p,)
        assert self._library.fiu_init(0) == 0
        self._share = 0.0

    @property
    def share(self) -> float:
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        self._share = share
        for point in POINTS:
            self._library.fiu_disable(point.encode())
            part = min(share, MOST_READS) if point.endswith("read") else share
            if part:
                done = self._library.fiu_enable_random(point.encode(), 1, errno.EIO, 0, part)
                assert done == 0, point
