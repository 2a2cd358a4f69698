"""Whether a journal is damaged, or only the disk fails: decided here, by one rule.

    An I/O error is never damage by itself; only content that was read and is wrong is.

SQLite does not tell them apart: a page that the disk did not give (EIO) it calls a malformed image,
or its check says "failed to get page"; a file that could not be opened for writing is "readonly".
So its word is a suspicion. Then the bytes are read without it, each block until the disk gives it,
and SQLite judges them in memory, where no read fails. A block that never comes while others do is a
bad sector: what lies in it is lost, and that is damage. A disk that gives nothing says nothing of
the journal: whoever needs it tries again later.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3  # noqa: TID251  # the journal's shell
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from edge_agent.journal import schema
from edge_agent.journal.memory_rows import READ_ERRORS
from edge_agent.journal.sqlite_pages import ReadAt, wal_frames

TRIES: Final = 48  # for a block: where half of all reads fail, one in 10^14 is taken for lost
MOST_BYTES: Final = 48 * 1024 * 1024
"""Of a journal that is judged in memory, which takes twice as much: with the agent's 55 MB it stays
below the service's MemoryHigh. Of a larger one SQLite's own looks decide, and where
it cannot look, its head."""
LOOKS: Final = 5
_BLOCK: Final = 64 * 1024
_PAGE_SIZE: Final = slice(16, 18)  # of the header, as the two below
_PAGES: Final = slice(28, 32)
_MODES: Final = slice(18, 20)  # of the header: versions for writing and reading; above 2: readonly
_CONTENT: Final = frozenset(
    (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_FORMAT)
)
_SUSPECT: Final = frozenset(
    (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY)
)


class _NotGiven(Exception):  # noqa: N818  # what happened is the name
    """The disk does not give a block; whether it gives another one."""

    def __init__(self, what: str, *, others_come: bool) -> None:
        super().__init__(what)
        self.others_come = others_come


def is_damaged(error: sqlite3.DatabaseError | UnicodeDecodeError, path: Path) -> bool:
    """Whether it says that the journal's file is not what was written.

    A seq that is there already, a text that is none were read: that is wrong content. What may be
    the disk's as well is looked at: `damage_of`.
    """
    if isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error):
        return True
    code: int | None = getattr(error, "sqlite_errorcode", None)  # None: our own misuse
    if code is None:
        return False
    return code & 0xFF in _CONTENT or (code & 0xFF in _SUSPECT and damage_of(path) is not None)


def look_through(connection: sqlite3.Connection, path: Path) -> str:
    """ok, or what is damaged of the file that the connection is to. Raises READ_ERRORS."""
    found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return "ok" if found == "ok" else damage_of(path) or "ok"


def damage_of(path: Path) -> str | None:
    """What is wrong in the journal's file and its log; None: nothing, or the disk does not tell."""
    try:
        size = sum(each.stat().st_size for each in (path, _log_of(path)) if each.exists())
        image = _image(path)
        if size <= MOST_BYTES:
            return _judged(image)
        _read_through(path)
        return _at_each_look(path, image)
    except _NotGiven as error:
        return str(error) if error.others_come else None
    except OSError:
        return None


def _judged(image: bytearray) -> str | None:
    if max(image[_MODES], default=0) > 2:
        return "its header says that a newer SQLite wrote it"
    image[_MODES] = b"\x01\x01"  # in memory there is no write-ahead log
    try:
        with closing(sqlite3.connect(":memory:")) as db:
            db.deserialize(image)
            found: str = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                return found
            is_ours = db.execute("PRAGMA user_version").fetchone()[0] == schema.VERSION
            return schema.damage(db) if is_ours else None
    except READ_ERRORS as error:
        return str(error)


def _at_each_look(path: Path, head: bytearray) -> str | None:
    """What SQLite finds whenever it can look; where it never can, whether `head` keeps it from it.

    None where one look finds nothing, or another thing: then the disk failed.
    """
    found: str | None = None
    for _ in range(LOOKS):
        with (
            contextlib.suppress(*READ_ERRORS),
            closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as db,
        ):
            again: str = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if again == "ok" or found not in (None, again):
                return None
            found = again
    return found or _torn(head)


def _torn(head: bytearray) -> str | None:
    """Why SQLite cannot open a journal that begins so; None where it can. Its tables were made
    first, so the schema is in here."""
    said = int.from_bytes(head[_PAGE_SIZE], "big")
    page_size = said if said > 1 else 65_536  # which is told by 1
    head[_PAGES] = (len(head) // page_size).to_bytes(4, "big")  # all there is, here
    head[_MODES] = b"\x01\x01"
    try:
        with closing(sqlite3.connect(":memory:")) as db:
            db.deserialize(head)
            db.execute("SELECT count(*) FROM sqlite_master")
    except READ_ERRORS as error:
        return str(error)
    return None


def _read_through(path: Path) -> None:
    """The file and its log, block by block, without keeping them. Raises OSError, _NotGiven."""
    for each in (path, _log_of(path)):
        if each.exists():
            with _reader(each) as (read, size):
                for offset in range(0, size, _BLOCK):
                    read(offset, _BLOCK)


def _image(path: Path) -> bytearray:
    """The file as SQLite sees it, with its write-ahead log, as far as MOST_BYTES.

    Raises OSError, _NotGiven.
    """
    image = bytearray()
    with _reader(path) as (read, size):
        for offset in range(0, min(size, MOST_BYTES), _BLOCK):
            image += read(offset, min(_BLOCK, MOST_BYTES - offset))
    if not _log_of(path).exists():
        return image
    with _reader(_log_of(path)) as (read, size):
        page_size, frames = wal_frames(read, size)
        whole = [frame.follows for frame in frames]
        frames = frames[: whole.index(False)] if False in whole else frames
        while frames and not frames[-1].is_commit:
            frames.pop()
        for frame in frames:
            end = frame.page * page_size
            if end > MOST_BYTES:
                continue
            image.extend(bytes(max(0, end - len(image))))
            image[end - page_size : end] = read(frame.offset, page_size)
    return image


@contextlib.contextmanager
def _reader(path: Path) -> Iterator[tuple[ReadAt, int]]:
    descriptor = _opened(path)

    def read(offset: int, count: int) -> bytes:
        found = _given(descriptor, offset, count)
        if found is None:
            others_come = _given(descriptor, 0 if offset else _BLOCK, 1) is not None
            raise _NotGiven(f"{path.name}: byte {offset} is not readable", others_come=others_come)
        return found

    try:
        yield read, os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    """Raises OSError, of the last try."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(OSError):
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _given(descriptor: int, offset: int, count: int) -> bytes | None:
    for _ in range(TRIES):
        with contextlib.suppress(OSError):
            return os.pread(descriptor, count, offset)
    return None


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
