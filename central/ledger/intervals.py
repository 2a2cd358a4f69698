"""Interval leaves into rows, with the chain and the first law checked as they come."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import insert, select

from central.ledger.alarms import Alarm, AlarmCode
from central.ledger.bodies import interval_of
from central.ledger.chain import Closing, law_fault, range_break, total_breaks
from central.ledger.configurations import config_before, configured_between
from central.ledger.place import Place
from central.ledger.run_sums import add_interval
from central.store.ledger_tables import interval, interval_total, meter_run
from protocols.evidence.leaf import Leaf, encode_leaf
from protocols.metering.interval import IntervalRecord
from protocols.metering.run_config import RunConfig

PENDING: Final = "pending"
AGREES: Final = "agrees"
DIFFERS: Final = "differs"


def apply_interval(place: Place, leaf: Leaf) -> list[Alarm]:
    record = interval_of(leaf)
    config = config_before(place.conn, place.origin, record.config_hash, leaf.seq)
    alarms = []
    if config is None or config.run != record.run:
        config = None
        detail = f"interval names configuration {record.config_hash.hex()[:16]}, which never came"
        alarms.append(Alarm(leaf.seq, AlarmCode.CONFIGURATION_UNKNOWN, record.run, detail))
        _run_without_configuration(place, record.run)
    before = _closing(place, record.run)
    configured = before is not None and configured_between(
        place.conn, place.origin, record.run, before.seq, leaf.seq
    )
    broken = range_break(before, record, configured=configured)
    if broken is not None:
        alarms.append(Alarm(leaf.seq, AlarmCode.CHAIN, record.run, broken.detail))
    alarms += _totals(place, leaf, record, config)
    place.conn.execute(insert(interval), _interval_values(place, leaf, record))
    add_interval(place.conn, place.origin.gateway, leaf.epoch, record)
    return alarms


def _interval_values(place: Place, leaf: Leaf, record: IntervalRecord) -> dict[str, object]:
    same = (
        "run", "config_hash", "algorithm", "part", "parts", "telemetry_first", "telemetry_end",
        "line_main_cm3", "line_error_cm3", "line_reverse_cm3", "base_main_cm3", "base_error_cm3",
        "p_dpa", "t_mk", "z_e9", "c_e9", "cf_e9", "hs_j_m3", "flow_time_ms", "elapsed_ms",
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
    place: Place, leaf: Leaf, record: IntervalRecord, config: RunConfig | None
) -> list[Alarm]:
    """Store every total of the record; alarms for broken openings and for a broken law."""
    known = {} if config is None else {total.point: total for total in config.totals}
    breaks = dict(total_breaks(_last_positions(place, record), record.totals))
    faults = [(one.point, one.detail) for one in breaks.values()]
    rows = []
    for position, total in enumerate(record.totals):
        configured = known.get(total.point)
        moved = total.end - total.start
        if configured is not None:
            moved = total.moved(configured.modulus)
            fault = law_fault(total, moved)
            if fault is not None:
                faults.append((total.point, fault))
        elif config is not None:
            faults.append((total.point, "is no total of the run's configuration"))
        rows.append(
            {
                **place.key(leaf),
                "position": position,
                "run": record.run,
                "point": total.point,
                "role": configured.role.value if configured else "",
                "segment": total.segment,
                "index_start": total.start,
                "index_end": total.end,
                "moved_counts": moved,
                "main_counts": total.main,
                "error_counts": total.error,
                "quarantined_counts": total.quarantined,
                "reverse_counts": total.reverse,
                "broken": position in breaks,
            }
        )
    if rows:
        place.conn.execute(insert(interval_total), rows)
    return [
        Alarm(leaf.seq, AlarmCode.CHAIN, f"{record.run}/{point}", detail)
        for point, detail in faults
    ]


def _closing(place: Place, run: str) -> Closing | None:
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


def _last_positions(place: Place, record: IntervalRecord) -> Mapping[str, tuple[int, int]]:
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


def _run_without_configuration(place: Place, run: str) -> None:
    gateway = place.origin.gateway
    known = select(meter_run.c.run).where(meter_run.c.gateway == gateway, meter_run.c.run == run)
    if place.conn.execute(known).first() is None:
        place.conn.execute(
            insert(meter_run).values(
                gateway=gateway, run=run, config_hash=b"", meter_serial="", method="", qmax_l_h=0
            )
        )
