"""The gas days and hours of a run by its site's calendar, and what happened in them."""

import json
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from central.ledger.periods import Periods, periods
from central.ledger.rows import EventRow
from central.store.ledger_tables import event, interval, site
from protocols.metering.gas_day import gas_day
from protocols.metering.period import Period, PeriodRecord, gas_day_period, hours_of

UTC_DAY = ("UTC", 0)  # of a gateway whose configuration has not arrived


class Calendar(NamedTuple):
    """The zone and the hour that a site's gas days begin at."""

    zone: str
    start_hour: int

    def period(self, day: date) -> Period:
        """Raises GasDayError."""
        return gas_day_period(day, self.zone, self.start_hour)


class GasDays(NamedTuple):
    """Days with their records, oldest first."""

    days: list[date]
    found: Periods


class GasDayHours(NamedTuple):
    """One gas day and its hours; `found.records` are the hours'."""

    day: date
    whole: PeriodRecord
    found: Periods


def calendar_of(conn: Connection, gateway: str) -> Calendar:
    """Of the gateway's site."""
    row = conn.execute(
        select(site.c.zone, site.c.gas_day_start_hour).where(site.c.gateway == gateway)
    ).one_or_none()
    return Calendar(*(UTC_DAY if row is None else row))


def newest_day(conn: Connection, gateway: str, run: str, calendar: Calendar) -> date | None:
    """Of the last instant of the run's newest interval; None without one that has a time."""
    newest_ms = conn.scalar(
        select(func.max(interval.c.end_utc_ms)).where(
            interval.c.gateway == gateway, interval.c.run == run
        )
    )
    return None if newest_ms is None else gas_day(newest_ms - 1, *calendar)


def events_within(
    conn: Connection, gateway: str, run: str, period: Period, limit: int
) -> list[EventRow]:
    """What the gateway recorded of the run and of itself in the period, oldest first."""
    rows = conn.execute(
        select(event)
        .where(event.c.gateway == gateway, event.c.subject.in_((run, "")))
        .where(event.c.utc_ms >= period.start_ms, event.c.utc_ms < period.end_ms)
        .order_by(event.c.utc_ms, event.c.epoch, event.c.seq)
        .limit(limit)
    )
    return [
        EventRow(
            *(row.gateway, row.seq, row.utc_ms, row.code, row.subject),
            *(json.loads(row.old), json.loads(row.new), row.who, row.detail),
            row.time_from_ms,
        )
        for row in rows
    ]


def gas_days(
    conn: Connection, gateway: str, run: str, calendar: Calendar, first: date, last: date
) -> GasDays:
    """From the first to the last day. Raises TooManyIntervals and GasDayError."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    tiles = [calendar.period(day) for day in days]
    return GasDays(days, periods(conn, gateway, run, tiles))


def gas_day_hours(
    conn: Connection, gateway: str, run: str, calendar: Calendar, day: date
) -> GasDayHours:
    """Raises TooManyIntervals and GasDayError."""
    whole = calendar.period(day)
    found = periods(conn, gateway, run, [whole, *hours_of(whole)])
    rest = Periods(found.records[1:], found.edited[1:], found.configs)
    return GasDayHours(day, found.records[0], rest)
