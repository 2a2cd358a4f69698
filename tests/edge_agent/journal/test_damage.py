"""Damage, or a disk that fails: SQLite's word alone does not tell them apart."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.journal.damage import is_damage, look_through, stays_damaged
from edge_agent.journal.journal import CommitFailed
from tests.durability.failing_disk import IO_ERROR, FailingDisk
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
        assert look_through(connection) != "ok"
        with pytest.raises(sqlite3.DatabaseError) as caught:
            connection.execute("SELECT * FROM t").fetchall()
    assert is_damage(caught.value)
    assert stays_damaged(caught.value, damaged)


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
    assert not stays_damaged(caught.value, sound)
