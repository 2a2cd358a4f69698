"""Interval leaves into rows, with the chain and the first law checked as they come."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import insert, select

from central.ledger.alarms import Alarm, AlarmCode
from central.ledger.bodies import interval_of
from central.ledger.chain import (
    Closing,
    Joint,
    Opening,
    Stood,
    law_fault,
    openings,
    range_break,
)
from central.ledger.configurations import config_before, configured_between
from central.ledger.going import Going
from central.ledger.losses import is_lossy_between
from central.ledger.lost_records import counted_meanwhile, same_meter
from central.ledger.place import LeafAt, Place
from central.ledger.run_sums import add_interval, sum_of
from central.ledger.timing import END_SIDE, START_SIDE
from central.store.ledger_tables import interval, interval_total, meter_run
from protocols.evidence.leaf import Leaf, encode_leaf
from protocols.metering.interval import IntervalRecord
from protocols.metering.run_config import RunConfig

PENDING: Final = "pending"
AGREES: Final = "agrees"
DIFFERS: Final = "differs"
LOST: Final = "lost"
"""Not every scan of it is held, and what is held does not make it: it cannot be made again."""


class _Coming(NamedTuple):
    """A record on its way in, the run's one before it, and how its totals open."""

    leaf: Leaf
    record: IntervalRecord
    config: RunConfig | None
    before: Closing | None
    opened: list[Opening]

    @property
    def scans_epoch(self) -> int:
        return scans_epoch_of(self.leaf)


def scans_epoch_of(leaf: Leaf) -> int:
    """The epoch that numbers the telemetry which the body of a billing leaf names."""
    return leaf.epoch if leaf.was is None else leaf.was.epoch


def apply_interval(going: Going, leaf: Leaf) -> list[Alarm]:
    place = going.place
    record = interval_of(leaf)
    config = config_before(place.conn, place.origin, record.config_hash, leaf.seq)
    alarms = []
    if config is None or config.run != record.run:
        config = None
        detail = f"interval names configuration {record.config_hash.hex()[:16]}, which never came"
        alarms.append(Alarm(leaf.seq, AlarmCode.CONFIGURATION_UNKNOWN, record.run, detail))
        _run_without_configuration(place, record.run)
    summed = sum_of(place.conn, place.origin.gateway, record.run)
    last_epoch = leaf.epoch if summed is None else summed.last_epoch
    before = None if summed is None else _closing(place, record.run, last_epoch)
    stood = _last_positions(place, record, last_epoch)
    coming = _Coming(leaf, record, config, before, [])
    opened, joined = _joined(place, coming, stood)
    coming = coming._replace(opened=opened)
    alarms += joined
    alarms += _totals(place, coming)
    place.conn.execute(insert(interval), _interval_values(place, coming))
    add_interval(place.conn, place.origin.gateway, leaf.epoch, record, summed)
    going.clocks.wait(leaf, START_SIDE, record.start)
    going.clocks.wait(leaf, END_SIDE, record.end)
    return alarms


