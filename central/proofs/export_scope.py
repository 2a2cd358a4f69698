"""Which batches an export holds: those of its range, and all scans its intervals are made of."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from central.proofs.prove import Place
from central.store.ledger_tables import configuration, interval, register_map
from central.store.log_tables import batch
from protocols.evidence.leaf import Log, Origin


class Scope(NamedTuple):
    """A gateway and a range of time, UTC ms; ``time_s`` is when the export is made."""

    gateway: str
    from_ms: int
    to_ms: int
    time_s: int


class Range(NamedTuple):
    """Consecutive receipted batches of one log: leaves ``first`` .. ``end`` - 1."""

    origin: Origin
    first: int
    end: int
    uploads: int


class _Row(NamedTuple):
    first: int
    size: int
    is_receipted: bool


def ranges_of(conn: Connection, scope: Scope) -> list[Range]:
    """The ranges of both logs and all epochs, billing first."""
    wanted: dict[Origin, tuple[int, int]] = {}
    for log in Log:
        for epoch, first, size in _by_time(conn, scope, log):
            wanted[Origin(scope.gateway, log, epoch)] = first, size
    for origin, (first, size) in list(wanted.items()):
        if origin.log is Log.BILLING:
            for telemetry, scans in _scans_of(conn, origin, first, size):
                before = wanted.get(telemetry, scans)
                wanted[telemetry] = min(before[0], scans[0]), max(before[1], scans[1])
    found: list[Range] = []
    for origin, (first, end) in sorted(wanted.items()):
        found += _ranges(conn, origin, first, end)
    return found


def explaining_places(conn: Connection, gateway: str, ranges: list[Range]) -> list[Place]:
    """Where configurations and register maps stand that the ranges need and do not hold.

    All register maps of before, and the configurations that intervals in the ranges name.
    """
    billing = [one for one in ranges if one.origin.log is Log.BILLING]
    last = max(((one.origin.epoch, one.end) for one in billing), default=(0, 0))
    named = {
        hash_
        for one in billing
        for hash_ in conn.scalars(
            select(interval.c.config_hash)
            .where(
                interval.c.gateway == gateway,
                interval.c.epoch == one.origin.epoch,
                interval.c.seq >= one.first,
                interval.c.seq < one.end,
            )
            .distinct()
        )
    }
    maps = conn.execute(
        select(register_map.c.epoch, register_map.c.seq).where(register_map.c.gateway == gateway)
    )
    configs = conn.execute(
        select(configuration.c.epoch, configuration.c.seq, configuration.c.hash).where(
            configuration.c.gateway == gateway, configuration.c.run != ""
        )
    )
    places = {(row.epoch, row.seq) for row in maps}
    places |= {(row.epoch, row.seq) for row in configs if row.hash in named}
    held = [(one.origin.epoch, one.first, one.end) for one in billing]
    return [
        Place(Origin(gateway, Log.BILLING, epoch), seq)
        for epoch, seq in sorted(places)
        if (epoch, seq) < last
        and not any(epoch == at and first <= seq < end for at, first, end in held)
    ]


def _by_time(conn: Connection, scope: Scope, log: Log) -> list[tuple[int, int, int]]:
    """(Epoch, first, size) of the batches that reach into the range, by epoch."""
    query = (
        select(batch.c.epoch, func.min(batch.c.first), func.max(batch.c.size))
        .where(
            batch.c.gateway == scope.gateway,
            batch.c.log == log.value,
            func.coalesce(batch.c.utc_max_ms, batch.c.received_ms) >= scope.from_ms,
            func.coalesce(batch.c.utc_min_ms, batch.c.received_ms) < scope.to_ms,
        )
        .group_by(batch.c.epoch)
    )
    return [(epoch, first, size) for epoch, first, size in conn.execute(query)]


def _scans_of(
    conn: Connection, origin: Origin, first: int, end: int
) -> list[tuple[Origin, tuple[int, int]]]:
    """The telemetry that the intervals in a range of billing were made from, by epoch.

    An interval that came again in a later epoch counts its scans in the one it was recorded in.
    """
    rows = conn.execute(
        select(
            interval.c.scans_epoch,
            func.min(interval.c.telemetry_first),
            func.max(interval.c.telemetry_end),
        )
        .where(
            interval.c.gateway == origin.gateway,
            interval.c.epoch == origin.epoch,
            interval.c.seq >= first,
            interval.c.seq < end,
        )
        .group_by(interval.c.scans_epoch)
    )
    return [
        (Origin(origin.gateway, Log.TELEMETRY, epoch), (low, high))
        for epoch, low, high in rows
        if low < high
    ]


def _ranges(conn: Connection, origin: Origin, first: int, end: int) -> list[Range]:
    """The rows of batches without a gap that hold ``first`` .. ``end`` - 1, receipted ones only."""
    rows = conn.execute(
        select(batch.c.first, batch.c.size, batch.c.receipt.is_not(None))
        .where(
            batch.c.gateway == origin.gateway,
            batch.c.log == origin.log.value,
            batch.c.epoch == origin.epoch,
            batch.c.size > first,
            batch.c.first < end,
        )
        .order_by(batch.c.first)
    )
    found: list[Range] = []
    for row in (_Row(*row) for row in rows):
        if not row.is_receipted:
            break
        if found and found[-1].end == row.first:
            before = found[-1]
            found[-1] = before._replace(end=row.size, uploads=before.uploads + 1)
        else:
            found.append(Range(origin, row.first, row.size, 1))
    return found
