"""Remembered rows and their digests."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edge_agent.journal.memory_rows import COLUMNS, DamagedRow, digest, is_whole, put, take
from edge_agent.journal.schema import migrate


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    migrate(tmp_path / "journal.db")
    return sqlite3.connect(tmp_path / "journal.db")


def test_every_table_has_these_columns(connection: sqlite3.Connection) -> None:
    """A column without digest would be believed whatever becomes of it."""
    for table, columns in COLUMNS.items():
        stored = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        assert stored == {*columns, "digest"}


def test_a_digest_is_of_its_table_and_every_bit() -> None:
    """The same row in another table has another one."""
    row = ("R1", b"\x01\x02")
    assert is_whole("run_state", (*row, digest("run_state", row)))
    assert digest("run_state", row) != digest("regulator_state", row)
    for at in range(16):
        flipped = (3 << 8 | 2) ^ (1 << at)
        changed = ("R1", flipped.to_bytes(2, "big"))
        assert digest("run_state", changed) != digest("run_state", row) or changed == row


def test_put_and_take(connection: sqlite3.Connection) -> None:
    """Replaced by key; truth values are integers; a damaged row is an error with its table."""
    put(connection, "run", [("R1", b"a", True), ("R2", b"b", False)])
    put(connection, "run", [("R1", b"c", False)])
    assert sorted(take(connection, "run")) == [("R1", b"c", 0), ("R2", b"b", 0)]
    connection.execute("UPDATE run SET active = 1 WHERE run = 'R2'")
    with pytest.raises(DamagedRow, match="a row of run is damaged"):
        take(connection, "run")
