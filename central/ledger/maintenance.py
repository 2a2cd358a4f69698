"""Times in which a run's readings were not the gas, and what was booked in them.

A transmitter that is calibrated shows the pump's pressure. The gateway books what it reads all the
same; whether that is corrected a person decides (`edge-central edit`).
"""

from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from central.ledger.newest import newest_intervals
from central.ledger.statements import BEGAN, CALIBRATED, ENDED, StatementRow, of_codes
from central.ledger.sums import exact_sum, whole

MAX_STATEMENTS: Final = 100
MAX_SPANS: Final = 20
LATEST_MS: Final = (1 << 63) - 1


class Span(NamedTuple):
    """What was worked on, from when to when; `to_ms` is None while it goes on."""

    what: str
    from_ms: int
    to_ms: int | None


class MaintenanceRow(NamedTuple):
    """A span with the newest figures of the intervals that it touches; `edited`: of those."""

    what: str
    from_ms: int
    to_ms: int | None
    intervals: int
    edited: int
    line_cm3: int
    base_cm3: int


def maintenance(conn: Connection, gateway: str, run: str) -> list[MaintenanceRow]:
    """The latest spans of a run, newest first."""
    rows = of_codes(conn, gateway, run, (BEGAN, ENDED, *CALIBRATED), MAX_STATEMENTS)
    return [_booked(conn, gateway, run, span) for span in spans(rows[::-1])[:MAX_SPANS]]


def spans(rows: list[StatementRow]) -> list[Span]:
    """Of statements from the oldest on, newest first. Pure.

    What was marked counts; a calibration that nobody marked says itself from when to when it was.
    """
    open_ones: dict[str, int | None] = {}
    found: list[Span] = []
    for row in rows:
        what = f"{row.get('what') or row.code.removeprefix('calibrated_')}"
        if row.code == BEGAN:
            open_ones[what] = row.utc_ms
        elif row.code == ENDED:
            marked_ms = open_ones.pop(what, None)
            if marked_ms is not None:
                found.append(Span(what, marked_ms, row.utc_ms))
        elif what not in open_ones:
            began_ms, ended_ms = row.get("began_utc_ms"), row.get("ended_utc_ms")
            if isinstance(began_ms, int) and isinstance(ended_ms, int):
                found.append(Span(what, began_ms, ended_ms))
    found += [Span(what, ms, None) for what, ms in open_ones.items() if ms is not None]
    return sorted(found, key=lambda span: span.from_ms, reverse=True)


def _booked(conn: Connection, gateway: str, run: str, span: Span) -> MaintenanceRow:
    table = newest_intervals()
    to_ms = LATEST_MS if span.to_ms is None else span.to_ms
    line = table.c.line_main_cm3 + table.c.line_error_cm3
    base = table.c.base_main_cm3 + table.c.base_error_cm3
    row = conn.execute(
        select(
            func.count(),
            func.count(table.c.edit_number),
            *exact_sum(line),
            *exact_sum(base),
        ).where(
            table.c.gateway == gateway,
            table.c.run == run,
            table.c.end_utc_ms > span.from_ms,
            table.c.start_utc_ms < to_ms,
        )
    ).one()
    return MaintenanceRow(*span, row[0], row[1], *whole(row[2:]))
