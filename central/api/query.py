"""Query parameters, read strictly: what is unknown, doubled or out of bounds is an error."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from starlette.datastructures import QueryParams

from central.store.ledger_tables import interval, meter_run

MAX_SPAN_MS = 31 * 86_400_000
"""The longest range of one answer: longer ones cost more decoding than one request may."""
DEFAULT_SPAN_MS = 86_400_000
LATEST_MS = 4_102_444_800_000  # 2100-01-01
# The running interval's scans come after the last closed interval; no interval is longer.
RUNNING_MS = 3_600_000

MAX_DAYS = 62
DEFAULT_DAYS = 8

_INTEGER = re.compile(r"[0-9]{1,15}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadRequestError(Exception):
    """A request that cannot be answered: what is wrong, and the remedy."""

    def __init__(self, status: int, error: str, remedy: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.remedy = remedy


class TimeRange(NamedTuple):
    """(from_ms, to_ms], UTC."""

    from_ms: int
    to_ms: int


def check_names(query: QueryParams, known: Collection[str]) -> None:
    """Raises BadRequestError where a parameter is unknown or given twice."""
    seen: set[str] = set()
    for name, _ in query.multi_items():
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise BadRequestError(
                400, f"unknown parameter {name[:40]!r}", f"allowed here: {allowed}"
            )
        if name in seen:
            raise BadRequestError(400, f"parameter {name!r} given twice", "give it once")
        seen.add(name)


def read_integer(query: Mapping[str, str], name: str, low: int, high: int) -> int | None:
    """The parameter, or None where it is not given; raises BadRequestError outside low..high."""
    text = query.get(name)
    if text is None:
        return None
    if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
        raise BadRequestError(
            400,
            f"{name} = {text[:40]!r} is not a whole number from {low} to {high}",
            f"give {name} in decimal digits, or leave it out",
        )
    return int(text)


def read_day(query: Mapping[str, str], name: str) -> date | None:
    """A gas day, YYYY-MM-DD; None where it is not given. Raises BadRequestError."""
    text = query.get(name)
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 2026-02-30
    raise BadRequestError(
        400, f"{name} = {text[:40]!r} is no day of the calendar", f"give {name} as YYYY-MM-DD"
    )


def read_days(
    query: Mapping[str, str], newest: date, default: int = DEFAULT_DAYS
) -> tuple[date, date]:
    """`from` and `to`, both included; by default the last days up to the newest."""
    last = read_day(query, "to")
    first = read_day(query, "from")
    if last is None:
        last = max(newest, first or newest)
    if first is None:
        first = date.fromordinal(max(1, last.toordinal() - default + 1))
    if first > last:
        raise BadRequestError(400, f"from {first} is after to {last}", "give from <= to")
    if (last - first).days >= MAX_DAYS:
        raise BadRequestError(
            400, f"{(last - first).days + 1} gas days", f"ask for at most {MAX_DAYS} at a time"
        )
    return first, last


def read_range(query: Mapping[str, str], latest_ms: int) -> TimeRange:
    """from_ms and to_ms, or the last `span_ms` before `latest_ms` with the interval that runs.

    So the page of a gateway that has been silent for a week shows its last data, not an empty day.
    """
    from_ms = read_integer(query, "from_ms", 0, LATEST_MS)
    to_ms = read_integer(query, "to_ms", 0, LATEST_MS)
    span_ms = read_integer(query, "span_ms", 1, MAX_SPAN_MS)
    if span_ms is not None and from_ms is not None:
        raise BadRequestError(400, "both from_ms and span_ms are given", "give one of the two")
    if from_ms is None:
        last = latest_ms if to_ms is None else to_ms
        from_ms = max(0, last - (span_ms or DEFAULT_SPAN_MS))
    if to_ms is None:
        to_ms = max(latest_ms, from_ms) + RUNNING_MS
    check_order(from_ms, to_ms)
    if to_ms - from_ms > MAX_SPAN_MS + RUNNING_MS:
        days = MAX_SPAN_MS // 86_400_000
        raise BadRequestError(
            400,
            f"the range is {(to_ms - from_ms) // 86_400_000} days long",
            f"ask for at most {days} days at a time",
        )
    return TimeRange(from_ms, to_ms)


def check_order(from_ms: int, to_ms: int) -> None:
    """Raises BadRequestError where the range is empty."""
    if from_ms >= to_ms:
        raise BadRequestError(
            400, f"from_ms {from_ms} is not before to_ms {to_ms}", "give from_ms < to_ms, UTC ms"
        )


def check_run(conn: Connection, gateway: str, run: str) -> None:
    """Raises BadRequestError (404) where no such meter run is known."""
    found = select(meter_run.c.run).where(meter_run.c.gateway == gateway, meter_run.c.run == run)
    if conn.execute(found).first() is None:
        raise BadRequestError(
            404,
            f"no meter run {run[:64]!r} of a gateway {gateway[:64]!r}",
            "GET /api/runs lists all meter runs",
        )


def latest_ms(conn: Connection, gateway: str, run: str, now_ms: int) -> int:
    """The end of the run's newest interval, UTC ms; `now_ms` where none has a time."""
    end_ms = newest_timed_ms(conn, gateway, run)
    return now_ms if end_ms is None else end_ms


def newest_timed_ms(conn: Connection, gateway: str, run: str) -> int | None:
    """The end of the run's newest interval that has a time, UTC ms."""
    end_ms: int | None = conn.scalar(
        select(func.max(interval.c.end_utc_ms)).where(
            interval.c.gateway == gateway, interval.c.run == run
        )
    )
    return end_ms
