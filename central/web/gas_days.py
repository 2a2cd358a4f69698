"""A run's sums by gas day, added up by the database in integers."""

from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from central.ledger.newest import newest_intervals
from central.ledger.sums import exact_sum, whole
from central.web.places import Place
from protocols.metering.gas_day import GasDayError, gas_day, gas_day_bounds

DAYS = 8
_SUMMED = ("line_main_cm3", "line_error_cm3", "base_main_cm3", "base_error_cm3")


class DaySum(NamedTuple):
    """One gas day of one run: main and error volume together, and the line's error alone.

    Sums of the newest versions; `recorded_*` is what the gateway recorded, and `edited` counts the
    intervals that have another version.
    """

    day: date
    running: bool
    intervals: int
    line_cm3: int
    base_cm3: int
    error_cm3: int
    edited: int
    recorded_line_cm3: int
    recorded_base_cm3: int


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
    newest = newest_intervals()
    begins = func.coalesce(newest.c.start_utc_ms, newest.c.end_utc_ms - newest.c.elapsed_ms)
    which = case(*((begins >= low, number) for number, (_, low, _) in enumerate(bounds)))
    sums = (
        select(
            which.label("number"),
            func.count(),
            func.sum(case((newest.c.version > 1, 1), else_=0)),
            *(limb for name in _SUMMED for limb in exact_sum(newest.c[name])),
            *(limb for name in _SUMMED for limb in exact_sum(newest.c[f"recorded_{name}"])),
        )
        .where(newest.c.gateway == gateway, newest.c.run == run)
        .where(begins >= bounds[-1][1], begins < bounds[0][2])
        .group_by("number")
        .order_by("number")
    )
    found = []
    for number, count, edited, *limbs in conn.execute(sums):
        line, error, base, base_error, *recorded = whole(limbs)
        day, _, next_ms = bounds[number]
        found.append(
            DaySum(
                day,
                next_ms > newest_ms,
                count,
                line + error,
                base + base_error,
                error,
                edited,
                recorded[0] + recorded[1],
                recorded[2] + recorded[3],
            )
        )
    return found


def _bounds(place: Place, newest_ms: int) -> list[tuple[date, int, int]]:
    """Day, first instant and next day's first instant, UTC ms; newest day first."""
    newest = gas_day(newest_ms, place.zone, place.gas_day_start_hour)
    days = [newest - timedelta(days=back) for back in range(DAYS)]
    return [(day, *gas_day_bounds(day, place.zone, place.gas_day_start_hour)) for day in days]
