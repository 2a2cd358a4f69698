"""Stored batches as rows, for whoever hands them on: the upload's bytes and its receipt."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from central.store.database import Store
from central.store.log_tables import batch
from protocols.evidence.leaf import Origin

_COLUMNS: Final = (batch.c.first, batch.c.size, batch.c.upload, batch.c.receipt)


class StoredBatch(NamedTuple):
    """One stored batch; ``receipt`` is b"" in the moment before it is countersigned."""

    first: int
    size: int
    upload: bytes
    receipt: bytes


def batch_at(conn: Connection, origin: Origin, seq: int) -> StoredBatch | None:
    """The batch that holds a leaf; None where there is none."""
    row = conn.execute(
        select(*_COLUMNS)
        .where(
            batch.c.gateway == origin.gateway,
            batch.c.log == origin.log.value,
            batch.c.epoch == origin.epoch,
            batch.c.first <= seq,
        )
        .order_by(batch.c.first.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None or row.size <= seq else _stored(row)


def batches_between(store: Store, origin: Origin, first: int, end: int) -> Iterator[StoredBatch]:
    """The batches that begin in ``first`` .. ``end`` - 1, in order, one in memory at a time.

    Each in a transaction of its own: one over all of them would keep the WAL from being emptied.
    """
    at = first
    while at < end:
        with store.engine.connect() as conn:
            row = conn.execute(
                select(*_COLUMNS)
                .where(
                    batch.c.gateway == origin.gateway,
                    batch.c.log == origin.log.value,
                    batch.c.epoch == origin.epoch,
                    batch.c.first >= at,
                    batch.c.first < end,
                )
                .order_by(batch.c.first)
                .limit(1)
            ).one_or_none()
        if row is None:
            return
        yield _stored(row)
        at = row.size


def _stored(row: Any) -> StoredBatch:
    return StoredBatch(row.first, row.size, row.upload, row.receipt or b"")
