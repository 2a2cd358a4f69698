"""The JSON API: reading only. Every volume is an integer in 1e-6 m3 (`_cm3`), so it is exact."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from central.api.query import (
    LATEST_MS,
    BadRequestError,
    check_names,
    check_order,
    check_run,
    latest_ms,
    read_day,
    read_days,
    read_integer,
    read_range,
)
from central.clock import Clock
from central.ledger import queries
from central.ledger.archives import gap_archives, gap_object
from central.ledger.continuity import continuity, continuity_object
from central.ledger.gas_days import Calendar, calendar_of, gas_day_hours, gas_days, newest_day
from central.ledger.maintenance import maintenance
from central.ledger.periods import Periods, TooManyIntervals
from central.ledger.rows import IntervalRow
from central.ledger.statements import health, statements, warnings
from central.store.database import Store
from protocols.metering.gas_day import GasDayError
from protocols.metering.period_fields import period_fields

MAX_POINTS = 5000
DEFAULT_POINTS = 2000
MAX_INTERVALS = 5000
DEFAULT_INTERVALS = 1000
MAX_STATEMENTS = 1000
DEFAULT_STATEMENTS = 100


def routes(store: Store, now_ms: Clock) -> list[Route]:
    """All routes under /api, and /healthz."""
    api = _Api(store, now_ms)
    run = "/api/runs/{gateway}/{run}"
    return [
        Route("/healthz", api.health, methods=["GET"]),
        Route("/api/summary", api.summary, methods=["GET"]),
        Route("/api/gateways", api.gateways, methods=["GET"]),
        Route("/api/runs", api.runs, methods=["GET"]),
        Route(f"{run}/series", api.series, methods=["GET"]),
        Route(f"{run}/intervals", api.intervals, methods=["GET"]),
        Route(f"{run}/archives", api.archives, methods=["GET"]),
        Route(f"{run}/continuity", api.continuity, methods=["GET"]),
        Route(f"{run}/gas-days", api.gas_days, methods=["GET"]),
        Route(f"{run}/hours", api.hours, methods=["GET"]),
        Route(f"{run}/statements", api.run_statements, methods=["GET"]),
        Route("/api/gateways/{gateway}/statements", api.statements, methods=["GET"]),
        Route("/api/warnings", api.warnings, methods=["GET"]),
        Route("/api/{rest:path}", api.unknown, methods=["GET"]),
    ]


def error_answer(status: int, error: str, remedy: str) -> JSONResponse:
    """The one form of every error: what, and what to do."""
    return JSONResponse({"error": error, "remedy": remedy}, status)


class _Api:
    """The endpoints; plain functions, so each runs in a worker thread and may wait for SQLite."""

    def __init__(self, store: Store, now_ms: Clock) -> None:
        self._store = store
        self._now_ms = now_ms

    def health(self, _request: Request) -> Response:
        with self._store.engine.connect() as conn:
            conn.execute(text("SELECT 1"))
        return JSONResponse({"status": "ok"})

    def summary(self, request: Request) -> Response:
        check_names(request.query_params, ())
        with self._store.engine.connect() as conn:
            return JSONResponse(queries.summary(conn))

    def gateways(self, request: Request) -> Response:
        check_names(request.query_params, ())
        with self._store.engine.connect() as conn:
            rows = queries.gateways(conn)
        return JSONResponse({"now_ms": self._now_ms(), "gateways": [row._asdict() for row in rows]})

    def runs(self, request: Request) -> Response:
        check_names(request.query_params, ())
        with self._store.engine.connect() as conn:
            rows = queries.runs(conn)
        return JSONResponse({"runs": [row._asdict() for row in rows]})

    def series(self, request: Request) -> Response:
        gateway, run = _names(request)
        query = request.query_params
        check_names(query, ("from_ms", "to_ms", "span_ms", "max_points"))
        points = read_integer(query, "max_points", 2, MAX_POINTS) or DEFAULT_POINTS
        with self._store.engine.connect() as conn:
            check_run(conn, gateway, run)
            span = read_range(query, latest_ms(conn, gateway, run, self._now_ms()))
        found = queries.series(self._store, gateway, run, span.from_ms, span.to_ms, points)
        return JSONResponse(_head(gateway, run, span._asdict()) | found._asdict())

    def archives(self, request: Request) -> Response:
        """What devices' archives say of the run's gaps; evidence beside the estimate."""
        gateway, run = _names(request)
        check_names(request.query_params, ())
        with self._store.engine.connect() as conn:
            check_run(conn, gateway, run)
            gaps = gap_archives(conn, gateway, run)
        return JSONResponse(_head(gateway, run, {"gaps": [gap_object(gap) for gap in gaps]}))

    def continuity(self, request: Request) -> Response:
        """The first law by segment, epochs of the gateway's log, and what is missing."""
        gateway, run = _names(request)
        check_names(request.query_params, ())
        with self._store.engine.connect() as conn:
            check_run(conn, gateway, run)
            found = continuity(conn, gateway, run)
        return JSONResponse(_head(gateway, run, continuity_object(found)))

    def intervals(self, request: Request) -> Response:
        gateway, run = _names(request)
        query = request.query_params
        check_names(query, ("from_ms", "to_ms", "limit"))
        limit = read_integer(query, "limit", 1, MAX_INTERVALS) or DEFAULT_INTERVALS
        from_ms = read_integer(query, "from_ms", 0, LATEST_MS)
        to_ms = read_integer(query, "to_ms", 0, LATEST_MS)
        if from_ms is not None and to_ms is not None:
            check_order(from_ms, to_ms)
        with self._store.engine.connect() as conn:
            check_run(conn, gateway, run)
            rows = queries.intervals(conn, gateway, run, from_ms, to_ms, limit + 1)
        # The newest are given; `more` says that there are older ones in the range.
        head = {"from_ms": from_ms, "to_ms": to_ms, "limit": limit, "more": len(rows) > limit}
        body = {"intervals": [_interval(row) for row in rows[-limit:]]}
        return JSONResponse(_head(gateway, run, head) | body)

    def gas_days(self, request: Request) -> Response:
        gateway, run = _names(request)
        query = request.query_params
        check_names(query, ("from", "to"))
        with self._store.engine.connect() as conn, calendar_faults():
            check_run(conn, gateway, run)
            calendar = calendar_of(conn, gateway)
            newest = newest_day(conn, gateway, run, calendar)
            if newest is None:
                return JSONResponse(_head(gateway, run, _calendar(calendar) | {"gas_days": []}))
            asked = read_days(query, newest)
            days, found = gas_days(conn, gateway, run, calendar, *asked)
        told = [{"gas_day": f"{day}"} | row for day, row in zip(days, _rows(found), strict=True)]
        return JSONResponse(_head(gateway, run, _calendar(calendar) | {"gas_days": told}))

    def hours(self, request: Request) -> Response:
        gateway, run = _names(request)
        query = request.query_params
        check_names(query, ("gas_day",))
        with self._store.engine.connect() as conn, calendar_faults():
            check_run(conn, gateway, run)
            calendar = calendar_of(conn, gateway)
            day = read_day(query, "gas_day") or newest_day(conn, gateway, run, calendar)
            if day is None:
                raise BadRequestError(404, "no interval of this run has a time", "name a gas_day")
            _, whole, found = gas_day_hours(conn, gateway, run, calendar, day)
        told = {
            "gas_day": f"{day}",
            "day": period_fields(whole, found.configs) | {"edited": sum(found.edited)},
            "hours": _rows(found),
        }
        return JSONResponse(_head(gateway, run, _calendar(calendar) | told))

    def statements(self, request: Request) -> Response:
        """Of a whole gateway; with what it says of its health last."""
        gateway = request.path_params["gateway"]
        query = request.query_params
        check_names(query, ("limit",))
        limit = read_integer(query, "limit", 1, MAX_STATEMENTS) or DEFAULT_STATEMENTS
        with self._store.engine.connect() as conn:
            if gateway not in {row.gateway for row in queries.gateways(conn)}:
                raise BadRequestError(404, f"no gateway {gateway[:64]}", "see /api/gateways")
            rows, newest = statements(conn, gateway, None, limit), health(conn, gateway)
        told = {"gateway": gateway, "statements": [row.to_json() for row in rows]}
        return JSONResponse(told | {"health": None if newest is None else newest.to_json()})

    def run_statements(self, request: Request) -> Response:
        """What people stated of the run, newest first."""
        gateway, run = _names(request)
        query = request.query_params
        check_names(query, ("limit",))
        limit = read_integer(query, "limit", 1, MAX_STATEMENTS) or DEFAULT_STATEMENTS
        with self._store.engine.connect() as conn:
            check_run(conn, gateway, run)
            rows, spans = statements(conn, gateway, run, limit), maintenance(conn, gateway, run)
        told = {"statements": [row.to_json() for row in rows]}
        worked_on = {"maintenance": [span._asdict() for span in spans]}
        return JSONResponse(_head(gateway, run, told | worked_on))

    def warnings(self, request: Request) -> Response:
        """What somebody must look at now: of all gateways."""
        check_names(request.query_params, ())
        with self._store.engine.connect() as conn:
            rows = warnings(conn, self._now_ms())
        told = {"now_ms": self._now_ms(), "warnings": [row._asdict() for row in rows]}
        return JSONResponse(told)

    def unknown(self, request: Request) -> Response:
        raise BadRequestError(
            404,
            f"no such resource: {request.url.path[:100]}",
            "see central/api/README.md for what there is",
        )


