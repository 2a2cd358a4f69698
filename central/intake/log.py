"""The append-only log in SQL: what intake reads of it, and the three ways it may grow.

Every function is one step inside the caller's transaction.
"""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, insert, select, update

from central.store.log_tables import batch, equivocation, gateway, head
from protocols.evidence.leaf import Kind, Leaf, Log, Origin
from protocols.evidence.merkle import Frontier
from protocols.evidence.upload import EMPTY_HEAD, Equivocation, Head, decode_upload

EQUIVOCATION: Final = "equivocation"


class Registered(NamedTuple):
    """A gateway of the allow-list; `stopped_reason` is None while it may upload."""

    vkey: str
    stopped_reason: str | None


class NewBatch(NamedTuple):
    """An accepted upload: its bytes, what it held, and the head before and after it.

    `unsent`: billing and telemetry leaves that the gateway says still wait there.
    """

    origin: Origin
    before: Head
    frontier: Frontier
    checkpoint: bytes
    upload: bytes
    leaves: list[Leaf]
    received_ms: int
    unsent: tuple[int, int] | None = None


def registered(conn: Connection, gateway_id: str) -> Registered | None:
    """The gateway's entry in the allow-list, or None."""
    row = conn.execute(
        select(gateway.c.vkey, gateway.c.stopped_reason).where(gateway.c.gateway == gateway_id)
    ).one_or_none()
    return None if row is None else Registered(*row)


def head_of(conn: Connection, origin: Origin) -> Head:
    """The log's head; the empty one for a log that never came. `receipt` is b"" where missing."""
    row = conn.execute(
        select(head.c.size, head.c.frontier, head.c.checkpoint, head.c.receipt).where(
            *_is(head, origin)
        )
    ).one_or_none()
    if row is None:
        return EMPTY_HEAD
    frontier = Frontier.from_bytes(row.size, row.frontier)
    return Head(frontier, row.checkpoint, row.receipt or b"")


def checkpoint_at(conn: Connection, origin: Origin, size: int) -> bytes | None:
    """The stored checkpoint of just this size, where a batch ended there."""
    upload = conn.execute(
        select(batch.c.upload).where(*_is(batch, origin), batch.c.size == size)
    ).scalar_one_or_none()
    return None if upload is None else decode_upload(upload).checkpoint


def append(conn: Connection, new: NewBatch) -> bool:
    """Append a batch and move the head from `before`; False, with nothing done, if it has moved.

    Also False for a gateway that was stopped meanwhile.
    """
    entry = registered(conn, new.origin.gateway)
    if entry is None or entry.stopped_reason is not None or not _move_head(conn, new):
        return False
    utcs = [leaf.utc_ms for leaf in new.leaves if leaf.utc_ms is not None]
    conn.execute(
        insert(batch).values(
            **_key(new.origin),
            first=new.before.frontier.size,
            size=new.frontier.size,
            upload=new.upload,
            upload_bytes=len(new.upload),
            received_ms=new.received_ms,
            readings=_readings(new.leaves),
            utc_min_ms=min(utcs, default=None),
            utc_max_ms=max(utcs, default=None),
        )
    )
    billing, telemetry = new.unsent or (None, None)
    conn.execute(
        update(gateway)
        .where(gateway.c.gateway == new.origin.gateway)
        .values(unsent_billing=billing, unsent_telemetry=telemetry)
    )
    return True


def keep_receipt(conn: Connection, origin: Origin, size: int, receipt: bytes) -> bytes:
    """Store the receipt of the batch that ends at `size`; the first one stored is the one given."""
    at_size = (*_is(batch, origin), batch.c.size == size)
    conn.execute(update(batch).where(*at_size, batch.c.receipt.is_(None)).values(receipt=receipt))
    stored: bytes = conn.execute(select(batch.c.receipt).where(*at_size)).scalar_one()
    conn.execute(update(head).where(*_is(head, origin), head.c.size == size).values(receipt=stored))
    return stored


def without_receipt(conn: Connection) -> list[tuple[Origin, int]]:
    """Batches that were committed but not countersigned: their log and size."""
    rows = conn.execute(
        select(batch.c.gateway, batch.c.log, batch.c.epoch, batch.c.size).where(
            batch.c.receipt.is_(None)
        )
    )
    return [(Origin(row.gateway, Log(row.log), row.epoch), row.size) for row in rows]


def stop(conn: Connection, origin: Origin, size: int, proof: Equivocation, at_ms: int) -> None:
    """Keep both checkpoints and stop the gateway; the first proof of a size is the one kept."""
    where = (*_is(equivocation, origin), equivocation.c.size == size)
    if conn.execute(select(equivocation.c.size).where(*where)).first() is None:
        conn.execute(
            insert(equivocation).values(
                **_key(origin), size=size, ours=proof.ours, theirs=proof.theirs, at_ms=at_ms
            )
        )
    conn.execute(
        update(gateway)
        .where(gateway.c.gateway == origin.gateway, gateway.c.stopped_reason.is_(None))
        .values(stopped_ms=at_ms, stopped_reason=f"{EQUIVOCATION}: {origin} at size {size}")
    )


def _move_head(conn: Connection, new: NewBatch) -> bool:
    """Compare-and-set on the head's size."""
    values = {
        "size": new.frontier.size,
        "frontier": new.frontier.to_bytes(),
        "checkpoint": new.checkpoint,
        "receipt": None,
        "received_ms": new.received_ms,
    }
    if new.before.frontier.size:
        return (
            conn.execute(
                update(head)
                .where(*_is(head, new.origin), head.c.size == new.before.frontier.size)
                .values(**values)
            ).rowcount
            == 1
        )
    if conn.execute(select(head.c.size).where(*_is(head, new.origin))).first() is not None:
        return False
    conn.execute(insert(head).values(**_key(new.origin), **values))
    return True


def _readings(leaves: list[Leaf]) -> int:
    """The values of all scans; a register that gave none does not count."""
    return sum(
        sum(raw is not None for raw in leaf.body) for leaf in leaves if leaf.kind is Kind.SCAN
    )


def _key(origin: Origin) -> dict[str, str | int]:
    return {"gateway": origin.gateway, "log": origin.log.value, "epoch": origin.epoch}


def _is(table: Table, origin: Origin) -> tuple[ColumnElement[bool], ...]:
    return tuple(table.c[name] == value for name, value in _key(origin).items())
