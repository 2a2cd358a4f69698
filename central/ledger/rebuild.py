"""Forget the ledger and derive it from the logs again: it must give the same rows."""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import delete, func, select

from central.ledger.batches import BatchReader
from central.ledger.follow import follow
from central.store.database import Store
from central.store.ledger_tables import LEDGER_TABLES, alarm, cursor, interval


class Rebuilt(NamedTuple):
    """What was derived."""

    leaves: int
    intervals: int
    alarms: int


Progress = Callable[[int], None]


def _quiet(_done: int) -> None:
    """Nobody watches."""


def rebuild(store: Store, progress: Progress = _quiet) -> Rebuilt:
    """Empty the ledger tables and follow all logs to their ends.

    `progress` hears how many batches were read and intervals recomputed so far.
    Interrupted, it is simply behind, and the next `serve` or `rebuild` goes on.
    """
    with store.writer.begin() as conn:
        for table in LEDGER_TABLES:
            conn.execute(delete(table))
    catch_up(store, progress)
    with store.engine.connect() as conn:
        leaves = conn.scalar(select(func.sum(cursor.c.next_seq)))
        intervals = conn.scalar(select(func.count()).select_from(interval))
        alarms = conn.scalar(select(func.count()).select_from(alarm))
    return Rebuilt(leaves or 0, intervals or 0, alarms or 0)


def catch_up(store: Store, progress: Progress = _quiet) -> None:
    """Follow all logs to where they end now, in this thread."""
    reader, done = BatchReader(store), 0
    while step := follow(store, reader):
        done += step
        progress(done)
