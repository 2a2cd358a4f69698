"""Billing leaves into rows: configurations, register maps, intervals with their totals, events.

One batch a transaction, which also moves the cursor. A body that makes no sense becomes an alarm
(one a batch, with how many), and the ledger goes on: the log keeps the leaf as evidence anyway.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from central.ledger.alarms import Alarm, AlarmCode, store_alarms
from central.ledger.batches import Batch
from central.ledger.bodies import (
    event_of,
    interval_of,
    other_of,
    register_map_of,
    run_config_of,
    site_of,
    utc_of,
)
from central.ledger.chain import Closing, law_fault, range_break, total_breaks
from central.ledger.configurations import config_before
from central.store.ledger_tables import (
    configuration,
    event,
    interval,
    interval_total,
    meter_run,
    register_map,
    regulator,
    site,
)
from protocols.evidence.leaf import Kind, Leaf, Origin, encode_leaf
from protocols.metering.interval import IntervalRecord
from protocols.metering.run_config import RunConfig

PENDING: Final = "pending"
AGREES: Final = "agrees"
DIFFERS: Final = "differs"


class _Place(NamedTuple):
    """Where a leaf's rows go."""

    conn: Connection
    origin: Origin
    received_ms: int

    def key(self, leaf: Leaf) -> dict[str, str | int]:
        return {"gateway": self.origin.gateway, "epoch": self.origin.epoch, "seq": leaf.seq}


def apply_billing(conn: Connection, origin: Origin, batch: Batch) -> None:
    """Derive the rows of one billing batch."""
    place = _Place(conn, origin, batch.received_ms)
    malformed: list[Alarm] = []
    for leaf in batch.leaves:
        try:
            alarms = _APPLY[leaf.kind](place, leaf)
        except ValueError as error:
            malformed.append(Alarm(leaf.seq, AlarmCode.MALFORMED, leaf.subject, str(error)))
            continue
        store_alarms(conn, origin, alarms, batch.received_ms)
    if malformed:
        first = malformed[0]
        detail = f"{len(malformed)} of {len(batch.leaves)} leaves; the first: {first.detail}"
        store_alarms(conn, origin, [first._replace(detail=detail)], batch.received_ms)


def _configuration(place: _Place, leaf: Leaf) -> list[Alarm]:
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


def _site(place: _Place, leaf: Leaf) -> None:
    """The latest configuration of the gateway replaces the one before."""
    entry = site_of(leaf)
    gateway = place.origin.gateway
    for table in (site, regulator):
        place.conn.execute(delete(table).where(table.c.gateway == gateway))
    place.conn.execute(insert(site).values(gateway=gateway, **_without_regulators(entry)))
    for one in entry.regulators:
        place.conn.execute(insert(regulator).values(gateway=gateway, **one._asdict()))


def _without_regulators(entry: NamedTuple) -> dict[str, object]:
    return {name: value for name, value in entry._asdict().items() if name != "regulators"}


def _run(place: _Place, config: RunConfig) -> None:
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


def _register_map(place: _Place, leaf: Leaf) -> list[Alarm]:
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


def _event(place: _Place, leaf: Leaf) -> list[Alarm]:
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


def _interval(place: _Place, leaf: Leaf) -> list[Alarm]:
    record = interval_of(leaf)
    config = config_before(place.conn, place.origin, record.config_hash, leaf.seq)
    alarms = []
    if config is None or config.run != record.run:
        config = None
        detail = f"interval names configuration {record.config_hash.hex()[:16]}, which never came"
        alarms.append(Alarm(leaf.seq, AlarmCode.CONFIGURATION_UNKNOWN, record.run, detail))
        _run_without_configuration(place, record.run)
    broken = range_break(_closing(place, record.run), record)
    if broken is not None:
        alarms.append(Alarm(leaf.seq, AlarmCode.CHAIN, record.run, broken.detail))
    alarms += _totals(place, leaf, record, config)
    place.conn.execute(insert(interval).values(**_interval_values(place, leaf, record)))
    return alarms


