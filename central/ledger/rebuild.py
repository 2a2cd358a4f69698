"""Forget the ledger and derive it from the logs again: it must give the same rows."""

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


def rebuild(store: Store) -> Rebuilt:
    """Empty the ledger tables and follow all logs to their ends.

    Interrupted, it is simply behind, and the next `serve` or `rebuild` goes on.
    """
    with store.writer.begin() as conn:
        for table in LEDGER_TABLES:
            conn.execute(delete(table))
    catch_up(store)
    with store.engine.connect() as conn:
        leaves = conn.scalar(select(func.sum(cursor.c.next_seq)))
        intervals = conn.scalar(select(func.count()).select_from(interval))
        alarms = conn.scalar(select(func.count()).select_from(alarm))
    return Rebuilt(leaves or 0, intervals or 0, alarms or 0)


def catch_up(store: Store) -> None:
    """Follow all logs to where they end now, in this thread."""
    reader = BatchReader(store)
    while follow(store, reader):
        pass
