"""Damage, or a disk that fails: SQLite's word alone does not tell them apart."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import tracemalloc
from contextlib import closing, suppress
from pathlib import Path

import pytest

from edge_agent.journal.damage import MOST_BYTES, damage_of, is_damaged, look_through
from edge_agent.journal.journal import (
    FILE_NAME,
    CommitFailed,
    Journal,
    JournalDamaged,
    JournalError,
)
from edge_agent.journal.settling import Retention
from tests.durability.failing_disk import IO_ERROR, READ, FailingDisk
from tests.durability.vfs import watched
from tests.edge_agent.gateway import Polls, config_of, new_journal
from tests.edge_agent.journal.test_journal import first_tick, tick_of
from tests.edge_agent.ledger_law import read_journal

CORRUPT_FS = IO_ERROR | 33 << 8  # EIO of a read, which a statement tells as a malformed image


class OneReadFails(FailingDisk):
    """With what SQLite's unix VFS makes of EIO; the read of that number, and no other call."""

    def __init__(self) -> None:
        super().__init__(random.Random(0))
        self.left = 0

    def read(self, path: str) -> int:
        self.left -= 1
        return CORRUPT_FS if self.left == 0 else 0


def test_a_read_that_fails_in_a_commit_is_tried_again(tmp_path: Path) -> None:
    """Whichever it is: the very same tick is stored by the next try, once."""
    config, failing = config_of(tmp_path), OneReadFails()
    polls, failures = Polls(config), 0
    with watched(config.state_dir, failing):
        journal = new_journal(config)
        tick = first_tick(journal, config, polls)
        journal.commit(tick)
        for number in range(1, 25):
            journal.connection.execute("PRAGMA shrink_memory")  # what is cached is not read
            tick = tick_of(tick.after, polls)
            failing.left = number
            try:
                journal.commit(tick)
            except CommitFailed:
                failures += 1
                journal.commit(tick)
        journal.close()
    assert failures > 3
    assert len(read_journal(journal.path).intervals()) == 8


class ReadsFail(FailingDisk):
    """A fifth of all reads, each with one of the errors that EIO becomes; nothing else."""

    def __init__(self, seed: int) -> None:
        super().__init__(random.Random(seed))
        self.rng = random.Random(seed)
        self.count = 0

    def read(self, path: str) -> int:
        if self.rng.random() >= 0.2:
            return 0
        self.count += 1
        return self.rng.choice((READ, CORRUPT_FS))


@pytest.mark.parametrize(
    "most_bytes",
    [MOST_BYTES, pytest.param(65_536, marks=pytest.mark.long)],
    ids=["small", "large"],
)
def test_a_sound_journal_is_never_damaged_by_reads_that_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_bytes: int
) -> None:
    """Opened and written a hundred times: it opens, takes the tick, or is to be tried again."""
    monkeypatch.setattr("edge_agent.journal.damage.MOST_BYTES", most_bytes)
    config = config_of(tmp_path)
    polls, path = Polls(config), config.state_dir / FILE_NAME
    with closing(new_journal(config)) as journal:
        tick = first_tick(journal, config, polls)
        journal.commit(tick)
        for _ in range(40):
            tick = tick_of(tick.after, polls, 5)
            journal.commit(tick)
    tick = tick_of(tick.after, polls)
    failed = opened = 0
    for seed in range(100):
        failing = ReadsFail(seed)
        with watched(config.state_dir, failing):
            try:
                with closing(Journal(path, Retention(90, 100))) as journal:
                    opened += 1
                    for _ in range(20):
                        with suppress(CommitFailed):
                            journal.commit(tick)
                            tick = tick_of(tick.after, polls)
                            break
            except JournalDamaged as error:
                pytest.fail(f"seed {seed}: {error}")
            except JournalError:
                failed += 1
        assert failing.count
    assert failed > 10
    assert opened > 0
    assert damage_of(path) is None


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A table whose root page is nonsense."""
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.commit()
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\x55" * 4096
    path.write_bytes(data)
    return path


def test_what_is_there_at_each_look_is_damage(damaged: Path) -> None:
    """So it is believed."""
    with closing(sqlite3.connect(damaged)) as connection:
        assert look_through(connection, damaged) != "ok"
        with pytest.raises(sqlite3.DatabaseError) as caught:
            connection.execute("SELECT * FROM t").fetchall()
    assert is_damaged(caught.value, damaged)


def test_what_is_gone_at_the_next_look_is_none(damaged: Path, tmp_path: Path) -> None:
    """The error was of the disk."""
    with (
        closing(sqlite3.connect(damaged)) as connection,
        pytest.raises(sqlite3.DatabaseError) as caught,
    ):
        connection.execute("SELECT * FROM t").fetchall()
    sound = tmp_path / "sound.db"
    with closing(sqlite3.connect(sound)) as connection:
        connection.execute("CREATE TABLE t (x)")
    assert not is_damaged(caught.value, sound)


def readonly() -> sqlite3.DatabaseError:
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorcode = sqlite3.SQLITE_READONLY
    return error


def test_readonly_is_damage_where_the_header_makes_it_so(tmp_path: Path) -> None:
    """Else the file could not be opened for writing, which says nothing of what is in it."""
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    assert not is_damaged(readonly(), path)
    data = bytearray(path.read_bytes())
    data[18] = 3
    path.write_bytes(data)
    assert is_damaged(readonly(), path)


@pytest.mark.parametrize("most_bytes", [MOST_BYTES, 8192], ids=["small", "large"])
@pytest.mark.parametrize(("dead_from", "is_wrong"), [(1, True), (0, False)])
def test_a_bad_sector_is_damage_and_a_dead_disk_tells_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dead_from: int,
    is_wrong: bool,
    most_bytes: int,
) -> None:
    """A block that never comes while the first one does, or none at all."""
    monkeypatch.setattr("edge_agent.journal.damage.MOST_BYTES", most_bytes)
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (zeroblob(200000))")
        connection.commit()
    given = os.pread

    def pread(descriptor: int, count: int, offset: int) -> bytes:
        if offset >= dead_from:
            raise OSError(errno.EIO, "Input/output error")
        return given(descriptor, count, offset)

    monkeypatch.setattr(os, "pread", pread)
    assert (damage_of(path) is not None) is is_wrong


@pytest.mark.parametrize("most_bytes", [MOST_BYTES, 8192], ids=["small", "large"])
@pytest.mark.parametrize(
    ("place", "nonsense"), [(0, bytes(64)), (4000, b"\x55" * 90)], ids=["header", "schema"]
)
def test_what_keeps_sqlite_from_opening_it_is_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, nonsense: bytes, most_bytes: int
) -> None:
    """Of a journal of any size: else the agent could not begin until somebody came."""
    monkeypatch.setattr("edge_agent.journal.damage.MOST_BYTES", most_bytes)
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a_name_of_a_column, another_one, and_a_third_one)")
        connection.execute("INSERT INTO t VALUES (zeroblob(200000), 1, 2)")
        connection.commit()
    data = bytearray(path.read_bytes())
    data[place : place + len(nonsense)] = nonsense
    path.write_bytes(data)
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.DatabaseError) as caught,
    ):
        connection.execute("SELECT * FROM t").fetchall()
    assert is_damaged(caught.value, path)


def test_a_journal_is_judged_within_twice_its_size(tmp_path: Path) -> None:
    """Once as it was read, once as SQLite holds it, which is not seen here: the service's memory
    has a limit."""
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (zeroblob(8000000))")
        connection.commit()
    tracemalloc.start()
    try:
        assert damage_of(path) is None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * path.stat().st_size