def _interval(row: IntervalRow) -> dict[str, Any]:
    """The newest version; `edit` says who made it and what was recorded, null where nobody did."""
    edit = row.edit
    told = None if edit is None else edit._asdict() | {"recorded": edit.recorded._asdict()}
    return row._asdict() | {"edit": told}


@contextmanager
def calendar_faults() -> Iterator[None]:
    """What makes no gas day is a request that cannot be answered, not a fault of central."""
    try:
        yield
    except TooManyIntervals as error:
        raise BadRequestError(400, str(error), "ask for fewer gas days at a time") from error
    except GasDayError as error:
        raise BadRequestError(
            400, str(error), "ask for another day, or correct the site"
        ) from error


def _calendar(calendar: Calendar) -> dict[str, Any]:
    return {"zone": calendar.zone, "gas_day_start_hour": calendar.start_hour}


def _rows(found: Periods) -> list[dict[str, Any]]:
    return [
        period_fields(record, found.configs) | {"edited": edited}
        for record, edited in zip(found.records, found.edited, strict=True)
    ]


def _names(request: Request) -> tuple[str, str]:
    return request.path_params["gateway"], request.path_params["run"]


def _head(gateway: str, run: str, rest: dict[str, Any]) -> dict[str, Any]:
    return {"gateway": gateway, "run": run} | rest
