"""Files that only take up space, to be given back when the disk is full: the ballast, in whose
place the journal finds room to delete and to checkpoint, and the reserve, for what must go on.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from edge_agent.keys.keys import sync_directory

BALLAST_NAME: Final = "ballast"
RESERVE_NAME: Final = "reserve"
BALLAST_BYTES: Final = 512 * 1024
WAY_BYTES: Final = 256 * 1024


def make_way(directory: Path) -> None:
    """At a start on a full disk: without some room SQLite cannot even open the journal."""
    found = os.statvfs(directory)
    if found.f_bavail * found.f_frsize < WAY_BYTES:
        Ballast(directory / BALLAST_NAME, BALLAST_BYTES).release()


class Ballast:
    """One such file. Blocks are allocated, nothing is written: it costs no flash."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size

    @property
    def is_there(self) -> bool:
        """With all of its bytes."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return found.st_size == self.size and found.st_blocks * 512 >= self.size

    def make(self) -> bool:
        """False where there is no room for it; then it takes none."""
        if self.is_there or not self.size:
            return True
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.ftruncate(descriptor, self.size)
                os.posix_fallocate(descriptor, 0, self.size)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_directory(self.path.parent)
        except OSError:  # full, or a disk that takes nothing: the journal will say so
            self.release()
            return False
        return True

    def release(self) -> bool:
        """Give its space back; False where there was none."""
        try:
            found = self.path.stat().st_blocks > 0
            self.path.unlink()
        except OSError:  # a file system in error: nothing to give
            return False
        return found
