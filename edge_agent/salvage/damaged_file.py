"""Reads a journal that was put aside: what it remembered, where SQLite still finds it, and every
row that any of its pages holds. It is never written.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3  # noqa: TID251  # the journal's shell
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edge_agent.journal.damage import TRIES
from edge_agent.journal.memory_rows import COLUMNS, READ_ERRORS, SELECT, is_whole
from edge_agent.journal.sqlite_pages import Pages, ReadAt, Record, is_torn_inside, wal_frames

_GATEWAY_ON_DISK: Final = (*range(8), 9, 10, 8)  # columns were added behind its digest


class DamagedFile:
    """For one thread; `close` it. Raises OSError where there is no such file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._versions: dict[str, list[tuple[Any, ...]]] | None = None  # one look at all pages
        with contextlib.ExitStack() as stack:
            at, count = _reader(stack, path)
            wal_path = path.with_name(f"{path.name}-wal")
            wal, wal_count = _reader(stack, wal_path) if wal_path.exists() else (_nothing, 0)
            self.pages = Pages(at, count, wal, wal_count)
            self._open = stack.pop_all()

    def close(self) -> None:
        self._open.close()

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Whole rows of what was remembered, as far as SQLite reaches them, without digests."""
        found: list[tuple[Any, ...]] = []
        with contextlib.suppress(*READ_ERRORS), contextlib.closing(self._connect()) as db:
            found.extend(row[:-1] for row in db.execute(SELECT[table]) if is_whole(table, row))
        return found

    def is_intact(self, table: str) -> bool:
        """Whether SQLite reaches all of it, and every row is whole."""
        with contextlib.suppress(*READ_ERRORS), contextlib.closing(self._connect()) as db:
            return all(is_whole(table, row) for row in db.execute(SELECT[table]))
        return False

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """Of tables without digests; empty where SQLite cannot."""
        with contextlib.suppress(*READ_ERRORS), contextlib.closing(self._connect()) as db:
            return db.execute(statement).fetchall()
        return []

    def versions(self, table: str) -> list[tuple[Any, ...]]:
        """Whole rows of any age, of `log` or `gateway`: where SQLite does not reach them."""
        if self._versions is None:
            self._versions = {"log": [], "gateway": []}
            for record in self.records():
                for name, found in self._versions.items():
                    row = _row_of(name, record)
                    if row is not None:
                        found.append(row)
        return self._versions[table]

    def records(self) -> Iterator[Record]:
        """Every row of every table-leaf page, also of pages that are free by now."""
        for page in range(1, self.pages.last + 1):
            yield from self.pages.records(page)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path.absolute().as_uri() + "?mode=ro", uri=True)


def _row_of(table: str, record: Record) -> tuple[Any, ...] | None:
    """The whole row of a table that the record is, without its digest."""
    if len(record) != len(COLUMNS[table]) + 1:
        return None
    row: tuple[Any, ...] = record
    if table == "gateway":  # a page does not hold its id, which is the row's
        row = (1, *(record[at] for at in _GATEWAY_ON_DISK[1:]))
    if any(isinstance(value, float) for value in row) or not is_whole(table, row):
        return None
    return row[:-1]


def log_is_torn(journal: Path) -> bool:
    """Whether the write-ahead log is damaged before its last transaction: SQLite would go back to
    before it, as if nothing had been there."""
    path = journal.with_name(f"{journal.name}-wal")
    if not path.exists():
        return False
    with contextlib.ExitStack() as stack:
        wal, count = _reader(stack, path)
        return is_torn_inside(wal_frames(wal, count)[1])


def _reader(stack: contextlib.ExitStack, path: Path) -> tuple[ReadAt, int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)

    def read(offset: int, count: int) -> bytes:
        for _ in range(TRIES):
            with contextlib.suppress(OSError):
                return os.pread(descriptor, count, offset)
        return b""  # a bad block: what lies in it is lost

    return read, os.fstat(descriptor).st_size


def _nothing(_offset: int, _count: int) -> bytes:
    return b""
