"""The journal's file opened to read beside whoever writes it, or where nobody does.

While the agent runs, SQLite's own locks do it, also for a reader who may write neither the file nor
beside it: `-wal` and `-shm` are there, and he may read them. Where no agent runs they are gone, and
SQLite would want to make them: whoever may not is told by us that the file is at rest. He has no
lock then, so that it still is the same file at rest is looked at after each reading.
"""

from __future__ import annotations

import os
import sqlite3  # noqa: TID251  # the journal's shell
import time
from pathlib import Path
from typing import Final

from edge_agent.journal.journal import BUSY_TIMEOUT_MS, CACHE_KB

_OPENINGS: Final = 10
_PAUSE_S: Final = 0.05
Rest = tuple[int, int, int]


class Beside:
    """For one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None  # which one is open
        self._rest: Rest | None = None  # what it was, where nobody wrote then
        self.connection: sqlite3.Connection

    def follow(self) -> None:
        """Open the file that has the name now: a damaged one is put aside while we run.

        Raises sqlite3.Error, OSError.
        """
        found = os.stat(self._path)
        is_open = self._file == (found.st_dev, found.st_ino)
        if is_open and self.is_as_it_was():
            return
        if self._file is not None:
            self.connection.close()
        self._file = None
        for attempt in range(_OPENINGS):
            self._rest = _rest_of(self._path)
            try:
                self.connection = _opened(self._path, at_rest=self._rest is not None)
                break
            except sqlite3.OperationalError as error:
                if attempt == _OPENINGS - 1 or not is_changing(error):
                    raise
                time.sleep(_PAUSE_S)
        self._file = (found.st_dev, found.st_ino)

    def close(self) -> None:
        self.connection.close()

    def is_as_it_was(self) -> bool:
        """False: it was opened at rest, and somebody writes it now or has written it since."""
        return self._file is None or self._rest is None or self._rest == _rest_of(self._path)


def _opened(path: Path, *, at_rest: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path.absolute().as_uri() + ("?immutable=1" if at_rest else "?mode=ro"),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        connection.execute("PRAGMA user_version").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _rest_of(path: Path) -> Rest | None:
    """What is to stay so while it is read; None where somebody writes, or where SQLite may make the
    file beside it that it needs for a lock.
    """
    try:
        if path.with_name(f"{path.name}-wal").exists() or os.access(path.parent, os.W_OK):
            return None
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def is_changing(error: Exception) -> bool:
    """An agent that ends or begins at this moment takes away or makes the files beside it, or makes
    good what a kill left; a reader who may not do that himself waits for it.
    """
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
