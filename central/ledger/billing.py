"""Billing leaves into rows: configurations, register maps, intervals with their totals, events.

One batch a transaction, which also moves the cursor. A body that makes no sense becomes an alarm
and the ledger goes on: the log keeps the leaf as evidence anyway.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from central.ledger.alarms import Alarm, AlarmCode, count_alarms, store_alarms
from central.ledger.archives import apply_archive
from central.ledger.batches import Batch, BatchReader
from central.ledger.bodies import (
    EventEntry,
    event_of,
    key_of,
    other_of,
    register_map_of,
    run_config_of,
    site_of,
    statement_event,
    utc_of,
)
from central.ledger.epochs import apply_epoch, is_of_old_image, old_image_alarm, running_on
from central.ledger.going import Going
from central.ledger.intervals import apply_interval
from central.ledger.losses import apply_loss, store_ranges
from central.ledger.place import Place
from central.ledger.reappended import Again, Taken, other_alarm
from central.ledger.statements import store_statement
from central.ledger.timing import EVENT_SIDE, BootClocks
from central.store.ledger_tables import (
    configuration,
    event,
    meter_run,
    register_map,
    regulator,
    site,
)
from central.store.log_tables import head
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import Kind, Leaf, Origin, encode_leaf
from protocols.evidence.statement import parse_statement
from protocols.metering.instant import Instant
from protocols.metering.run_config import RunConfig

MAX_MALFORMED: Final = 100
"""Alarms of malformed bodies kept of one log, so that nonsense cannot fill the disk."""


def apply_billing(conn: Connection, origin: Origin, batch: Batch, reader: BatchReader) -> None:
    """Derive the rows of one billing batch."""
    place = Place(conn, origin, batch.received_ms)
    going = Going(place, BootClocks(place, running_on(conn, origin.gateway, origin.epoch)))
    taken = Taken(origin)
    store_alarms(conn, origin, store_ranges(conn, origin, batch), batch.received_ms)
    store_alarms(conn, origin, _unopened(conn, origin, batch), batch.received_ms)
    room = MAX_MALFORMED - count_alarms(conn, origin, AlarmCode.MALFORMED)
    for leaf in batch.leaves:
        alarms: list[Alarm] = []
        if leaf.was is not None:
            again = taken.judge(conn, reader, leaf.was)
            if again is Again.HELD:
                continue
            taken.add(leaf.seq, leaf.was)
            if leaf.kind is Kind.INTERVAL and is_of_old_image(conn, leaf, leaf.was):
                store_alarms(conn, origin, [old_image_alarm(leaf)], batch.received_ms)
                continue
            if again is Again.OTHER:
                alarms.append(other_alarm(leaf, leaf.was))
        going.clocks.see(leaf)
        try:
            alarms += _APPLY[leaf.kind](going, leaf)
        except (ValueError, Malformed) as error:
            room -= 1
            if room < 0:
                continue
            detail = f"{error}" if room else f"{error}; further such leaves are not listed"
            alarms.append(Alarm(leaf.seq, AlarmCode.MALFORMED, leaf.subject, detail))
        store_alarms(conn, origin, alarms, batch.received_ms)
    taken.store(conn)
    going.clocks.close()


def _unopened(conn: Connection, origin: Origin, batch: Batch) -> list[Alarm]:
    """An epoch after another one begins with the leaf that says why."""
    if batch.first or not origin.epoch or not batch.leaves:
        return []
    if batch.leaves[0].kind is Kind.EPOCH or batch.leaves[0].seq:
        return []
    earlier = select(head.c.epoch).where(
        head.c.gateway == origin.gateway, head.c.epoch < origin.epoch
    )
    if conn.execute(earlier.limit(1)).first() is None:
        return []
    detail = f"epoch {origin.epoch} does not begin with the leaf that says what it follows"
    return [Alarm(0, AlarmCode.EPOCH, "", detail)]


def _configuration(going: Going, leaf: Leaf) -> list[Alarm]:
    place = going.place
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


def _register_map(going: Going, leaf: Leaf) -> list[Alarm]:
    register_map_of(leaf)
    place = going.place
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


def _event(going: Going, leaf: Leaf) -> list[Alarm]:
    return _store_event(going, leaf, event_of(leaf), [])


def _fact(going: Going, leaf: Leaf) -> list[Alarm]:
    """What the log says of itself: its clock, keys, losses and epochs."""
    match leaf.kind:
        case Kind.LOSS:
            return _store_event(going, leaf, *apply_loss(going.place, leaf))
        case Kind.EPOCH:
            return _store_event(going, leaf, *apply_epoch(going.place, going.clocks, leaf))
        case Kind.KEY:
            return _store_event(going, leaf, key_of(leaf), [])
        case Kind.STATEMENT:
            return _statement(going, leaf)
        case _:
            return _store_event(going, leaf, other_of(leaf), [])


def _statement(going: Going, leaf: Leaf) -> list[Alarm]:
    """An event, and beside it the figures."""
    said = parse_statement(leaf.body)
    store_statement(going.place, leaf, said)
    return _store_event(going, leaf, statement_event(said), [])


def _store_event(going: Going, leaf: Leaf, entry: EventEntry, alarms: list[Alarm]) -> list[Alarm]:
    going.place.conn.execute(
        insert(event).values(
            **going.place.key(leaf),
            utc_ms=utc_of(leaf),
            subject=leaf.subject,
            received_ms=going.place.received_ms,
            **entry._asdict(),
        )
    )
    instant = Instant(leaf.boot_no, leaf.mono_ms, leaf.utc_ms, leaf.clock_state)
    going.clocks.wait(leaf, EVENT_SIDE, instant)
    return alarms


_APPLY: Final[Mapping[Kind, Callable[[Going, Leaf], list[Alarm]]]] = {
    Kind.CONFIGURATION: _configuration,
    Kind.REGISTER_MAP: _register_map,
    Kind.INTERVAL: apply_interval,
    Kind.EVENT: _event,
    Kind.CLOCK: _fact,
    Kind.KEY: _fact,
    Kind.LOSS: _fact,
    Kind.EPOCH: _fact,
    Kind.ARCHIVE: apply_archive,
    Kind.STATEMENT: _fact,
}
