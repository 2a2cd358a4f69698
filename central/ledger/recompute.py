"""Every interval is made again from its scans, as soon as they have come, and compared.

A difference is an alarm with both figures. The outcome depends on the logs alone, not on when it is
worked out: configuration and register maps count as they stood before the interval's leaf.
"""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, select, update

from central.ledger.alarms import Alarm, AlarmCode, store_alarms
from central.ledger.batches import BatchReader, DamagedBatch
from central.ledger.bodies import interval_of
from central.ledger.configurations import config_before, configured_between
from central.ledger.due import Due, due_intervals
from central.ledger.intervals import AGREES, DIFFERS, LOST, PENDING
from central.ledger.losses import is_lossy_between
from central.ledger.place import LeafAt
from central.ledger.run_sums import settle_interval
from central.ledger.scans import Sources, scans_of
from central.store.database import Store
from central.store.ledger_tables import interval, interval_total
from central.store.log_tables import batch
from protocols.evidence import cbor
from protocols.evidence.leaf import Log, decode_leaf
from protocols.metering.carry import Carry, parse_carry
from protocols.metering.interval import ALGORITHM, IntervalRecord
from protocols.metering.run import Agrees, Differs, Replay, compare, replay
from protocols.registers.register_map import RegisterMap

MAX_LEAVES: Final = 1 << 24
"""Scans of all devices that one interval may span: half a year of a scan a second."""
_MAX_CARRY_BYTES: Final = 64 * 1024  # 16 positions with names of 255 characters take 17 kB
_MAX_CARRY_ITEMS: Final = 512


class Outcome(NamedTuple):
    """What came of one interval; `difference` is None where it agrees, or cannot be told."""

    difference: str | None
    carry_after: Carry | None = None
    is_lost: bool = False

    @property
    def state(self) -> str:
        """As it is stored."""
        if self.is_lost:
            return LOST
        return AGREES if self.difference is None else DIFFERS


class _Made(NamedTuple):
    """What the scans of the last interval made, or why nothing: the parts of a gap share it.

    Only the part in the next leaf may take it, because nothing came into the log between them.
    """

    due: Due
    of: tuple[bytes, Carry, int]
    again: Replay | str
    missing: int


def recompute_some(store: Store, reader: BatchReader) -> int:
    """Recompute each gateway's oldest intervals whose telemetry has come; how many.

    Raises Interrupted.
    """
    with store.engine.connect() as conn:
        due = due_intervals(conn)
    made: _Made | None = None
    maps: dict[tuple[str, bytes], RegisterMap] = {}
    for one in due:
        with store.engine.connect() as conn:
            row = conn.execute(
                select(
                    interval.c.leaf,
                    interval.c.received_ms,
                    interval.c.before_epoch,
                    interval.c.before_seq,
                ).where(*_is(one))
            ).one()
            record = interval_of(decode_leaf(row.leaf))
            before = _record_before(conn, one, row.before_epoch, row.before_seq)
            repeats = _repeats(one, before, record)
            if repeats is None:
                made = _make(Sources(conn, reader, maps), one, record, made)
                outcome = _compare(conn, one, record, made)
            else:
                outcome = Outcome(repeats)
            at_ms = max(row.received_ms, _telemetry_received_ms(conn, one, record))
            if before is not None and outcome.state == AGREES:
                outcome = _check_opening(conn, one, before, record, outcome)
        with store.writer.begin() as conn:
            _store(conn, one, record.run, outcome, at_ms)
    return len(due)


def _make(sources: Sources, due: Due, record: IntervalRecord, last: _Made | None) -> _Made:
    of = (record.config_hash, record.carry, record.telemetry_end)
    if last is not None and last.of == of and last.due == due._replace(seq=due.seq - 1):
        return last._replace(due=due)
    return _Made(due, of, *_replay(sources, due, record))


def _compare(conn: Connection, due: Due, record: IntervalRecord, made: _Made) -> Outcome:
    """Where scans are missing, only that it agrees can be told, but not what it hands over."""
    if record.algorithm != ALGORITHM:
        return Outcome(f"algorithm: recorded {record.algorithm}, known here {ALGORITHM}")
    if isinstance(made.again, str):
        return Outcome(made.again, is_lost=made.missing > 0 or _is_unexplained(conn, due, record))
    match compare(record, made.again):
        case Agrees(carry):
            return Outcome(None, None if made.missing else carry)
        case Differs(field, recorded, recomputed):
            difference = f"{field}: recorded {recorded!r}, recomputed {recomputed!r}"
            return Outcome(difference, is_lost=made.missing > 0)


def _is_unexplained(conn: Connection, due: Due, record: IntervalRecord) -> bool:
    """Whether its configuration or a register map may be in billing leaves that are lost."""
    at = LeafAt(due.origin.epoch, due.seq)
    return is_lossy_between(conn, due.origin.gateway, None, at)


