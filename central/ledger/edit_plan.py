"""What an edit would change, worked out before anything is booked.

A recalculation makes intervals again from their own scans under a corrected configuration: that of
their newest version, so that corrections add up, or the one that was recorded. Only what central
has recomputed and found to agree is made again: else the difference would not be the correction's.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, select

from central.ledger.batches import BatchReader, DamagedBatch
from central.ledger.bodies import interval_of
from central.ledger.configurations import config_before
from central.ledger.correction import Correction, corrected, parameters_changed
from central.ledger.due import Due
from central.ledger.edits import EditError, NewEdit, config_of, record_of
from central.ledger.intervals import AGREES
from central.ledger.newest import newest_intervals
from central.ledger.periods import begins
from central.ledger.recompute import MAX_LEAVES
from central.ledger.scans import Sources, scans_of
from central.store.database import Store
from central.store.ledger_tables import meter_run
from protocols.evidence.leaf import Log, Origin, decode_leaf, leaf_hash
from protocols.metering.edited import (
    Amounts,
    EditedRecord,
    EditKind,
    NotRecalculated,
    Original,
    changes_between,
    recalculated,
)
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import Flag
from protocols.metering.run import Replay, replay
from protocols.metering.run_config import RunConfig

MAX_INTERVALS: Final = 10_000
"""Of one command: a month of five-minute intervals, about a minute of work."""

_Version = Row[Any]


class Signed(NamedTuple):
    """Who edits, when by central's clock, why, and with what software."""

    who: str
    reason: str
    at_ms: int
    software: bytes


class Range(NamedTuple):
    """The intervals of a run that begin in from_ms <= t < to_ms."""

    gateway: str
    run: str
    from_ms: int
    to_ms: int


class Which(NamedTuple):
    """One interval: that in which an instant lies, or by its leaf's number (and epoch)."""

    gateway: str
    run: str
    at_ms: int | None
    seq: int | None
    epoch: int | None


class Entry(NamedTuple):
    """Figures of `Amounts` by name; with a rule they are an estimate, else a person's."""

    figures: Mapping[str, int]
    rule: str


class Plan(NamedTuple):
    """Edits that can be booked, how many intervals would stay as they are, and what is corrected.

    `parameters`: those of the configurations in force, as `field old -> new`.
    """

    edits: tuple[NewEdit, ...]
    unchanged: int
    parameters: tuple[str, ...] = ()


class _Again(NamedTuple):
    """A replay, which the parts of one gap share."""

    of: tuple[bytes, Any, int]
    made: Replay


def plan_recalculation(
    store: Store, asked: Range, correction: Correction, signed: Signed, *, as_recorded: bool
) -> Plan:
    """Every interval of the range under the corrected configuration. Raises EditError."""
    reader = BatchReader(store)
    configs: dict[bytes, RunConfig] = {}
    edits: list[NewEdit] = []
    parameters: dict[str, None] = {}
    again: _Again | None = None
    with store.engine.connect() as conn:
        rows = _rows_of(conn, asked)
        for row in rows:
            record = interval_of(decode_leaf(row.leaf))
            before = _config(conn, row, record, as_recorded=as_recorded)
            if before.hash() not in configs:
                configs[before.hash()] = corrected(before, correction)
                changed = parameters_changed(before, configs[before.hash()])
                parameters |= dict.fromkeys(changed)
            config = configs[before.hash()]
            of = (config.hash(), record.carry, record.telemetry_end)
            if again is None or again.of != of:
                again = _Again(of, _replay(conn, reader, row, record, config))
            amounts = recalculated(config, record, again.made)
            if isinstance(amounts, NotRecalculated):
                raise EditError(f"{_named(row)}: {amounts}; enter its figures instead")
            if amounts != _amounts(row):
                new = _edit(row, EditKind.RECALCULATED, amounts, config.hash(), signed)
                edits.append(NewEdit(new, _amounts(row), config))
    return Plan(tuple(edits), len(rows) - len(edits), tuple(parameters))


def plan_entry(conn: Connection, which: Which, entry: Entry, signed: Signed) -> Plan:
    """One interval with the figures that are given, and the others as they are. EditError."""
    row = _row_of(conn, which)
    before = _amounts(row)
    amounts = before._replace(**entry.figures)
    kind = EditKind.ENTERED
    if entry.rule:
        kind = EditKind.ESTIMATED
        amounts = amounts._replace(flags=amounts.flags | int(Flag.ESTIMATED))
    if amounts == before:
        return Plan((), 1)
    record = _edit(row, kind, amounts, _config_hash(row), signed, entry.rule)
    return Plan((NewEdit(record, before),), 0)