def _joined(
    place: Place, coming: _Coming, stood: Mapping[str, Stood]
) -> tuple[list[Opening], list[Alarm]]:
    """How the record follows the one before it; why not, is looked for only where it does not."""
    leaf, record, before = coming.leaf, coming.record, coming.before
    at = LeafAt(leaf.epoch, leaf.seq)
    after = None if before is None else LeafAt(before.epoch, before.seq)
    moduli = (
        {} if coming.config is None else {one.point: one.modulus for one in coming.config.totals}
    )
    joint = Joint(
        leaf.epoch,
        is_seam=before is not None
        and (before.epoch, before.scans_epoch) != (leaf.epoch, coming.scans_epoch),
        is_configured=after is not None
        and configured_between(place.conn, place.origin.gateway, record.run, after, at),
    )
    broken = range_break(before, record, coming.scans_epoch, joint)
    opened = openings(stood, record.totals, joint, moduli.get)
    if broken is None and all(one.fault is None for one in opened):
        return opened, []
    joint = joint._replace(
        is_lossy=is_lossy_between(place.conn, place.origin.gateway, after, at),
        same_meter=same_meter(place, coming.config, after),
    )
    broken = range_break(before, record, coming.scans_epoch, joint)
    opened = openings(stood, record.totals, joint, moduli.get)
    alarms = []
    if broken is not None:
        alarms.append(Alarm(leaf.seq, AlarmCode.CHAIN, record.run, broken.detail))
    if joint.is_lossy and after is not None:
        alarms += counted_meanwhile(place, record, leaf, after)
    for total, one in zip(record.totals, opened, strict=True):
        if one.fault is not None:
            code = AlarmCode.EPOCH_SEAM if joint.is_seam else AlarmCode.RECORDS_LOST
            code = AlarmCode.CHAIN if one.is_broken else code
            alarms.append(Alarm(leaf.seq, code, f"{record.run}/{total.point}", one.fault))
    return opened, alarms


def _interval_values(place: Place, coming: _Coming) -> dict[str, object]:
    leaf, record, before = coming.leaf, coming.record, coming.before
    same = (
        "run", "config_hash", "algorithm", "part", "parts", "telemetry_first", "telemetry_end",
        "line_main_cm3", "line_error_cm3", "line_reverse_cm3", "base_main_cm3", "base_error_cm3",
        "p_dpa", "t_mk", "z_e9", "c_e9", "cf_e9", "hs_j_m3", "flow_time_ms", "elapsed_ms",
        "polls", "polls_failed", "flags",
    )  # fmt: skip
    return {
        **place.key(leaf),
        **{name: getattr(record, name) for name in same},
        "scans_epoch": coming.scans_epoch,
        "before_epoch": None if before is None else before.epoch,
        "before_seq": None if before is None else before.seq,
        "start_utc_ms": record.start.utc_ms,
        "end_utc_ms": record.end.utc_ms,
        "recompute": PENDING,
        "received_ms": place.received_ms,
        "leaf": encode_leaf(leaf),
    }


def _totals(place: Place, coming: _Coming) -> list[Alarm]:
    """Store every total of the record; alarms where its own law is broken."""
    leaf, record, config = coming.leaf, coming.record, coming.config
    known = {} if config is None else {total.point: total for total in config.totals}
    faults = []
    rows = []
    for position, (total, opening) in enumerate(zip(record.totals, coming.opened, strict=True)):
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
                "broken": opening.is_broken,
                "since_epoch": opening.since_epoch,
                "unbooked_counts": opening.unbooked_counts,
                "unseen_counts": opening.unseen_counts,
            }
        )
    if rows:
        place.conn.execute(insert(interval_total), rows)
    return [
        Alarm(leaf.seq, AlarmCode.CHAIN, f"{record.run}/{point}", detail)
        for point, detail in faults
    ]


def _closing(place: Place, run: str, epoch: int) -> Closing | None:
    row = place.conn.execute(
        select(*(interval.c[name] for name in Closing._fields))
        .where(
            interval.c.gateway == place.origin.gateway,
            interval.c.epoch == epoch,
            interval.c.run == run,
        )
        .order_by(interval.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Closing(*row)


def _last_positions(place: Place, record: IntervalRecord, epoch: int) -> Mapping[str, Stood]:
    """Where each total of the record last stood in the epoch of the run's newest record."""
    found = {}
    table = interval_total
    for point in {total.point for total in record.totals}:
        row = place.conn.execute(
            select(table.c.segment, table.c.index_end, table.c.since_epoch)
            .where(
                table.c.gateway == place.origin.gateway,
                table.c.epoch == epoch,
                table.c.run == record.run,
                table.c.point == point,
            )
            .order_by(table.c.seq.desc(), table.c.position.desc())
            .limit(1)
        ).one_or_none()
        if row is not None:
            found[point] = Stood(*row)
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
