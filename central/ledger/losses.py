"""What is not there: leaves that central does not hold, and what LOSS leaves say of them."""

import json
from typing import Final

from sqlalchemy import Connection, and_, insert, or_, select

from central.ledger.alarms import Alarm, AlarmCode
from central.ledger.batches import HASHES_ONLY, Batch
from central.ledger.bodies import EventEntry
from central.ledger.place import LeafAt, Place
from central.store.gap_tables import loss, lost_range
from protocols.evidence.facts import Loss, LossReason, parse_loss
from protocols.evidence.leaf import Leaf, Log, Origin

_WHY: Final = {HASHES_ONLY: "only their hashes came", "lost-at-central": "lost at central"}
CODE: Final = "loss_"
"""Of the events of LOSS leaves, before the reason."""


def store_ranges(conn: Connection, origin: Origin, batch: Batch) -> list[Alarm]:
    """Note what a batch does not hold; an alarm for each range of billing leaves."""
    alarms = []
    for first, end in batch.holes:
        conn.execute(
            insert(lost_range).values(
                gateway=origin.gateway,
                log=origin.log.value,
                epoch=origin.epoch,
                first=first,
                end=end,
                why=batch.why,
                received_ms=batch.received_ms,
            )
        )
        if origin.log is Log.BILLING:
            detail = f"leaves {first} to {end - 1} are not held ({_WHY.get(batch.why, batch.why)});"
            detail += " what they booked is not known, and not made up"
            alarms.append(Alarm(first, AlarmCode.RECORDS_LOST, "", detail))
    return alarms


def apply_loss(place: Place, leaf: Leaf) -> tuple[EventEntry, list[Alarm]]:
    """Raises Malformed where the body makes no sense."""
    told = parse_loss(leaf.body)
    log = "" if told.log is None else told.log.value
    place.conn.execute(
        insert(loss).values(
            **place.key(leaf),
            reason=told.reason.value,
            log=log,
            of_epoch=told.epoch,
            first=told.first,
            end=told.end,
            count=told.count,
            received_ms=place.received_ms,
        )
    )
    entry = EventEntry(CODE + told.reason.value, "null", "null", "", _as_json(told))
    if told.reason is LossReason.UNCLEAN_END:  # a power cut: bounded, and no range is missing
        return entry, []
    return entry, [Alarm(leaf.seq, AlarmCode.DATA_LOST, leaf.subject, _in_words(told))]


def is_lossy_between(conn: Connection, gateway: str, after: LeafAt | None, until: LeafAt) -> bool:
    """Whether billing leaves between two places of the log are not held."""
    table = lost_range
    where = [
        table.c.gateway == gateway,
        table.c.log == Log.BILLING.value,
        or_(
            table.c.epoch < until.epoch,
            and_(table.c.epoch == until.epoch, table.c.first < until.seq),
        ),
    ]
    if after is not None:
        where.append(
            or_(
                table.c.epoch > after.epoch,
                and_(table.c.epoch == after.epoch, table.c.end > after.seq),
            )
        )
    return conn.execute(select(table.c.first).where(*where).limit(1)).first() is not None


def _as_json(told: Loss) -> str:
    """The fields as JSON, for whoever says them in words."""
    return json.dumps(
        {
            "log": None if told.log is None else told.log.value,
            "epoch": told.epoch,
            "first": told.first,
            "end": told.end,
            "count": told.count,
            "since": told.since,
            "until": told.until,
            "detail": told.detail,
        },
        ensure_ascii=False,
    )


def _in_words(told: Loss) -> str:
    what = "" if told.log is None else f"{told.log.value} leaves {told.first} to {told.end - 1}"
    what += f" of epoch {told.epoch}" if told.log is not None else ""
    count = "" if told.count is None else f"{told.count} polls" if not what else ""
    said = "; ".join(part for part in (what, count, told.detail) if part)
    return f"{told.reason.value}: {said}"