def _rows_of(conn: Connection, asked: Range) -> list[_Version]:
    """The newest versions of the range's intervals, all of which agree with their scans."""
    newest = newest_intervals()
    _check_closed(conn, asked)
    begin = begins(newest)
    rows = conn.execute(
        select(newest)
        .where(*_of_run(asked), begin >= asked.from_ms, begin < asked.to_ms)
        .order_by(newest.c.epoch, newest.c.seq)
        .limit(MAX_INTERVALS + 1)
    ).all()
    if not rows:
        raise EditError(f"{asked.gateway}/{asked.run}: no interval begins in this range")
    if len(rows) > MAX_INTERVALS:
        raise EditError(f"more than {MAX_INTERVALS} intervals; recalculate less at a time")
    for row in rows:
        if row.recompute != AGREES:
            raise EditError(
                f"{_named(row)}: its recompute is {row.recompute!r}; only intervals that agree"
                " with their scans are recalculated: wait for them, or enter its figures"
            )
    return list(rows)


def _check_closed(conn: Connection, asked: Range) -> None:
    if asked.from_ms >= asked.to_ms:
        raise EditError("--from is not before --to")
    _check_run(conn, asked.gateway, asked.run)
    newest = newest_intervals()
    end_ms = conn.scalar(select(func.max(newest.c.end_utc_ms)).where(*_of_run(asked)))
    if end_ms is None or asked.to_ms > end_ms:
        raise EditError(
            f"--to lies after the last closed interval of {asked.gateway}/{asked.run}: what is"
            " still open cannot be edited"
        )


def _check_run(conn: Connection, gateway: str, run: str) -> None:
    known = select(meter_run.c.run).where(meter_run.c.gateway == gateway, meter_run.c.run == run)
    if conn.execute(known).first() is None:
        raise EditError(f"no meter run {run[:64]!r} of a gateway {gateway[:64]!r}")


def _of_run(asked: Range | Which) -> tuple[ColumnElement[bool], ...]:
    newest = newest_intervals()
    return newest.c.gateway == asked.gateway, newest.c.run == asked.run


def _row_of(conn: Connection, which: Which) -> _Version:
    _check_run(conn, which.gateway, which.run)
    newest = newest_intervals()
    where = [*_of_run(which)]
    if which.at_ms is not None:
        where += [begins(newest) <= which.at_ms, newest.c.end_utc_ms > which.at_ms]
    if which.seq is not None:
        where.append(newest.c.seq == which.seq)
    if which.epoch is not None:
        where.append(newest.c.epoch == which.epoch)
    rows = conn.execute(select(newest).where(*where).limit(2)).all()
    if not rows:
        raise EditError(
            f"{which.gateway}/{which.run} has no closed interval there; see its page or its CSV"
        )
    if len(rows) > 1:
        raise EditError("more than one interval lies there; name it by --seq and --epoch")
    return rows[0]


def _config(
    conn: Connection, row: _Version, record: IntervalRecord, *, as_recorded: bool
) -> RunConfig:
    """What the newest version was made under, or the gateway's own."""
    hash_ = record.config_hash if as_recorded else _config_hash(row)
    origin = Origin(row.gateway, Log.BILLING, row.epoch)
    try:
        found = config_of(conn, row.gateway, hash_) or config_before(conn, origin, hash_, row.seq)
    except ValueError as error:
        raise EditError(f"{_named(row)}: {error}; run edge-central edit check") from None
    if found is None:
        raise EditError(f"{_named(row)}: its configuration {hash_.hex()[:16]} is not known")
    return found


def _config_hash(row: _Version) -> bytes:
    recorded: bytes = row.config_hash
    if row.edit_body is None:
        return recorded
    try:
        return record_of(row.edit_body).config_hash
    except ValueError as error:
        raise EditError(f"{_named(row)}: {error}; run edge-central edit check") from None


def _replay(
    conn: Connection, reader: BatchReader, row: _Version, record: IntervalRecord, config: RunConfig
) -> Replay:
    if record.telemetry_end - record.telemetry_first > MAX_LEAVES:
        raise EditError(f"{_named(row)}: more than {MAX_LEAVES} scans; enter its figures")
    due = Due(Origin(row.gateway, Log.BILLING, row.epoch), row.seq, row.scans_epoch)
    try:
        held = scans_of(Sources(conn, reader, {}), due, record, config)
        if held.missing:
            raise EditError(f"{_named(row)}: {held.missing} scans are lost; enter its figures")
        return replay(config, record.carry, record.telemetry_end, held.scans)
    except (ValueError, ArithmeticError, DamagedBatch) as error:
        raise EditError(f"{_named(row)} cannot be made again: {error}") from None


def _edit(
    row: _Version,
    kind: EditKind,
    amounts: Amounts,
    config_hash: bytes,
    signed: Signed,
    rule: str = "",
) -> EditedRecord:
    return EditedRecord(
        run=row.run,
        original=Original(row.gateway, row.epoch, row.seq, leaf_hash(row.leaf)),
        version=row.version + 1,
        kind=str(kind),
        amounts=amounts,
        changes=changes_between(_amounts(row), amounts),
        config_hash=config_hash,
        software=signed.software,
        rule=rule,
        reason=signed.reason,
        who=signed.who,
        at_ms=signed.at_ms,
    )


def _amounts(row: _Version) -> Amounts:
    return Amounts(*(getattr(row, name) for name in Amounts._fields))


def _named(row: _Version) -> str:
    return f"interval {row.seq} (epoch {row.epoch}) of {row.gateway}/{row.run}"