def _replay(sources: Sources, due: Due, record: IntervalRecord) -> tuple[Replay | str, int]:
    """What the record's scans make again, or why that cannot be told; how many are missing."""
    config = config_before(sources.conn, due.origin, record.config_hash, due.seq)
    if config is None:
        return "configuration: not known", 0
    if record.telemetry_end - record.telemetry_first > MAX_LEAVES:
        return f"telemetry: a range of more than {MAX_LEAVES} scans", 0
    try:
        held = scans_of(sources, due, record, config)
    except (ValueError, DamagedBatch) as error:
        return f"cannot be made again: {error}", 0
    try:
        again = replay(config, record.carry, record.telemetry_end, held.scans)
    except (ValueError, ArithmeticError) as error:
        return f"cannot be made again: {error}", held.missing
    return again, held.missing


class _Before(NamedTuple):
    """The run's previous record; `carry_after` is None where it does not agree itself."""

    at: LeafAt
    scans_epoch: int
    record: IntervalRecord
    carry_after: Carry | None


def _record_before(
    conn: Connection, due: Due, epoch: int | None, seq: int | None
) -> _Before | None:
    if epoch is None or seq is None:
        return None
    row = conn.execute(
        select(interval.c.leaf, interval.c.scans_epoch, interval.c.carry_after).where(
            *_is(due._replace(origin=due.origin._replace(epoch=epoch), seq=seq))
        )
    ).one()
    after = row.carry_after
    carry = None
    if after is not None:
        carry = parse_carry(cbor.decode(after, "carry", _MAX_CARRY_BYTES, _MAX_CARRY_ITEMS))
    return _Before(LeafAt(epoch, seq), row.scans_epoch, interval_of(decode_leaf(row.leaf)), carry)


def _repeats(due: Due, before: _Before | None, record: IntervalRecord) -> str | None:
    """What is wrong with a record of scans that are in the one before it: it is not made again.

    Else a thousand records of one hour, which cost a gateway nothing, would cost central a day.
    """
    if before is None or record.part or before.scans_epoch != due.scans_epoch:
        return None
    end = before.record.telemetry_end
    if record.telemetry_first >= end:
        return None
    return f"telemetry: from scan {record.telemetry_first}, but {end} scans are in records before"


def _check_opening(
    conn: Connection, due: Due, before: _Before, record: IntervalRecord, outcome: Outcome
) -> Outcome:
    """The record must open with what the one before it handed over, or with its parts' own carry.

    A later epoch counts its scans anew, so there all but `next_seq` goes on, and a configuration
    that is only told again begins nothing. Else it is not asked where a configuration came between,
    or where records between the two are lost: there the chain of indexes alone is checked.
    """
    expected = before.record.carry if record.part else before.carry_after
    is_seam = before.scans_epoch != due.scans_epoch
    if expected is not None and is_seam:
        expected = expected._replace(next_seq=record.carry.next_seq)
    if expected is None or expected == record.carry:
        return outcome
    gateway, at = due.origin.gateway, LeafAt(due.origin.epoch, due.seq)
    is_told_again = is_seam and before.record.config_hash == record.config_hash
    if not is_told_again and configured_between(conn, gateway, record.run, before.at, at):
        return outcome
    if is_told_again and _begins_anew(conn, due):
        return outcome
    if is_lossy_between(conn, gateway, before.at, at):
        return outcome
    return Outcome(f"carry: recorded {record.carry!r}, handed over {expected!r}")


def _begins_anew(conn: Connection, due: Due) -> bool:
    """Whether the epoch began otherwise than the one before ended: that is told by the chain."""
    table = interval_total
    where = (
        table.c.gateway == due.origin.gateway,
        table.c.epoch == due.origin.epoch,
        table.c.seq == due.seq,
    )
    rows = conn.execute(select(table.c.since_epoch, table.c.unseen_counts).where(*where))
    return any(row.since_epoch == due.origin.epoch or row.unseen_counts for row in rows)


def _telemetry_received_ms(conn: Connection, due: Due, record: IntervalRecord) -> int:
    """When the last scan of the record came in."""
    row = conn.execute(
        select(batch.c.received_ms, batch.c.size)
        .where(
            batch.c.gateway == due.origin.gateway,
            batch.c.log == Log.TELEMETRY.value,
            batch.c.epoch == due.scans_epoch,
            batch.c.first < record.telemetry_end,
        )
        .order_by(batch.c.first.desc())
        .limit(1)
    ).one_or_none()
    return 0 if row is None or row.size < record.telemetry_end else int(row.received_ms)


def _store(conn: Connection, due: Due, run: str, outcome: Outcome, at_ms: int) -> None:
    carry = outcome.carry_after
    stored = conn.execute(
        update(interval)
        .where(*_is(due), interval.c.recompute == PENDING)
        .values(
            recompute=outcome.state,
            carry_after=None if carry is None else cbor.encode(carry.to_body()),
        )
    )
    if stored.rowcount == 1:
        settle_interval(conn, due.origin.gateway, run, outcome.state)
    if stored.rowcount == 1 and outcome.state == DIFFERS and outcome.difference is not None:
        alarm = Alarm(due.seq, AlarmCode.RECOMPUTE_DIFFERS, run, outcome.difference)
        store_alarms(conn, due.origin, [alarm], at_ms)


def _is(due: Due) -> tuple[ColumnElement[bool], ...]:
    return (
        interval.c.gateway == due.origin.gateway,
        interval.c.epoch == due.origin.epoch,
        interval.c.seq == due.seq,
    )
