"""How far an opening is, and the leaves that wait for it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edge_agent.journal.memory_rows import DamagedRow
from edge_agent.journal.opening_rows import (
    OldRow,
    Pending,
    Stage,
    forget,
    load_pending,
    next_rows,
    store_pending,
)
from edge_agent.journal.schema import migrate
from protocols.evidence.leaf import Log


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    migrate(tmp_path / "journal.db")
    return sqlite3.connect(tmp_path / "journal.db")


def test_how_far_it_is(connection: sqlite3.Connection) -> None:
    """Stored, replaced, gone; damaged it is not believed."""
    assert load_pending(connection) is None
    for pending in (
        Pending(None, Stage.FILL),
        Pending(7, Stage.REPEAT, {4: 9, 5: 11}, 300),
    ):
        store_pending(connection, pending)
        assert load_pending(connection) == pending
    connection.execute("UPDATE opening SET stage = 'fill'")
    with pytest.raises(DamagedRow):
        load_pending(connection)
    store_pending(connection, None)
    assert load_pending(connection) is None


def test_what_waits_comes_in_order(connection: sqlite3.Connection) -> None:
    """Billing before telemetry, survivors by where they were recorded first, bounded."""
    for log, epoch, seq in (("telemetry", 0, 8), ("billing", 1, 2), ("billing", 0, 9)):
        row = (log, epoch, seq, b"h", b"survivor")
        connection.execute("INSERT INTO survivor VALUES (?, ?, ?, ?, ?)", row)
    connection.execute("INSERT INTO old_billing VALUES (1, x'00', x'01')")
    connection.execute("INSERT INTO old_telemetry VALUES (5, x'00', x'01')")
    found = [row[:3] for row in next_rows(connection, 99, 9999)]
    assert found == [
        (Log.BILLING, 0, 9), (Log.BILLING, 1, 2), (Log.BILLING, None, 1),
        (Log.TELEMETRY, 0, 8), (Log.TELEMETRY, None, 5),
    ]  # fmt: skip
    assert [row[:3] for row in next_rows(connection, 2, 9999)] == found[:2]
    assert [row[:3] for row in next_rows(connection, 99, 9)] == found[:2]
    assert [row[:3] for row in next_rows(connection, 99, 1)] == found[:1]
    forget(connection, [OldRow(*of, b"", b"") for of in found[:3]])
    assert [row[:3] for row in next_rows(connection, 99, 9999)] == found[3:]
