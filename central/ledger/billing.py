"""Billing leaves into rows: configurations, register maps, intervals with their totals, events.

One batch a transaction, which also moves the cursor. A body that makes no sense becomes an alarm
and the ledger goes on: the log keeps the leaf as evidence anyway.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from central.ledger.alarms import Alarm, AlarmCode, count_alarms, store_alarms
from central.ledger.archives import apply_archive
from central.ledger.batches import Batch
from central.ledger.bodies import (
    event_of,
    other_of,
    register_map_of,
    run_config_of,
    site_of,
    utc_of,
)
from central.ledger.intervals import apply_interval
from central.ledger.place import Place
from central.store.ledger_tables import (
    configuration,
    event,
    meter_run,
    register_map,
    regulator,
    site,
)
from protocols.evidence.leaf import Kind, Leaf, Origin, encode_leaf
from protocols.metering.run_config import RunConfig

MAX_MALFORMED: Final = 100
"""Alarms of malformed bodies kept of one log, so that nonsense cannot fill the disk."""


def apply_billing(conn: Connection, origin: Origin, batch: Batch) -> None:
    """Derive the rows of one billing batch."""
    place = Place(conn, origin, batch.received_ms)
    room = MAX_MALFORMED - count_alarms(conn, origin, AlarmCode.MALFORMED)
    for leaf in batch.leaves:
        try:
            alarms = _APPLY[leaf.kind](place, leaf)
        except ValueError as error:
            room -= 1
            if room < 0:
                continue
            detail = f"{error}" if room else f"{error}; further such leaves are not listed"
            alarms = [Alarm(leaf.seq, AlarmCode.MALFORMED, leaf.subject, detail)]
        store_alarms(conn, origin, alarms, batch.received_ms)


def _configuration(place: Place, leaf: Leaf) -> list[Alarm]:
    if leaf.subject == "":
        _site(place, leaf)
    else:
        _run(place, run_config_of(leaf))
    place.conn.execute(
        insert(configuration).values(
            **place.key(leaf),
            run=leaf.subject,
            hash=leaf.reference,
            utc_ms=utc_of(leaf),
            leaf=encode_leaf(leaf),
        )
    )
    return []


def _site(place: Place, leaf: Leaf) -> None:
    """The latest configuration of the gateway replaces the one before."""
    entry = site_of(leaf)
    gateway = place.origin.gateway
    for table in (site, regulator):
        place.conn.execute(delete(table).where(table.c.gateway == gateway))
    place.conn.execute(insert(site), {"gateway": gateway, **_without_regulators(entry)})
    for one in entry.regulators:
        place.conn.execute(insert(regulator), {"gateway": gateway, **one._asdict()})


def _without_regulators(entry: NamedTuple) -> dict[str, object]:
    return {name: value for name, value in entry._asdict().items() if name != "regulators"}


def _run(place: Place, config: RunConfig) -> None:
    values = {
        "config_hash": config.hash(),
        "meter_serial": config.meter_serial,
        "method": config.method,
        "qmax_l_h": config.qmax_l_h,
    }
    gateway = place.origin.gateway
    done = place.conn.execute(
        update(meter_run)
        .where(meter_run.c.gateway == gateway, meter_run.c.run == config.run)
        .values(**values)
    )
    if done.rowcount == 0:
        place.conn.execute(insert(meter_run).values(gateway=gateway, run=config.run, **values))


def _register_map(place: Place, leaf: Leaf) -> list[Alarm]:
    register_map_of(leaf)
    gateway = place.origin.gateway
    known = select(register_map.c.seq).where(
        register_map.c.gateway == gateway, register_map.c.hash == leaf.reference
    )
    if place.conn.execute(known).first() is None:
        place.conn.execute(
            insert(register_map).values(
                **place.key(leaf),
                hash=leaf.reference,
                serial=leaf.subject,
                leaf=encode_leaf(leaf),
            )
        )
    return []


def _event(place: Place, leaf: Leaf) -> list[Alarm]:
    entry = event_of(leaf) if leaf.kind is Kind.EVENT else other_of(leaf)
    place.conn.execute(
        insert(event).values(
            **place.key(leaf),
            utc_ms=utc_of(leaf),
            subject=leaf.subject,
            received_ms=place.received_ms,
            **entry._asdict(),
        )
    )
    return []


_APPLY: Final[Mapping[Kind, Callable[[Place, Leaf], list[Alarm]]]] = {
    Kind.CONFIGURATION: _configuration,
    Kind.REGISTER_MAP: _register_map,
    Kind.INTERVAL: apply_interval,
    Kind.EVENT: _event,
    Kind.CLOCK: _event,
    Kind.KEY: _event,
    Kind.LOSS: _event,
    Kind.ARCHIVE: apply_archive,
}
