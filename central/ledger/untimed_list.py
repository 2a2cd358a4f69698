"""Intervals whose end no clock tells, and between which instants they must have ended."""

from typing import NamedTuple

from sqlalchemy import Connection

from central.ledger.queries import untimed_intervals
from central.ledger.rows import IntervalRow
from central.ledger.timing import END_SIDE, bounds


class UntimedRow(NamedTuple):
    """An interval that ended after `after_ms` and before `before_ms`, UTC ms; None: no bound."""

    row: IntervalRow
    after_ms: int | None
    before_ms: int | None


def untimed(conn: Connection, gateway: str, run: str, limit: int) -> list[UntimedRow]:
    """The newest `limit` of a run, newest first."""
    rows = untimed_intervals(conn, gateway, run, limit)[::-1]
    found = bounds(conn, gateway, {(row.epoch, row.seq) for row in rows})
    return [
        UntimedRow(row, *found.get((row.epoch, row.seq, END_SIDE), (None, None))) for row in rows
    ]
