"""Rows that have a receipt become their sealed batch; batches go when they are old or too many."""

from __future__ import annotations

import sqlite3  # noqa: TID251  # the journal's shell
from typing import Final, NamedTuple

from edge_agent.journal.eviction import drop_receipted_holes
from edge_agent.journal.memory import LOGS, Settled
from protocols.evidence.leaf import Log

MAX_PRUNED: Final = 64  # batches a tick: a shorter retention must not stop the clockwork
_DAY_S: Final = 86_400
_DELETE_LEAVES: Final = {
    Log.BILLING: "DELETE FROM billing WHERE seq < ?",
    Log.TELEMETRY: "DELETE FROM telemetry WHERE seq < ?",
}


class Retention(NamedTuple):
    """How long and how much of the receipted batches stays.

    Age by central's clock, which signed it.
    """

    days: int = 90
    megabytes: int = 512


def newest_receipt_s(connection: sqlite3.Connection) -> int:
    """Of the batches that are held, by central's clock, UTC s; 0 where there is none."""
    query = "SELECT max(receipt_time_s) FROM batch WHERE log = ?"  # by its index
    found = (connection.execute(query, (log.value,)).fetchone()[0] for log in LOGS)
    return max(time_s or 0 for time_s in found)


def settle(connection: sqlite3.Connection, batch: Settled) -> int:
    """Rows become their sealed batch; bytes added.

    Nothing to do where an earlier try did it.
    """
    log = batch.log.value
    epoch, size, receipted = connection.execute(
        "SELECT epoch, size, receipted_size FROM log WHERE log = ?", (log,)
    ).fetchone()
    if epoch != batch.epoch or receipted != batch.before.size or batch.after.size > size:
        return 0
    connection.execute(
        "INSERT INTO batch (log, epoch, first, size, receipt_time_s, frontier, checkpoint, "
        "receipt, upload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(log, epoch, receipted, batch.after.size, batch.receipt_time_s),
            *(batch.before.to_bytes(), batch.checkpoint, batch.receipt, batch.upload),
        ),
    )
    connection.execute(_DELETE_LEAVES[batch.log], (batch.after.size,))
    drop_receipted_holes(connection, batch.log, epoch, batch.after.size)
    connection.execute(
        "UPDATE log SET receipted_size = ?, receipted_frontier = ?, checkpoint = ?, "
        "receipt = ? WHERE log = ?",
        (batch.after.size, batch.after.to_bytes(), batch.checkpoint, batch.receipt, log),
    )
    return len(batch.upload)


def prune(
    connection: sqlite3.Connection, retention: Retention, newest_s: int, sealed_bytes: int
) -> int:
    """Drop the batches that are too old, then the oldest that are too much; bytes dropped."""
    dropped = 0
    oldest_s = newest_s - retention.days * _DAY_S
    for log in reversed(LOGS):  # telemetry goes before billing
        rows = connection.execute(
            "SELECT rowid, receipt_time_s, length(upload) FROM batch WHERE log = ? "
            "ORDER BY receipt_time_s, first LIMIT ?",
            (log.value, MAX_PRUNED),
        ).fetchall()
        for rowid, time_s, size in rows:
            too_much = sealed_bytes - dropped > retention.megabytes * 1_000_000
            if time_s < oldest_s or too_much:
                connection.execute("DELETE FROM batch WHERE rowid = ?", (rowid,))
                dropped += size
    return dropped
