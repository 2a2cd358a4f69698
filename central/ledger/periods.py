"""Hours and gas days of a run: its newest intervals by the rule that the gateway sums by.

Which interval belongs to a period is `period_slice.begin_of`; `begins` is the same in SQL.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from central.ledger.bodies import interval_of
from central.ledger.configurations import parsed_config
from central.ledger.newest import newest_intervals
from central.store.ledger_tables import configuration, interval, interval_total, run_sum
from protocols.evidence.leaf import decode_leaf
from protocols.metering.carry import Counters
from protocols.metering.interval import TotalRecord
from protocols.metering.period import Period, PeriodRecord, period_of
from protocols.metering.period_slice import SAME_FIELDS, Slice, begin_of, covered_to
from protocols.metering.run_config import Role, RunConfig

AROUND_MS: Final = 4 * 3_600_000  # before the first period: what still covers its beginning
MAX_INTERVALS: Final = 50_000
_TOTAL: Final = (
    "point", "segment", "index_start", "index_end", "main_counts", "error_counts",
    "quarantined_counts", "reverse_counts",
)  # fmt: skip


class TooManyIntervals(Exception):  # noqa: N818  # what was found is the name
    """More than one answer may be made of."""


class Periods(NamedTuple):
    """Records of periods in the order asked for; how many intervals of each were edited.

    `configs` are those in force, by hash.
    """

    records: list[PeriodRecord]
    edited: list[int]
    configs: dict[bytes, RunConfig]


class RunExtras(NamedTuple):
    """What a run's page tells beside its volumes: of all of it, and of its newest interval.

    `hs_j_m3` is 0 and `cf_e9` 10^9 where there is nothing to tell; `base` in 0.1 Pa and mK.
    """

    line_reverse_cm3: int
    hs_j_m3: int
    combustion: str
    cf_e9: int
    base: tuple[int, int] | None


def begins(table: Any) -> ColumnElement[int | None]:
    """`begin_of` of the rows of `interval`, or of `newest_intervals`."""
    return func.coalesce(table.c.start_utc_ms, table.c.end_utc_ms - table.c.elapsed_ms)


def periods(conn: Connection, gateway: str, run: str, tiles: Sequence[Period]) -> Periods:
    """Their records; the first begins first. Raises TooManyIntervals."""
    start_ms, end_ms = tiles[0].start_ms, max(tile.end_ms for tile in tiles)
    rows = _rows(conn, gateway, run, start_ms - AROUND_MS, end_ms)
    totals = _line_totals(conn, gateway, run, [(row.epoch, row.seq) for row in rows])
    slices = [_slice(row, totals.get((row.epoch, row.seq), ())) for row in rows]
    newest_ms = conn.scalar(
        select(func.max(interval.c.end_utc_ms)).where(*_of(interval, gateway, run))
    )
    records, edited = [], []
    for tile in tiles:
        inside = [
            row
            for row, one in zip(rows, slices, strict=True)
            if tile.start_ms <= one.begin_ms < tile.end_ms
        ]
        record = period_of(run, tile, slices, newest_ms)
        if inside:
            record = replace(
                record,
                opening=_counters(conn, inside[0], after=False),
                closing=_counters(conn, inside[-1], after=True),
            )
        records.append(record)
        edited.append(sum(row.version > 1 for row in inside))
    return Periods(records, edited, _configs(conn, gateway, records))


def run_extras(conn: Connection, gateway: str, run: str) -> RunExtras:
    """Of one run; of a run without an interval nothing."""
    reverse = conn.scalar(select(run_sum.c.line_reverse_cm3).where(*_of(run_sum, gateway, run)))
    newest = newest_intervals()
    row = conn.execute(
        select(newest.c.hs_j_m3, newest.c.cf_e9, newest.c.config_hash)
        .where(*_of(newest, gateway, run))
        .order_by(newest.c.epoch.desc(), newest.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return RunExtras(int(reverse or 0), 0, "", 10**9, None)
    config = _known(conn, gateway, {row.config_hash}).get(row.config_hash)
    base = (config.base_pressure_dpa, config.base_temperature_mk) if config else None
    combustion = config.gas.combustion if config else ""
    return RunExtras(int(reverse or 0), row.hs_j_m3, combustion, row.cf_e9, base)


def _of(table: Any, gateway: str, run: str) -> tuple[ColumnElement[bool], ...]:
    return (table.c.gateway == gateway, table.c.run == run)


def _rows(conn: Connection, gateway: str, run: str, from_ms: int, to_ms: int) -> Sequence[Any]:
    """The run's newest intervals that begin in from..to, in the order of its log."""
    newest = newest_intervals()
    begin = begins(newest)
    names = (
        "gateway",
        "epoch",
        "seq",
        "version",
        "leaf",
        "start_utc_ms",
        "end_utc_ms",
        *SAME_FIELDS,
    )
    rows = conn.execute(
        select(*(newest.c[name] for name in names))
        .where(*_of(newest, gateway, run), begin >= from_ms, begin < to_ms)
        .order_by(newest.c.epoch, newest.c.seq)
        .limit(MAX_INTERVALS + 1)
    ).all()
    if len(rows) > MAX_INTERVALS:
        raise TooManyIntervals(f"more than {MAX_INTERVALS} intervals")
    return rows


