"""What goes when the disk must give, in this order: receipted telemetry, receipted billing, then
unreceipted telemetry, oldest first. Unreceipted billing never goes.

Unreceipted rows leave their hashes behind (see journal_rows.py), in the transaction that records
the loss. Each step is small, so that its own pages find room in the ballast's place.
"""

from __future__ import annotations

import sqlite3  # noqa: TID251  # the journal's shell
from itertools import islice
from typing import Final

from edge_agent.journal.memory import Gone, RowChange
from edge_agent.journal.rows import MOST_LEAVES, Row, read_holes
from protocols.evidence.leaf import Log
from protocols.evidence.merkle import hole_of

BLOCK: Final = 1024  # leaves: of a whole block one hash is kept
KEPT_ROWS: Final = 512  # the newest unreceipted scans: what happens now is known to the last
LEAST_ROWS: Final = 128  # a LOSS leaf for fewer would cost more than they give
MOST_BATCHES: Final = 8  # a step
_SELECT_ROWS: Final = {
    Log.BILLING: "SELECT seq, hash, leaf FROM billing WHERE seq >= ? ORDER BY seq LIMIT ?",
    Log.TELEMETRY: "SELECT seq, hash, leaf FROM telemetry WHERE seq >= ? ORDER BY seq LIMIT ?",
}
_DELETE_ROWS: Final = {
    Log.BILLING: "DELETE FROM billing WHERE seq >= ? AND seq < ?",
    Log.TELEMETRY: "DELETE FROM telemetry WHERE seq >= ? AND seq < ?",
}
_UPDATE_HASH: Final = {
    Log.BILLING: "UPDATE billing SET hash = ? WHERE seq = ?",
    Log.TELEMETRY: "UPDATE telemetry SET hash = ? WHERE seq = ?",
}
_INSERT_HOLE: Final = 'INSERT INTO hole (log, epoch, first, "end", hashes) VALUES (?, ?, ?, ?, ?)'


def drop_receipted(connection: sqlite3.Connection) -> int:
    """Drop the oldest receipted batches of one log, telemetry while there is any; their bytes.

    0: there are none.
    """
    for log in (Log.TELEMETRY, Log.BILLING):
        rows = connection.execute(
            "SELECT rowid, length(upload) FROM batch WHERE log = ? "
            "ORDER BY receipt_time_s, first LIMIT ?",
            (log.value, MOST_BATCHES),
        ).fetchall()
        connection.executemany("DELETE FROM batch WHERE rowid = ?", [row[:1] for row in rows])
        if rows:
            return sum(size for _, size in rows)
    return 0


def oldest_unreceipted(connection: sqlite3.Connection) -> Gone | None:
    """Telemetry that may go next: at most one block, whole rows only; None where none may.

    It ends before a row that is not what was recorded: that one is damage, not eviction.
    """
    log = Log.TELEMETRY
    found = connection.execute("SELECT epoch, size FROM log WHERE log = ?", (log.value,)).fetchone()
    first = connection.execute("SELECT min(seq) FROM telemetry").fetchone()[0]
    if found is None or first is None:
        return None
    epoch, size = found
    end = min((first // BLOCK + 1) * BLOCK, size - KEPT_ROWS)
    at = first
    for row in connection.execute(_SELECT_ROWS[log], (first, max(0, end - first))):
        if row[0] != at or at >= end or not Row(*row).is_whole:
            break
        at += 1
    return Gone(log, epoch, first, at) if at - first >= LEAST_ROWS else None


def change_rows(connection: sqlite3.Connection, change: RowChange) -> None:
    """Within a transaction."""
    connection.executemany(
        _UPDATE_HASH[change.log], [(digest, seq) for seq, digest in change.hashes]
    )
    for gone in change.gone:
        _make_hole(connection, gone)


def _make_hole(connection: sqlite3.Connection, gone: Gone) -> None:
    """The rows go, their hashes stay."""
    receipted = connection.execute(
        "SELECT receipted_size FROM log WHERE log = ?", (gone.log.value,)
    ).fetchone()[0]
    rows = connection.execute(_SELECT_ROWS[gone.log], (gone.first, gone.size))
    hashes = tuple(hashed for _, hashed, _ in islice(rows, gone.size))
    if gone.first >= receipted + MOST_LEAVES:  # no batch that was ever sent ends within
        hashes = hole_of(gone.first, hashes).hashes
    connection.execute(_DELETE_ROWS[gone.log], (gone.first, gone.end))
    connection.execute(
        _INSERT_HOLE, (gone.log.value, gone.epoch, gone.first, gone.end, b"".join(hashes))
    )


def drop_receipted_holes(connection: sqlite3.Connection, log: Log, epoch: int, size: int) -> None:
    """Within a transaction: what a receipt covers of them goes.

    Raises Malformed where the receipt ends within a subtree, which nobody can have sent.
    """
    for kept in read_holes(connection, log, epoch, 0, size):
        connection.execute(
            "DELETE FROM hole WHERE log = ? AND epoch = ? AND first = ?",
            (log.value, epoch, kept.first),
        )
        if kept.end > size:
            rest = kept.part(size, kept.end)
            connection.execute(
                _INSERT_HOLE, (log.value, epoch, rest.first, rest.end, rest.to_bytes())
            )
