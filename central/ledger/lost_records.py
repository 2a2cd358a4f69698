"""What is known of a run's records that are lost: its own counters go on over them.

A record carries the run's counters before it. Where records before it are missing, the difference
to those after the last one that is held is what the missing ones booked: told, never booked here.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from central.ledger.alarms import Alarm, AlarmCode
from central.ledger.bodies import interval_of
from central.ledger.configurations import config_before
from central.ledger.place import LeafAt, Place
from central.store.ledger_tables import interval
from protocols.evidence.leaf import Leaf, decode_leaf
from protocols.metering.carry import Counters
from protocols.metering.interval import IntervalRecord
from protocols.metering.run_config import RunConfig


def counted_meanwhile(
    place: Place, record: IntervalRecord, leaf: Leaf, after: LeafAt
) -> list[Alarm]:
    """An alarm with what the records between two places booked; none where nothing did.

    All parts of a gap carry the counters before its first: only whole records are compared.
    """
    before = interval_of(decode_leaf(_row(place, after).leaf))
    if before.parts > 1 or record.part > 0:
        return []
    closed = Counters(
        *(
            was + getattr(before, f"{name}_cm3")
            for name, was in before.carry.counters._asdict().items()
        )
    )
    moved = Counters(*(now - was for was, now in zip(closed, record.carry.counters, strict=True)))
    if not any(moved):
        return []
    told = ", ".join(
        f"{name.replace('_', ' ')} {Decimal(counted).scaleb(-6):f} m3"
        for name, counted in moved._asdict().items()
        if counted
    )
    detail = f"by the run's own counters the lost records booked {told}; no sum holds it"
    return [Alarm(leaf.seq, AlarmCode.RECORDS_LOST, record.run, detail)]


def same_meter(place: Place, config: RunConfig | None, after: LeafAt | None) -> bool:
    """Whether the record at that place was of the same meter; False also where nobody knows."""
    if config is None or after is None:
        return False
    hash_ = _row(place, after).config_hash
    origin = place.origin._replace(epoch=after.epoch)
    before = config_before(place.conn, origin, hash_, after.seq)
    return before is not None and before.meter_serial == config.meter_serial


def _row(place: Place, at: LeafAt) -> Any:
    return place.conn.execute(
        select(interval.c.leaf, interval.c.config_hash).where(
            interval.c.gateway == place.origin.gateway,
            interval.c.epoch == at.epoch,
            interval.c.seq == at.seq,
        )
    ).one()
