"""The journal: one SQLite file, WAL, synchronous=FULL, and exactly one connection that writes or
checkpoints.

Leaves, frontiers and pipeline states of a tick are one transaction: a kill at any line leaves the
state that belongs to the leaves. Nothing without a receipt is deleted; what has one becomes its
sealed batch, in one transaction too.
"""

from __future__ import annotations

import contextlib
import sqlite3  # noqa: TID251  # the journal's shell
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from edge_agent.journal import schema
from edge_agent.journal.damage import is_damaged, look_through
from edge_agent.journal.eviction import drop_receipted
from edge_agent.journal.memory import LOGS, Memory, Settled, Tick
from edge_agent.journal.memory_rows import READ_ERRORS, DamagedRow, renew_log_digests
from edge_agent.journal.memory_store import OtherGateway, load_heads, load_memory, store_memory
from edge_agent.journal.settling import Retention, prune, settle
from edge_agent.journal.sharing import follow_directory
from edge_agent.journal.space import NO_RESERVE, Limits, Space
from edge_agent.keys.keys import sync_directory
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import Log

T = TypeVar("T")
FILE_NAME: Final = "journal.db"
MOST_CORRUPT: Final = 8  # a disk that fails now and then gives a page the next time
BUSY_TIMEOUT_MS: Final = 5_000
AUTOCHECKPOINT_PAGES: Final = 8000
WAL_LIMIT_BYTES: Final = 16 * 1024 * 1024
CACHE_KB: Final = 256  # of each connection; SQLite's own 2000 write no less, and stay for good
_INSERT_LEAF: Final = {
    Log.BILLING: "INSERT INTO billing (seq, hash, leaf) VALUES (?, ?, ?)",
    Log.TELEMETRY: "INSERT INTO telemetry (seq, hash, leaf) VALUES (?, ?, ?)",
}


class JournalError(Exception):
    """The journal cannot be used; says what, where and the remedy."""


class ForeignJournal(JournalError):  # noqa: N818  # what was found is the name
    """It is another gateway's."""


class JournalDamaged(JournalError):  # noqa: N818  # what was found is the name
    """The file does not give what was stored in it: it is to be put aside and salvaged. `damage`
    says in short what was found."""

    def __init__(self, message: str, damage: str = "") -> None:
        super().__init__(message)
        self.damage = damage or message


class CommitFailed(Exception):  # noqa: N818  # what happened is the name
    """The transaction did not come through, nothing has moved.

    The very same tick may be tried again.
    """


class DiskFull(CommitFailed):
    """There was no room for it: nothing is in doubt, and another tick may come first."""


