"""The append-only log in SQL: what intake reads of it, and the ways it may grow.

Every function is one step inside the caller's transaction.
"""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, insert, select, update

from central.key_spans import load_schedule, newest_epoch
from central.store.log_tables import batch, equivocation, gateway, head
from central.store.proof_tables import batch_frontier
from central.store.registry_tables import hole
from protocols.evidence.adopt import Adopted
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Kind, Leaf, Log, Origin
from protocols.evidence.merkle import Frontier
from protocols.evidence.upload import EMPTY_HEAD, Equivocation, Head, decode_upload

EQUIVOCATION: Final = "equivocation"
LOST_AT_CENTRAL: Final = "lost-at-central"


class Registered(NamedTuple):
    """A gateway of the allow-list; `stopped_reason` is None while it may upload.

    `newest_epoch`: below it nothing is taken; None for a gateway that never uploaded.
    """

    schedule: KeySchedule
    stopped_reason: str | None
    newest_epoch: int | None


class NewBatch(NamedTuple):
    """An accepted upload: its bytes, what it held, and the head before and after it.

    `entry` is what it was judged by. `unsent`: billing and telemetry leaves that the gateway says
    still wait there.
    """

    entry: Registered
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
        select(gateway.c.stopped_reason).where(gateway.c.gateway == gateway_id)
    ).one_or_none()
    schedule = None if row is None else load_schedule(conn, gateway_id)
    if row is None or schedule is None:
        return None
    return Registered(schedule, row.stopped_reason, newest_epoch(conn, schedule))


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
    """The stored checkpoint of just this size, where a batch ended there, or an adopted hole."""
    upload = conn.execute(
        select(batch.c.upload).where(*_is(batch, origin), batch.c.size == size)
    ).scalar_one_or_none()
    if upload is not None:
        return decode_upload(upload).checkpoint
    return conn.execute(
        select(hole.c.checkpoint).where(*_is(hole, origin), hole.c.end == size)
    ).scalar_one_or_none()


def batch_at(conn: Connection, origin: Origin, size: int) -> int | None:
    """When the batch that ends at `size` was received, UTC ms; None where none ends there."""
    return conn.execute(
        select(batch.c.received_ms).where(*_is(batch, origin), batch.c.size == size)
    ).scalar_one_or_none()


def append(conn: Connection, new: NewBatch) -> bool:
    """Append a batch and move the head from `before`; False, with nothing done, if it has moved.

    Also False where the gateway was stopped meanwhile, a key changed, or an epoch began.
    """
    after = Head(new.frontier, new.checkpoint, b"")
    if registered(conn, new.origin.gateway) != new.entry or not _move_head(
        conn, new.origin, new.before, after, new.received_ms
    ):
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
    if new.before.frontier.size:
        before = {"size": new.before.frontier.size, "hashes": new.before.frontier.to_bytes()}
        conn.execute(insert(batch_frontier).values(**_key(new.origin), **before))
    billing, telemetry = new.unsent or (None, None)
    conn.execute(
        update(gateway)
        .where(gateway.c.gateway == new.origin.gateway)
        .values(unsent_billing=billing, unsent_telemetry=telemetry)
    )
    return True


def append_hole(
    conn: Connection, entry: Registered, origin: Origin, adopted: Adopted, at_ms: int
) -> bool:
    """Move the head over leaves that central lost; False, with nothing done, as `append`."""
    before = head_of(conn, origin)
    if (
        registered(conn, origin.gateway) != entry
        or before.frontier.size != adopted.first
        or not _move_head(conn, origin, before, adopted.head, at_ms)
    ):
        return False
    conn.execute(
        insert(hole).values(
            **_key(origin),
            first=adopted.first,
            end=adopted.head.frontier.size,
            why=LOST_AT_CENTRAL,
            checkpoint=adopted.head.checkpoint,
            receipt=adopted.head.receipt,
            at_ms=at_ms,
        )
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


def keep_equivocation(
    conn: Connection, origin: Origin, size: int, proof: Equivocation, at_ms: int
) -> None:
    """Keep both checkpoints; the first proof of a size is the one kept."""
    where = (*_is(equivocation, origin), equivocation.c.size == size)
    if conn.execute(select(equivocation.c.size).where(*where)).first() is None:
        conn.execute(
            insert(equivocation).values(
                **_key(origin), size=size, ours=proof.ours, theirs=proof.theirs, at_ms=at_ms
            )
        )


def stop(conn: Connection, gateway_id: str, reason: str, at_ms: int) -> bool:
    """Take no more uploads of the gateway; False where it was stopped already."""
    stopped = conn.execute(
        update(gateway)
        .where(gateway.c.gateway == gateway_id, gateway.c.stopped_reason.is_(None))
        .values(stopped_ms=at_ms, stopped_reason=reason)
    )
    return stopped.rowcount == 1


def _move_head(conn: Connection, origin: Origin, before: Head, after: Head, at_ms: int) -> bool:
    """Compare-and-set on the head's size."""
    values = {
        "size": after.frontier.size,
        "frontier": after.frontier.to_bytes(),
        "checkpoint": after.checkpoint,
        "receipt": after.receipt or None,
        "received_ms": at_ms,
    }
    if before.frontier.size:
        return (
            conn.execute(
                update(head)
                .where(*_is(head, origin), head.c.size == before.frontier.size)
                .values(**values)
            ).rowcount
            == 1
        )
    if conn.execute(select(head.c.size).where(*_is(head, origin))).first() is not None:
        return False
    conn.execute(insert(head).values(**_key(origin), **values))
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
