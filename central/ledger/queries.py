"""What pages, the API and the demo read. Everything is an integer; sums are exact."""

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from central.intake.quarantine import refused_uploads
from central.ledger.alarm_list import alarm_counts, edit_alarms
from central.ledger.alarm_list import alarms as alarms
from central.ledger.edits import EditSum, edit_sums
from central.ledger.law import law as law
from central.ledger.newest import edit_of, newest_intervals
from central.ledger.regulators import regulators as regulators
from central.ledger.rows import EventRow, GatewayRow, IntervalRow, RunRow
from central.ledger.rows import LawRow as LawRow
from central.ledger.rows import RegulatorRow as RegulatorRow
from central.ledger.rows import Series as Series
from central.ledger.run_sums import RunSum, run_sums
from central.ledger.series import series as series
from central.ledger.statements import HEALTH
from central.store.ledger_tables import cursor, event, interval_total, meter_run
from central.store.ledger_tables import site as site_table
from central.store.log_tables import batch, gateway, head
from protocols.evidence.leaf import Log
from protocols.metering.run_config import Role


def gateways(conn: Connection) -> list[GatewayRow]:
    """All registered gateways, by name."""
    sizes: dict[str, dict[str, int]] = {}
    seen: dict[str, int] = {}
    for row in conn.execute(select(head.c.gateway, head.c.log, head.c.size, head.c.received_ms)):
        of_gateway = sizes.setdefault(row.gateway, {})
        of_gateway[row.log] = of_gateway.get(row.log, 0) + row.size
        seen[row.gateway] = max(row.received_ms, seen.get(row.gateway, 0))
    clocks: dict[str, tuple[int, int | None, int]] = {}
    last = select(cursor.c.gateway, cursor.c.epoch, cursor.c.utc_ms, cursor.c.clock_state)
    for name, epoch, utc_ms, clock_state in conn.execute(last):
        newest = clocks.get(name, (0, None, 0))
        if (epoch, utc_ms or 0) >= (newest[0], newest[1] or 0):
            clocks[name] = (epoch, utc_ms, clock_state)
    alarms_of = alarm_counts(conn)
    rows = conn.execute(
        select(
            gateway.c.gateway,
            gateway.c.stopped_reason,
            gateway.c.unsent_billing,
            gateway.c.unsent_telemetry,
        ).order_by(gateway.c.gateway)
    )
    return [
        GatewayRow(
            name,
            seen.get(name),
            sizes.get(name, {}).get(Log.BILLING.value, 0),
            sizes.get(name, {}).get(Log.TELEMETRY.value, 0),
            *clocks.get(name, (0, None, 0))[1:],
            stopped,
            alarms_of.get(name, 0),
            *unsent,
        )
        for name, stopped, *unsent in rows
    ]


def runs(conn: Connection) -> list[RunRow]:
    """All meter runs, by gateway and run."""
    sums, edits = run_sums(conn), edit_sums(conn)
    found = []
    for row in conn.execute(
        select(meter_run, site_table.c.name)
        .outerjoin(site_table, site_table.c.gateway == meter_run.c.gateway)
        .order_by(meter_run.c.gateway, meter_run.c.run)
    ):
        total = sums.get((row.gateway, row.run), RunSum())
        added = edits.get((row.gateway, row.run), EditSum())
        line_cm3 = total.line_main_cm3 + total.line_error_cm3
        base_cm3 = total.base_main_cm3 + total.base_error_cm3
        found.append(
            RunRow(
                gateway=row.gateway,
                run=row.run,
                site=row.name or "",
                meter_serial=row.meter_serial,
                method=row.method,
                intervals=total.intervals,
                last_interval_end_ms=total.last_end_utc_ms,
                line_cm3=line_cm3 + added.line_main_cm3 + added.line_error_cm3,
                base_cm3=base_cm3 + added.base_main_cm3 + added.base_error_cm3,
                error_cm3=total.line_error_cm3 + added.line_error_cm3,
                last_flags=total.last_flags,
                recompute_pending=total.pending,
                recompute_differs=total.differs,
                recompute_lost=total.lost,
                qmax_l_h=row.qmax_l_h,
                edited=added.intervals,
                recorded_line_cm3=line_cm3,
                recorded_base_cm3=base_cm3,
                recorded_error_cm3=total.line_error_cm3,
            )
        )
    return found


def intervals(
    conn: Connection,
    gateway: str,
    run: str,
    from_ms: int | None = None,
    to_ms: int | None = None,
    limit: int = 1000,
) -> list[IntervalRow]:
    """A run's latest `limit` intervals that end in (from_ms, to_ms], oldest first, newest versions.

    Intervals whose end has no UTC are given only where no time is asked for.
    """
    newest = newest_intervals()
    where: list[ColumnElement[bool]] = []
    if from_ms is not None:
        where.append(newest.c.end_utc_ms > from_ms)
    if to_ms is not None:
        where.append(newest.c.end_utc_ms <= to_ms)
    return _intervals(conn, gateway, run, where, limit)


