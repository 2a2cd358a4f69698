"""A run's sums by gas day, added up by the database in integers.

Energy is the base volume times the heating value in force, so the database groups by that, and the
products are made here, where an integer has no end.
"""

from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from central.ledger.newest import newest_intervals
from central.ledger.periods import begins
from central.ledger.sums import exact_sum, whole
from central.web.places import Place
from protocols.metering.gas_day import GasDayError, gas_day, gas_day_bounds

DAYS = 8
_SUMMED = ("line_main_cm3", "line_error_cm3", "base_main_cm3", "base_error_cm3")


class DaySum(NamedTuple):
    """One gas day of one run: main and error volume together, and the line's error alone.

    `energy_uj` is that of the base volume; `unvalued_cm3` of it had no heating value in force.

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
    energy_uj: int = 0
    unvalued_cm3: int = 0


def gas_day_sums(
    conn: Connection, gateway: str, run: str, place: Place, newest_ms: int | None
) -> list[DaySum]:
    """The last DAYS gas days that have an interval, newest first; the newest may still run.

    An interval belongs to the day it begins in, as for everybody who makes periods of intervals.
    """
    if newest_ms is None:
        return []
    try:
        bounds = _bounds(place, newest_ms)
    except GasDayError:
        return []  # a site whose zone this machine does not know has no gas days here
    newest = newest_intervals()
    begin = begins(newest)
    which = case(*((begin >= low, number) for number, (_, low, _) in enumerate(bounds)))
    sums = (
        select(
            which.label("number"),
            newest.c.hs_j_m3,
            func.count(),
            func.sum(case((newest.c.version > 1, 1), else_=0)),
            *(limb for name in _SUMMED for limb in exact_sum(newest.c[name])),
            *(limb for name in _SUMMED for limb in exact_sum(newest.c[f"recorded_{name}"])),
        )
        .where(newest.c.gateway == gateway, newest.c.run == run)
        .where(begin >= bounds[-1][1], begin < bounds[0][2])
        .group_by("number", newest.c.hs_j_m3)
    )
    found: dict[int, DaySum] = {}
    for number, hs_j_m3, count, edited, *limbs in conn.execute(sums):
        line, error, base, base_error, *recorded = whole(limbs)
        day, _, next_ms = bounds[number]
        part = DaySum(
            day,
            next_ms > newest_ms,
            count,
            line + error,
            base + base_error,
            error,
            edited,
            recorded[0] + recorded[1],
            recorded[2] + recorded[3],
            (base + base_error) * hs_j_m3,
            0 if hs_j_m3 else base + base_error,
        )
        before = found.get(number)
        found[number] = part if before is None else _added(before, part)
    return [found[number] for number in sorted(found)]


def _added(one: DaySum, two: DaySum) -> DaySum:
    """Two parts of a day that had different heating values."""
    return DaySum(one.day, one.running, *map(sum, zip(one[2:], two[2:], strict=True)))


def _bounds(place: Place, newest_ms: int) -> list[tuple[date, int, int]]:
    """Day, first instant and next day's first instant, UTC ms; newest day first."""
    newest = gas_day(newest_ms, place.zone, place.gas_day_start_hour)
    days = [newest - timedelta(days=back) for back in range(DAYS)]
    return [(day, *gas_day_bounds(day, place.zone, place.gas_day_start_hour)) for day in days]