def is_full(error: sqlite3.DatabaseError | UnicodeDecodeError) -> bool:
    """The journal's limit, or its file system's, is reached."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_FULL


class Journal:
    """The writing side. For one thread at a time; the recorder's, once it runs."""

    def __init__(
        self,
        path: Path,
        retention: Retention,
        autocheckpoint_pages: int = AUTOCHECKPOINT_PAGES,
        limits: Limits = NO_RESERVE,
    ) -> None:
        """Open and check. Raises JournalError."""
        self.path = path
        self._retention = retention
        self._space = Space(path, limits, autocheckpoint_pages)
        self._in_doubt = False  # an I/O error: what reached the disk is not known
        self._corrupt = 0  # tries in a row that SQLite calls malformed
        self.sealed_bytes = 0
        self.connection = self._connect()
        try:
            self._check()
        except BaseException:
            self.connection.close()
            raise
        sync_directory(path.parent)

    def close(self) -> None:
        self.connection.close()

    def begin_anew(self) -> None:
        """Open the file that was made in place of the one before. Raises JournalError."""
        self.connection.close()
        self._in_doubt = False
        self._corrupt = 0
        self.connection = self._connect()
        self._check()

    def load(
        self,
        gateway: str,
        boot_id: str,
        mono_ms: int,
        new_epoch: Callable[[], int] = lambda: 0,
    ) -> Memory:
        """What the last commit stored, with the number of this boot.

        Raises JournalError; JournalDamaged for what is not as it was stored.
        """
        try:
            return load_memory(self.connection, gateway, boot_id, mono_ms, new_epoch)
        except OtherGateway as error:
            raise ForeignJournal(
                f"{self.path}: {error}; use the state directory of gateway {gateway!r}"
            ) from error
        except (EvidenceError, ValueError, *READ_ERRORS) as error:
            if isinstance(error, sqlite3.DatabaseError) and not is_damaged(error, self.path):
                raise JournalError(
                    f"{self.path} cannot be read: {error}; look at the disk"
                ) from error
            raise self._damaged(str(error)) from error

    def look(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """What `read` finds. Raises JournalDamaged, or CommitFailed: try again."""
        try:
            return read(self.connection)
        except sqlite3.ProgrammingError:
            raise  # a bug, not the disk
        except READ_ERRORS as error:
            if self._is_damaged(error):
                raise self._damaged(str(error)) from error
            raise CommitFailed(f"{self.path}: {error}") from error
        except (DamagedRow, EvidenceError) as error:
            raise self._damaged(str(error)) from error

    def commit(
        self,
        tick: Tick,
        settled: tuple[Settled, ...] = (),
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        """All of it or nothing, `also` before the tick. Raises CommitFailed; only the same tick may
        then be tried next. After its kind DiskFull nothing is in doubt: another may come first.

        Raises JournalDamaged where the file is not as it was stored: then nothing more goes in.
        """
        if self._in_doubt and self._is_stored(tick) and tick.leaves:
            return  # without a leaf nobody can tell: then it is done again, which changes nothing
        sealed_bytes = self.sealed_bytes
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            if also is not None:
                also(self.connection)
            self._store_leaves(tick)
            store_memory(self.connection, tick)
            for batch in settled:
                sealed_bytes += settle(self.connection, batch)
            if settled:
                newest_s = max(batch.receipt_time_s for batch in settled)
                kept = (self._retention, newest_s, sealed_bytes)
                sealed_bytes -= prune(self.connection, *kept)
            renew_log_digests(self.connection)
            self.connection.execute("COMMIT")
            self._corrupt = 0
        except sqlite3.ProgrammingError:
            raise  # a bug, not the disk
        except READ_ERRORS as error:
            self._give_up(error)
            if self._is_damaged(error):
                raise self._damaged(str(error)) from error
            kind = CommitFailed if self._in_doubt or not is_full(error) else DiskFull
            raise kind(f"{self.path}: {error}") from error
        except DamagedRow as error:
            self._roll_back()
            raise self._damaged(str(error)) from error
        self.sealed_bytes = sealed_bytes

    @property
    def space(self) -> Space:
        """What the journal may take of the disk, for whoever makes room."""
        return self._space

    def drop_receipted(self) -> bool:
        """Some of the oldest receipted batches go; False where there are none, or no room to.

        Raises JournalDamaged.
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            dropped = drop_receipted(self.connection)
            self.connection.execute("COMMIT")
        except READ_ERRORS as error:
            self._give_up(error)
            if self._is_damaged(error):
                raise self._damaged(str(error)) from error
            return False
        self.sealed_bytes -= dropped
        return dropped > 0

    def _is_damaged(self, error: sqlite3.DatabaseError | UnicodeDecodeError) -> bool:
        """At a second look, or because it comes again and again: no check looks at free pages."""
        corrupt = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT
        self._corrupt = self._corrupt + 1 if corrupt else 0  # another error: the disk's
        return self._corrupt >= MOST_CORRUPT or is_damaged(error, self.path)

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        follow_directory(self.path)  # before SQLite makes files beside it, with its mode
        try:
            # one thread at a time: the main thread opens, the recorder's goes on
            connection = sqlite3.connect(
                self.path.absolute().as_uri() + "?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            for pragma in (
                f"busy_timeout = {BUSY_TIMEOUT_MS}",
                "synchronous = FULL",
                "secure_delete = OFF",  # Debian's default writes zeros over all that goes
                f"journal_size_limit = {WAL_LIMIT_BYTES}",
                f"cache_size = -{CACHE_KB}",
            ):
                connection.execute(f"PRAGMA {pragma}")
            self._space.open(connection)
        except READ_ERRORS as error:
            damaged = is_damaged(error, self.path)
            if connection is not None:
                connection.close()
            if damaged:
                raise self._damaged(str(error)) from error
            raise JournalError(
                f"{self.path} cannot be opened: {error}; check the path and its owner, "
                "or make it with edge-agent migrate"
            ) from error
        return connection

    def _check(self) -> None:
        try:
            version = self.connection.execute("PRAGMA user_version").fetchone()[0]
            mode = self.connection.execute("PRAGMA journal_mode").fetchone()[0]
            damage = look_through(self.connection, self.path)
            if damage == "ok" and version == schema.VERSION:
                damage = schema.damage(self.connection) or "ok"
            if damage == "ok" and version == schema.VERSION:
                self.sealed_bytes = self._count_sealed_bytes()
        except READ_ERRORS as error:
            if not is_damaged(error, self.path):
                raise JournalError(
                    f"{self.path} cannot be read: {error}; look at the disk"
                ) from error
            damage, version, mode = str(error), schema.VERSION, "wal"
        if mode != "wal" and version == schema.VERSION:
            damage = f"its mode is {mode}"  # no program sets another one
        if damage != "ok":
            raise self._damaged(damage)
        if version != schema.VERSION:
            raise JournalError(
                f"{self.path} has schema {version}, this program needs {schema.VERSION}; run "
                "edge-agent migrate, of the newer of two programs"
            )

    def _damaged(self, damage: str) -> JournalDamaged:
        told = " ".join(damage.split())
        return JournalDamaged(
            f"{self.path} is damaged ({told}); keep it with its -wal file: edge-agent run puts it "
            "aside, and reads out of it what can be read",
            told,
        )

    def _count_sealed_bytes(self) -> int:
        """Raises READ_ERRORS."""
        sizes = self.connection.execute("SELECT coalesce(sum(length(upload)), 0) FROM batch")
        return int(sizes.fetchone()[0])

    def _is_stored(self, tick: Tick) -> bool:
        """After an I/O error: close, reopen, compare the head.

        A failed commit may have come through. A tick without leaves moves no head, so nothing tells
        whether its receipts and states did: it is stored again, which changes nothing if they did.
        """
        self.connection.close()
        self._space.release_ballast()
        try:
            self.connection = self._connect()
            stored = bool(tick.leaves) and load_heads(self.connection) == tick.after.heads
            self.sealed_bytes = self._count_sealed_bytes()
        except JournalDamaged:
            raise
        except DamagedRow as error:
            raise self._damaged(str(error)) from error
        except (JournalError, *READ_ERRORS) as error:
            if not isinstance(error, JournalError) and is_damaged(error, self.path):
                raise self._damaged(str(error)) from error
            raise CommitFailed(f"{self.path}: {error}") from error
        self._in_doubt = False
        return stored

    def _give_up(self, error: sqlite3.DatabaseError | UnicodeDecodeError) -> None:
        code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        self._in_doubt = code & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)
        self._roll_back()

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.DatabaseError):  # SQLite may have rolled back already
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def _store_leaves(self, tick: Tick) -> None:
        for log in LOGS:
            leaves = [(leaf.seq, leaf.hash, leaf.data) for leaf in tick.leaves if leaf.log is log]
            self.connection.executemany(_INSERT_LEAF[log], leaves)
