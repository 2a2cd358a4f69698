"""Every interval is made again from its scans, as soon as they have come, and compared.

A difference is an alarm with both figures. The outcome depends on the logs alone, not on when it is
worked out: configuration and register maps count as they stood before the interval's leaf.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, select, update

from central.ledger.alarms import Alarm, AlarmCode, store_alarms
from central.ledger.batches import BatchReader, DamagedBatch
from central.ledger.bodies import interval_of
from central.ledger.configurations import config_before, configured_between, map_before
from central.ledger.intervals import AGREES, DIFFERS, PENDING
from central.ledger.run_sums import settle_interval
from central.ledger.telemetry import scan_of
from central.store.database import Store
from central.store.ledger_tables import cursor, interval
from central.store.log_tables import batch
from protocols.evidence import cbor
from protocols.evidence.leaf import Kind, Log, Origin, decode_leaf
from protocols.metering.carry import Carry, parse_carry
from protocols.metering.interval import ALGORITHM, IntervalRecord
from protocols.metering.run import Agrees, Differs, Replay, compare, replay
from protocols.metering.run_config import RunConfig
from protocols.metering.scan import Scan
from protocols.registers.register_map import RegisterMap

MAX_LEAVES: Final = 1 << 24
"""Scans of all devices that one interval may span: half a year of a scan a second."""
MAX_SCANS: Final = 300_000
"""Scans of the run's own devices in one interval, which are held in memory for a recompute: ten
days without an answer of the meter while both transmitters go on each 6 s."""
AT_ONCE: Final = 64
"""Intervals of one gateway in one turn: then new batches are looked at, and all others served."""
SCANS_AT_ONCE: Final = 20_000
"""Scans of all devices in their ranges: two or three seconds of a core, by the slowest method."""
_MAX_CARRY_BYTES: Final = 64 * 1024  # 16 positions with names of 255 characters take 17 kB
_MAX_CARRY_ITEMS: Final = 512


class Outcome(NamedTuple):
    """What came of one interval; `difference` is None where it agrees."""

    difference: str | None
    carry_after: Carry | None = None


class Due(NamedTuple):
    """An interval whose telemetry has come."""

    origin: Origin
    seq: int


class _Made(NamedTuple):
    """What the scans of the last interval made, or why nothing: the parts of a gap share it.

    Only the part in the next leaf may take it, because nothing came into the log between them.
    """

    due: Due
    of: tuple[bytes, Carry, int]
    again: Replay | str


def recompute_some(store: Store, reader: BatchReader) -> int:
    """Recompute each gateway's oldest intervals whose telemetry has come; how many.

    Raises Interrupted.
    """
    with store.engine.connect() as conn:
        due = _due(conn)
    made: _Made | None = None
    for one in due:
        with store.engine.connect() as conn:
            leaf, received_ms = conn.execute(
                select(interval.c.leaf, interval.c.received_ms).where(*_is(one))
            ).one()
            record = interval_of(decode_leaf(leaf))
            before = _record_before(conn, one, record.run)
            repeats = _repeats(before, record)
            if repeats is None:
                made = _make(conn, reader, one, record, made)
                outcome = _compare(record, made)
            else:
                outcome = Outcome(repeats)
            at_ms = max(received_ms, _telemetry_received_ms(conn, one, record))
            configured = before is not None and configured_between(
                conn, one.origin, record.run, before.seq, one.seq
            )
        if before is not None and outcome.difference is None and not configured:
            outcome = _check_opening(before, record, outcome)
        with store.writer.begin() as conn:
            _store(conn, one, record.run, outcome, at_ms)
    return len(due)


def _due(conn: Connection) -> list[Due]:
    """The oldest of every gateway: whoever makes central work for hours holds up himself alone."""
    rows = conn.execute(
        select(cursor.c.gateway, cursor.c.epoch, cursor.c.next_seq)
        .where(
            cursor.c.log == Log.TELEMETRY.value,
            exists().where(
                interval.c.gateway == cursor.c.gateway,
                interval.c.epoch == cursor.c.epoch,
                interval.c.recompute == PENDING,
                interval.c.telemetry_end <= cursor.c.next_seq,
            ),
        )
        .order_by(cursor.c.gateway, cursor.c.epoch.desc())
    )
    oldest = {row.gateway: row for row in rows}  # the lowest epoch comes last
    return [
        one
        for row in oldest.values()
        for one in _due_of(conn, Origin(row.gateway, Log.BILLING, row.epoch), row.next_seq)
    ]


def _due_of(conn: Connection, origin: Origin, received: int) -> list[Due]:
    """At least one interval, and no more when their scans pass SCANS_AT_ONCE."""
    query = (
        select(interval.c.seq, interval.c.telemetry_first, interval.c.telemetry_end)
        .where(
            interval.c.gateway == origin.gateway,
            interval.c.epoch == origin.epoch,
            interval.c.recompute == PENDING,
            interval.c.telemetry_end <= received,
        )
        .order_by(interval.c.seq)
        .limit(AT_ONCE)
    )
    due: list[Due] = []
    scans, last = 0, (0, 0)
    for seq, first, end in conn.execute(query):
        if (first, end) != last:  # parts of a gap are made again together
            scans, last = scans + end - first, (first, end)
        if due and scans > SCANS_AT_ONCE:
            break
        due.append(Due(origin, seq))
    return due


def _make(
    conn: Connection, reader: BatchReader, due: Due, record: IntervalRecord, last: _Made | None
) -> _Made:
    of = (record.config_hash, record.carry, record.telemetry_end)
    if last is not None and last.of == of and last.due == due._replace(seq=due.seq - 1):
        return last._replace(due=due)
    return _Made(due, of, _replay(conn, reader, due, record))


def _compare(record: IntervalRecord, made: _Made) -> Outcome:
    if record.algorithm != ALGORITHM:
        return Outcome(f"algorithm: recorded {record.algorithm}, known here {ALGORITHM}")
    if isinstance(made.again, str):
        return Outcome(made.again)
    match compare(record, made.again):
        case Agrees(carry):
            return Outcome(None, carry)
        case Differs(field, recorded, recomputed):
            return Outcome(f"{field}: recorded {recorded!r}, recomputed {recomputed!r}")


def _replay(
    conn: Connection, reader: BatchReader, due: Due, record: IntervalRecord
) -> Replay | str:
    """What the record's scans make again, or why that cannot be told."""
    config = config_before(conn, due.origin, record.config_hash, due.seq)
    if config is None:
        return "configuration: not known"
    if record.telemetry_end - record.telemetry_first > MAX_LEAVES:
        return f"telemetry: a range of more than {MAX_LEAVES} scans"
    maps: dict[bytes, RegisterMap | None] = {}
    scans = scans_of(conn, reader, due, record, config, maps)
    try:
        return replay(config, record.carry, record.telemetry_end, scans)
    except (ValueError, ArithmeticError, DamagedBatch) as error:
        return f"cannot be made again: {error}"


