"""A disk that fails: any of its calls, at random, also half way, also with what it had promised."""

from __future__ import annotations

import os
import random
from collections import Counter

from tests.durability.vfs import OK

IO_ERROR = 10
MOST_READS = 0.2
READ, WRITE, SYNC, TRUNCATE, DELETE = (IO_ERROR | kind << 8 for kind in (1, 3, 4, 6, 10))


class FailingDisk:
    """A watcher. While `share` is above 0 that share of all calls fails; of reads `MOST_READS` at
    most: of more the journal would be opened by none of a week's starts.

    A failed write may have written a part. A failed sync may have thrown away what was written
    since the last one, as Linux does: the next sync then succeeds, and the pages are the old ones.
    """

    def __init__(self, rng: random.Random, *, only_reads: bool = False) -> None:
        self.share = 0.0
        self._only_reads = only_reads
        self.failed: Counter[str] = Counter()
        self._rng = rng
        self._unsynced: dict[str, list[tuple[int, bytes]]] = {}

    def opened(self, path: str, created: bool) -> None:
        pass

    def write(self, path: str, data: bytes, offset: int) -> tuple[int, int]:
        self._keep(path, offset, len(data))
        if not self._fails("write"):
            return OK, 0
        return WRITE, self._rng.randrange(len(data)) if self._rng.random() < 0.5 else 0

    def truncate(self, path: str, size: int) -> int:
        if self._fails("truncate"):
            return TRUNCATE
        self._unsynced.pop(path, None)
        return OK

    def sync(self, path: str) -> int:
        unsynced = self._unsynced.pop(path, [])
        if not self._fails("sync"):
            return OK
        if self._rng.random() < 0.5:
            for offset, old in reversed(unsynced):
                _put(path, offset, old)
        return SYNC

    def delete(self, path: str) -> int:
        return DELETE if self._fails("delete") else OK

    def read(self, path: str) -> int:
        return READ if self._fails("read", MOST_READS) else OK

    def _fails(self, what: str, most: float = 1.0) -> bool:
        if self._only_reads and what != "read":
            return False
        fails = self._rng.random() < min(self.share, most)
        self.failed[what] += fails
        return fails

    def _keep(self, path: str, offset: int, size: int) -> None:
        """What is overwritten, for a sync that fails."""
        if not self.share:
            self._unsynced.clear()
            return
        descriptor = os.open(path, os.O_RDONLY)
        old = os.pread(descriptor, size, offset)
        os.close(descriptor)
        self._unsynced.setdefault(path, []).append((offset, old + bytes(size - len(old))))


def _put(path: str, offset: int, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.pwrite(descriptor, data, offset)
    os.close(descriptor)