def untimed_intervals(conn: Connection, gateway: str, run: str, limit: int) -> list[IntervalRow]:
    """A run's latest `limit` intervals whose end has no UTC, oldest first."""
    ended = newest_intervals().c.end_utc_ms
    return _intervals(conn, gateway, run, [ended.is_(None)], limit)


def _intervals(
    conn: Connection, gateway: str, run: str, where: list[ColumnElement[bool]], limit: int
) -> list[IntervalRow]:
    newest = newest_intervals()
    rows = conn.execute(
        select(newest)
        .where(newest.c.gateway == gateway, newest.c.run == run, *where)
        .order_by(newest.c.epoch.desc(), newest.c.seq.desc())
        .limit(limit)
    ).all()
    indexes = _line_indexes(conn, gateway, run, [(row.epoch, row.seq) for row in rows])
    same = IntervalRow._fields[: IntervalRow._fields.index("index_start")]
    return [
        IntervalRow._make(
            (
                *(getattr(row, name) for name in same),
                *indexes.get((row.epoch, row.seq), (0, 0)),
                row.epoch,
                row.version,
                edit_of(row),
                row.time_from_ms,
            )
        )
        for row in reversed(rows)
    ]


def events(conn: Connection, gateway: str | None = None, limit: int = 100) -> list[EventRow]:
    """The latest events, newest first; of all gateways where none is named.

    Without what a gateway says of its own health each hour: that stands by itself.
    """
    query = (
        select(event)
        .where(event.c.code != HEALTH)
        .order_by(event.c.received_ms.desc(), event.c.gateway, event.c.seq.desc())
        .limit(limit)
    )
    if gateway is not None:
        query = query.where(event.c.gateway == gateway)
    return [
        EventRow(
            row.gateway,
            row.seq,
            row.utc_ms,
            row.code,
            row.subject,
            json.loads(row.old),
            json.loads(row.new),
            row.who,
            row.detail,
            row.time_from_ms,
        )
        for row in conn.execute(query)
    ]


def summary(conn: Connection) -> dict[str, Any]:
    """Counts and sums over everything: what `/api/summary` and the demo show.

    Volumes in cm3 by "gateway/run". `values` are register values in scans, `upload_bytes` all that
    was POSTed for them and for billing; `law_holds` is the first law over every segment.
    """
    rows = runs(conn)
    laws = law(conn)
    uploads, received, values = conn.execute(
        select(
            func.coalesce(func.sum(batch.c.upload_bytes), 0),
            func.count(batch.c.receipt),
            func.coalesce(func.sum(batch.c.readings), 0),
        )
    ).one()
    pending = sum(row.recompute_pending for row in rows)
    differs = sum(row.recompute_differs for row in rows)
    lost = sum(row.recompute_lost for row in rows)
    return {
        "gateways": conn.scalar(select(func.count()).select_from(gateway)),
        "runs": len(rows),
        "intervals": sum(row.intervals for row in rows),
        "recomputed": sum(row.intervals for row in rows) - pending - differs - lost,
        "recompute_pending": pending,
        "recompute_differs": differs,
        "recompute_lost": lost,
        "leaves": conn.scalar(select(func.coalesce(func.sum(head.c.size), 0))),
        "ledger_leaves": conn.scalar(select(func.coalesce(func.sum(cursor.c.next_seq), 0))),
        "receipts": received,
        "line_cm3": {f"{row.gateway}/{row.run}": row.line_cm3 for row in rows},
        "base_cm3": {f"{row.gateway}/{row.run}": row.base_cm3 for row in rows},
        "upload_bytes": uploads,
        "values": values,
        "alarms": sum(alarm_counts(conn).values()) + len(edit_alarms(conn)),
        "edited": sum(row.edited for row in rows),
        "law_holds": all(row.holds for row in laws),
        "refused": {str(status): count for status, count in refused_uploads(conn).items()},
    }


def _line_indexes(
    conn: Connection, gateway_id: str, run: str, keys: list[tuple[int, int]]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Start and end of the line index by (epoch, seq); over several segments, first and last."""
    if not keys:
        return {}
    rows = conn.execute(
        select(
            interval_total.c.epoch,
            interval_total.c.seq,
            interval_total.c.index_start,
            interval_total.c.index_end,
        )
        .where(
            interval_total.c.gateway == gateway_id,
            interval_total.c.run == run,
            interval_total.c.role == Role.LINE.value,
            interval_total.c.epoch >= min(keys)[0],
            interval_total.c.seq >= min(seq for _, seq in keys),
            interval_total.c.seq <= max(seq for _, seq in keys),
        )
        .order_by(interval_total.c.epoch, interval_total.c.seq, interval_total.c.position)
    )
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for epoch, seq, start, end in rows:
        found[epoch, seq] = (found.get((epoch, seq), (start, end))[0], end)
    return found