def scans_of(
    conn: Connection,
    reader: BatchReader,
    due: Due,
    record: IntervalRecord,
    config: RunConfig,
    maps: dict[bytes, RegisterMap | None],
) -> Iterator[Scan]:
    """The scans of the run's devices in the record's range. ValueError where one has no map."""
    serials, points = config.serials, config.points
    telemetry = due.origin._replace(log=Log.TELEMETRY)
    scans = 0
    for leaf in reader.leaves(telemetry, record.telemetry_first, record.telemetry_end):
        if leaf.subject not in serials or leaf.kind is not Kind.SCAN:
            continue
        if leaf.reference not in maps:
            maps[leaf.reference] = map_before(conn, due.origin, leaf.reference, due.seq)
        register_map = maps[leaf.reference]
        if register_map is None:
            raise ValueError(f"register map {leaf.reference.hex()[:16]} is not known")
        scans += 1
        if scans > MAX_SCANS:
            raise ValueError(f"more than {MAX_SCANS} scans of the run's devices")
        scan = scan_of(leaf, register_map)
        # all other points would only take memory
        yield scan._replace(values={k: v for k, v in scan.values.items() if k in points})


class _Before(NamedTuple):
    """The run's previous record; `carry_after` is None where it does not agree itself."""

    seq: int
    record: IntervalRecord
    carry_after: Carry | None


def _record_before(conn: Connection, due: Due, run: str) -> _Before | None:
    row = conn.execute(
        select(interval.c.seq, interval.c.leaf, interval.c.carry_after)
        .where(
            interval.c.gateway == due.origin.gateway,
            interval.c.epoch == due.origin.epoch,
            interval.c.run == run,
            interval.c.seq < due.seq,
        )
        .order_by(interval.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    after = row.carry_after
    carry = None
    if after is not None:
        carry = parse_carry(cbor.decode(after, "carry", _MAX_CARRY_BYTES, _MAX_CARRY_ITEMS))
    return _Before(row.seq, interval_of(decode_leaf(row.leaf)), carry)


def _repeats(before: _Before | None, record: IntervalRecord) -> str | None:
    """What is wrong with a record of scans that are in the one before it: it is not made again.

    Else a thousand records of one hour, which cost a gateway nothing, would cost central a day.
    """
    if before is None or record.part or record.telemetry_first >= before.record.telemetry_end:
        return None
    end = before.record.telemetry_end
    return f"telemetry: from scan {record.telemetry_first}, but {end} scans are in records before"


def _check_opening(before: _Before, record: IntervalRecord, outcome: Outcome) -> Outcome:
    """The record must open with what the one before it handed over, or with its parts' own carry.

    Not asked where a configuration came between: there the chain of indexes alone is checked.
    """
    expected = before.record.carry if record.part else before.carry_after
    if expected is None or expected == record.carry:
        return outcome
    return Outcome(f"carry: recorded {record.carry!r}, handed over {expected!r}")


def _telemetry_received_ms(conn: Connection, due: Due, record: IntervalRecord) -> int:
    """When the last scan of the record came in."""
    at_ms = conn.execute(
        select(batch.c.received_ms).where(
            batch.c.gateway == due.origin.gateway,
            batch.c.log == Log.TELEMETRY.value,
            batch.c.epoch == due.origin.epoch,
            batch.c.first < record.telemetry_end,
            batch.c.size >= record.telemetry_end,
        )
    ).scalar_one_or_none()
    return 0 if at_ms is None else at_ms


def _store(conn: Connection, due: Due, run: str, outcome: Outcome, at_ms: int) -> None:
    carry = outcome.carry_after
    stored = conn.execute(
        update(interval)
        .where(*_is(due), interval.c.recompute == PENDING)
        .values(
            recompute=AGREES if outcome.difference is None else DIFFERS,
            carry_after=None if carry is None else cbor.encode(carry.to_body()),
        )
    )
    if stored.rowcount == 1:
        settle_interval(conn, due.origin.gateway, run, agrees=outcome.difference is None)
    if stored.rowcount == 1 and outcome.difference is not None:
        alarm = Alarm(due.seq, AlarmCode.RECOMPUTE_DIFFERS, run, outcome.difference)
        store_alarms(conn, due.origin, [alarm], at_ms)


def _is(due: Due) -> tuple[ColumnElement[bool], ...]:
    return (
        interval.c.gateway == due.origin.gateway,
        interval.c.epoch == due.origin.epoch,
        interval.c.seq == due.seq,
    )
