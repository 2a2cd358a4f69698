"""A run's sums by gas day, added up by the database in integers."""

from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from central.ledger.sums import exact_sum, whole
from central.store.ledger_tables import interval
from central.web.places import Place
from protocols.metering.gas_day import GasDayError, gas_day, gas_day_bounds

DAYS = 8


class DaySum(NamedTuple):
    """One gas day of one run: main and error volume together, and the line's error alone."""

    day: date
    running: bool
    intervals: int
    line_cm3: int
    base_cm3: int
    error_cm3: int


def gas_day_sums(
    conn: Connection, gateway: str, run: str, place: Place, newest_ms: int | None
) -> list[DaySum]:
    """The last DAYS gas days that have an interval, newest first; the newest may still run.

    An interval belongs to the day it begins in: it ends with the first scan at or after its
    boundary, so by its end the last interval of a day would count for the next.
    """
    if newest_ms is None:
        return []
    try:
        bounds = _bounds(place, newest_ms)
    except GasDayError:
        return []  # a site whose zone this machine does not know has no gas days here
    begins = func.coalesce(interval.c.start_utc_ms, interval.c.end_utc_ms - interval.c.elapsed_ms)
    which = case(*((begins >= low, number) for number, (_, low, _) in enumerate(bounds)))
    sums = (
        select(
            which.label("number"),
            func.count(),
            *exact_sum(interval.c.line_main_cm3),
            *exact_sum(interval.c.line_error_cm3),
            *exact_sum(interval.c.base_main_cm3),
            *exact_sum(interval.c.base_error_cm3),
        )
        .where(interval.c.gateway == gateway, interval.c.run == run)
        .where(begins >= bounds[-1][1], begins < bounds[0][2])
        .group_by("number")
        .order_by("number")
    )
    found = []
    for number, count, *limbs in conn.execute(sums):
        line, error, base, base_error = whole(limbs)
        day, _, next_ms = bounds[number]
        running = next_ms > newest_ms
        found.append(DaySum(day, running, count, line + error, base + base_error, error))
    return found


def _bounds(place: Place, newest_ms: int) -> list[tuple[date, int, int]]:
    """Day, first instant and next day's first instant, UTC ms; newest day first."""
    newest = gas_day(newest_ms, place.zone, place.gas_day_start_hour)
    days = [newest - timedelta(days=back) for back in range(DAYS)]
    return [(day, *gas_day_bounds(day, place.zone, place.gas_day_start_hour)) for day in days]