def _interval_values(place: _Place, leaf: Leaf, record: IntervalRecord) -> dict[str, object]:
    same = (
        "run", "config_hash", "algorithm", "part", "parts", "telemetry_first", "telemetry_end",
        "line_main_cm3", "line_error_cm3", "base_main_cm3", "base_error_cm3",
        "p_dpa", "t_mk", "z_e9", "c_e9", "flow_time_ms", "elapsed_ms",
        "polls", "polls_failed", "flags",
    )  # fmt: skip
    return {
        **place.key(leaf),
        **{name: getattr(record, name) for name in same},
        "start_utc_ms": record.start.utc_ms,
        "end_utc_ms": record.end.utc_ms,
        "recompute": PENDING,
        "received_ms": place.received_ms,
        "leaf": encode_leaf(leaf),
    }


def _totals(
    place: _Place, leaf: Leaf, record: IntervalRecord, config: RunConfig | None
) -> list[Alarm]:
    """Store every total of the record; alarms for broken openings and for a broken law."""
    known = {} if config is None else {total.point: total for total in config.totals}
    breaks = dict(total_breaks(_last_positions(place, record), record.totals))
    faults = [(one.point, one.detail) for one in breaks.values()]
    for position, total in enumerate(record.totals):
        configured = known.get(total.point)
        modulus = configured.modulus if configured else None
        moved = total.end - total.start
        if modulus is not None:
            moved %= modulus
            fault = law_fault(total, moved)
            if fault is not None:
                faults.append((total.point, fault))
        elif config is not None:
            faults.append((total.point, "is no total of the run's configuration"))
        place.conn.execute(
            insert(interval_total).values(
                **place.key(leaf),
                position=position,
                run=record.run,
                point=total.point,
                role=configured.role.value if configured else "",
                segment=total.segment,
                index_start=total.start,
                index_end=total.end,
                moved_counts=moved,
                main_counts=total.main,
                error_counts=total.error,
                quarantined_counts=total.quarantined,
                broken=position in breaks,
            )
        )
    return [
        Alarm(leaf.seq, AlarmCode.CHAIN, f"{record.run}/{point}", detail)
        for point, detail in faults
    ]


def _closing(place: _Place, run: str) -> Closing | None:
    row = place.conn.execute(
        select(*(interval.c[name] for name in Closing._fields))
        .where(
            interval.c.gateway == place.origin.gateway,
            interval.c.epoch == place.origin.epoch,
            interval.c.run == run,
        )
        .order_by(interval.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Closing(*row)


def _last_positions(place: _Place, record: IntervalRecord) -> Mapping[str, tuple[int, int]]:
    """Where each total of the record last stood: (segment, index) by point."""
    found = {}
    for point in {total.point for total in record.totals}:
        row = place.conn.execute(
            select(interval_total.c.segment, interval_total.c.index_end)
            .where(
                interval_total.c.gateway == place.origin.gateway,
                interval_total.c.epoch == place.origin.epoch,
                interval_total.c.run == record.run,
                interval_total.c.point == point,
            )
            .order_by(interval_total.c.seq.desc(), interval_total.c.position.desc())
            .limit(1)
        ).one_or_none()
        if row is not None:
            found[point] = (row.segment, row.index_end)
    return found


def _run_without_configuration(place: _Place, run: str) -> None:
    gateway = place.origin.gateway
    known = select(meter_run.c.run).where(meter_run.c.gateway == gateway, meter_run.c.run == run)
    if place.conn.execute(known).first() is None:
        place.conn.execute(
            insert(meter_run).values(
                gateway=gateway, run=run, config_hash=b"", meter_serial="", method="", qmax_l_h=0
            )
        )


_APPLY: Final[Mapping[Kind, Callable[[_Place, Leaf], list[Alarm]]]] = {
    Kind.CONFIGURATION: _configuration,
    Kind.REGISTER_MAP: _register_map,
    Kind.INTERVAL: _interval,
    Kind.EVENT: _event,
    Kind.CLOCK: _event,
    Kind.KEY: _event,
    Kind.LOSS: _event,
}
