"""How large the journal may become, and what gives way when the file system is full.

Two ways to be full. At the soft limit (`max_page_count`) the file system still has room, and
deleting rows is enough. Where the file system itself is full the file must not grow: the ballast
goes, so that the write-ahead log has room; the limit becomes the size that the file has, and each
commit is checkpointed, so that the write-ahead log stays small. The reserve goes last.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3  # noqa: TID251  # the journal's shell
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.journal.ballast import BALLAST_BYTES, BALLAST_NAME, RESERVE_NAME, Ballast

SHORT_BYTES: Final = 2 * 1024 * 1024  # free in the file system: less is full; a small one: _PART
_PART: Final = 16
ENOUGH_BYTES: Final = 128 * 1024  # free pages in the journal: a tick fits, deleting more is no use
TIGHT_PAGES: Final = 32  # of the write-ahead log, before it is checkpointed
LEAST_BYTES: Final = 1024 * 1024
_SHARE: Final = 0.8  # of what is free, where no limit is configured
_ROOMY: Final = 0.9  # of the limit: below it there is room again


class Limits(NamedTuple):
    """`max_bytes` 0: four fifths of what the file system has free, the journal's own included."""

    max_bytes: int = 0
    reserve_bytes: int = 0

    @classmethod
    def of_megabytes(cls, most: int, reserve: int) -> Limits:
        """Of settings."""
        return cls(most * 1_000_000, reserve * 1_000_000)


NO_RESERVE: Final = Limits()


class Usage(NamedTuple):
    """Of the journal and its file system, in bytes: what is used, what of it is receipted; the
    limit; what its files take; what is free beside them.
    """

    used: int
    receipted: int
    limit: int
    files: int
    disk_free: int

    @property
    def unsent(self) -> int:
        """What cannot be dropped without a loss."""
        return self.used - self.receipted


def soft_limit(limits: Limits, own_bytes: int, free_bytes: int) -> int:
    """The journal's largest size in bytes. Pure."""
    if limits.max_bytes:
        return limits.max_bytes
    return max(LEAST_BYTES, int(_SHARE * (own_bytes + free_bytes)) - limits.reserve_bytes)


class Space:
    """Of one journal; the recorder's thread asks it."""

    def __init__(self, journal: Path, limits: Limits, autocheckpoint_pages: int) -> None:
        self._directory = journal.parent
        self._autocheckpoint_pages = autocheckpoint_pages
        found = os.statvfs(self._directory)
        whole_bytes = found.f_blocks * found.f_frsize
        self._short_bytes = min(SHORT_BYTES, whole_bytes // _PART)
        self._ballast = Ballast(journal.with_name(BALLAST_NAME), BALLAST_BYTES)
        reserve_bytes = min(limits.reserve_bytes, 2 * whole_bytes // _PART)
        self._reserve = Ballast(journal.with_name(RESERVE_NAME), reserve_bytes)
        self._journal, self._limits = journal, limits._replace(reserve_bytes=reserve_bytes)
        # made once: the name in a path is interned (`edge_agent/heap.py`)
        self._files = (journal, journal.with_name(f"{journal.name}-wal"))
        self._soft_bytes = self._limit()
        self.is_tight = False  # the file system is full
        self.in_reserve = False

    @property
    def limit_bytes(self) -> int:
        """The journal's largest size. From any thread, as the next."""
        return self._soft_bytes

    def _limit(self) -> int:
        own_bytes = self.file_bytes()
        held = sum(each.size for each in (self._ballast, self._reserve) if each.is_there)
        return soft_limit(self._limits, own_bytes, self.disk_free() + held)

    def file_bytes(self) -> int:
        """Of the journal and its write-ahead log."""
        return sum(path.stat().st_size for path in self._files if path.exists())

    def open(self, connection: sqlite3.Connection) -> None:
        """Of a new connection: the limits that hold now."""
        self.is_tight = self.is_tight or self.is_short
        self._apply(connection)  # which makes the files beside it, before the ballast takes room
        if self.is_tight:
            return
        if not self._reserve.make():
            self.in_reserve = True
        if not self._ballast.make():
            self.is_tight = True
        self._apply(connection)

    def disk_free(self) -> int:
        """Bytes that we may still write."""
        found = os.statvfs(self._directory)
        return found.f_bavail * found.f_frsize

    @property
    def is_short(self) -> bool:
        """The file system is as good as full."""
        return self.disk_free() < self._short_bytes

    def usage(self, connection: sqlite3.Connection, receipted: int) -> Usage:
        page_size, pages, free = _pages(connection)
        used = (pages - free) * page_size
        return Usage(used, receipted, self._soft_bytes, self.file_bytes(), self.disk_free())

    def tighten(self, connection: sqlite3.Connection) -> bool:
        """The file system is full: give up the ballast, grow no more. True where that is new."""
        given = self.is_short and self._ballast.release()
        if not given and (self.is_tight or not self.is_short):
            return False
        self.is_tight = True
        self._apply(connection)
        checkpoint(connection)
        return True

    def release_ballast(self) -> None:
        """For a connection that cannot be opened in a full file system."""
        if self.is_short:
            self._ballast.release()

    def is_enough(self, connection: sqlite3.Connection) -> bool:
        """The journal has free pages: deleting more of it helps nobody."""
        page_size, _, free = _pages(connection)
        return free * page_size >= ENOUGH_BYTES

    def open_reserve(self, connection: sqlite3.Connection) -> bool:
        """The last room there is; False where there is none, or it is open already."""
        if self.in_reserve or not self._reserve.size:
            return False
        self._reserve.release()
        self.in_reserve = True
        self._apply(connection)
        return True

    def relax(self, connection: sqlite3.Connection) -> bool:
        """Where there is room again, ballast and reserve are made anew. True where all is well."""
        if self.is_tight and self.disk_free() >= 2 * self._short_bytes + self._ballast.size:
            self.is_tight = not self._ballast.make()
            self._soft_bytes = self._limit()
            self._apply(connection)
        page_size, pages, free = _pages(connection)
        is_roomy = (pages - free) * page_size <= _ROOMY * self._soft_bytes
        needed = 2 * self._short_bytes + self._reserve.size
        if self.in_reserve and is_roomy and not self.is_tight and self.disk_free() >= needed:
            self.in_reserve = not self._reserve.make()
            self._apply(connection)
        return is_roomy and not self.is_tight and not self.in_reserve

    def _apply(self, connection: sqlite3.Connection) -> None:
        page_size, pages, _ = _pages(connection)
        most = pages if self.is_tight else self._soft_bytes // page_size
        if self.in_reserve:
            most = max(most, pages) + self._reserve.size // page_size
        connection.execute(f"PRAGMA max_page_count = {most}")
        interval = TIGHT_PAGES if self.is_tight else self._autocheckpoint_pages
        connection.execute(f"PRAGMA wal_autocheckpoint = {interval}")


def checkpoint(connection: sqlite3.Connection) -> None:
    """Let the write-ahead log begin anew; its file keeps its blocks. What fails is tried again."""
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


def _pages(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Page size, pages, and how many of them are free."""
    names = ("page_size", "page_count", "freelist_count")
    values = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    return (values[0], values[1], values[2])