def _slice(row: Any, totals: tuple[TotalRecord, ...]) -> Slice:
    begin_ms = begin_of(row.start_utc_ms, row.end_utc_ms, row.elapsed_ms)
    assert begin_ms is not None  # the query asked for those that have one
    end_ms = covered_to(begin_ms, row.end_utc_ms, row.elapsed_ms)
    own = (getattr(row, name) for name in SAME_FIELDS)
    return Slice._make((begin_ms, end_ms, *own, None, totals))


def _line_totals(
    conn: Connection, gateway: str, run: str, keys: list[tuple[int, int]]
) -> dict[tuple[int, int], tuple[TotalRecord, ...]]:
    """What the meter's line index showed, by epoch and seq."""
    if not keys:
        return {}
    table, seqs = interval_total, [seq for _, seq in keys]
    rows = conn.execute(
        select(table.c.epoch, table.c.seq, *(table.c[name] for name in _TOTAL))
        .where(*_of(table, gateway, run), table.c.role == Role.LINE.value)
        .where(table.c.epoch >= keys[0][0], table.c.epoch <= keys[-1][0])
        .where(table.c.seq >= min(seqs), table.c.seq <= max(seqs))
        .order_by(table.c.epoch, table.c.seq, table.c.position)
    )
    found: dict[tuple[int, int], tuple[TotalRecord, ...]] = {}
    for epoch, seq, *total in rows:
        found[epoch, seq] = (*found.get((epoch, seq), ()), TotalRecord(*total))
    return found


def _counters(conn: Connection, row: Any, *, after: bool) -> Counters:
    """The gateway's own counters before or after an interval, as it recorded them.

    All parts of a gap carry those before the first of them.
    """
    key = (interval.c.gateway == row.gateway, interval.c.epoch == row.epoch)
    leaf = conn.execute(select(interval.c.leaf).where(*key, interval.c.seq == row.seq)).scalar_one()
    record = interval_of(decode_leaf(leaf))
    names = [f"{name}_cm3" for name in Counters._fields]
    moved = conn.execute(
        select(*(interval.c[name] for name in names))
        .where(*key, interval.c.run == record.run, interval.c.seq < row.seq)
        .order_by(interval.c.seq.desc())
        .limit(record.part)
    ).all()
    if after:
        moved = [*moved, tuple(getattr(record, name) for name in names)]  # type: ignore[list-item]  # as named
    return Counters(*(sum(column) for column in zip(record.carry.counters, *moved, strict=True)))


def _configs(
    conn: Connection, gateway: str, records: Sequence[PeriodRecord]
) -> dict[bytes, RunConfig]:
    return _known(conn, gateway, {name for record in records for name in record.config_hashes})


def _known(conn: Connection, gateway: str, hashes: set[bytes]) -> dict[bytes, RunConfig]:
    rows = conn.execute(
        select(configuration.c.hash, configuration.c.leaf).where(
            configuration.c.gateway == gateway,
            configuration.c.hash.in_(hashes),
            configuration.c.run != "",
        )
    )
    return {hash_: parsed_config(leaf) for hash_, leaf in rows}
