"""What SQLite's errors say of a file: that it is not what was written, or that the disk fails.

SQLite tells a page that the disk did not give (EIO) as damage: as SQLITE_CORRUPT in a statement,
and as a line of its own check. So such damage is believed when it is still there at another look: a
disk that fails now and then gives the page the next time.
"""

from __future__ import annotations

import re
import sqlite3  # noqa: TID251  # the journal's shell
from contextlib import closing
from pathlib import Path
from typing import Final

from edge_agent.journal.memory_rows import READ_ERRORS

LOOKS: Final = 5
_UNREADABLE: Final = re.compile(r"unable to get the page\. error code=(\d+)")
_DAMAGE: Final = frozenset(
    (
        *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR),
        *(sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_FORMAT),
    )
)


def is_damage(error: sqlite3.DatabaseError | UnicodeDecodeError) -> bool:
    """Whether it says that the file is not what was written, rather than that the disk is full or
    fails. A missing column, a seq that is there already, a name that is no text say so too."""
    if isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error):
        return True
    code: int | None = getattr(error, "sqlite_errorcode", None)  # None: our own misuse
    return code is not None and (code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_READONLY)


def look_through(connection: sqlite3.Connection) -> str:
    """ok, or what the check finds at all of its looks. Raises READ_ERRORS.

    A page that the disk does not give is damage if it is the same one each time.
    """
    damage: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    for _ in range(LOOKS - 1):
        code = _UNREADABLE.search(damage)
        if code is None or int(code[1]) & 0xFF != sqlite3.SQLITE_IOERR:
            return damage
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != damage:
            return "ok"
    return damage


def stays_damaged(error: sqlite3.DatabaseError | UnicodeDecodeError, path: Path) -> bool:
    """Whether it is damage, and is there at a look of its own too, where that can tell."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if not is_damage(error) or code & 0xFF != sqlite3.SQLITE_CORRUPT:
        return is_damage(error)
    for _ in range(LOOKS):
        try:
            # beside the writing connection, and never writing
            with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as other:
                return look_through(other) != "ok"
        except READ_ERRORS as again:
            found = is_damage(again)
    return found
