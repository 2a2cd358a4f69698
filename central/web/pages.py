"""The pages: read rows, render a template. Nothing here writes."""

from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from central.api.query import (
    LATEST_MS,
    BadRequestError,
    TimeRange,
    check_names,
    check_order,
    check_run,
    latest_ms,
    newest_timed_ms,
    read_day,
    read_days,
    read_integer,
    read_range,
)
from central.api.routes import calendar_faults
from central.clock import Clock
from central.intake.quarantine import refused_uploads
from central.ledger import queries
from central.ledger.archives import MAX_RECORDS
from central.ledger.continuity import continuity
from central.ledger.edit_trail import edit_trail
from central.ledger.gas_days import calendar_of, gas_days, newest_day
from central.ledger.maintenance import maintenance
from central.ledger.periods import TooManyIntervals, run_extras
from central.ledger.replaced import replacements
from central.ledger.rows import RunRow
from central.ledger.statements import statements, warnings
from central.ledger.untimed_list import untimed
from central.offers import list_offers
from central.store.database import Store
from central.web.archive_view import SHOWN_GAPS, SHOWN_RECORDS, archives_csv, shown_gaps
from central.web.csv_file import MAX_ROWS, intervals_csv
from central.web.day_page import day_context
from central.web.gas_days import gas_day_sums
from central.web.gas_days_csv import gas_days_csv
from central.web.instants import zone_of
from central.web.places import UNKNOWN, common_zone, places
from central.web.quarantine_page import quarantine_context
from central.web.render import environment
from central.web.words import Words, choose_language, load_words

HOME_REFRESH_S = 3
RUN_REFRESH_S = 5
TABLE_ROWS = 288  # one day of five-minute intervals
EVENT_ROWS = 20
EDIT_ROWS = 10
STATEMENT_ROWS = 10
RUN_STATEMENT_ROWS = 20
WARNING_ROWS = 100
ALARM_ROWS = 10
UNTIMED_ROWS = 20
RANGES = {"1h": 3_600_000, "6h": 21_600_000, "24h": 86_400_000, "7d": 604_800_000}
DEFAULT_RANGE = "24h"
CSV_DAYS = 31
COOKIE = "lang"
OFFER_ROWS = 20
COOKIE_S = 365 * 86_400


class Pages:
    """The pages over one store. Endpoints are plain functions: each runs in a worker thread."""

    def __init__(self, store: Store, now_ms: Clock) -> None:
        self._store = store
        self._now_ms = now_ms
        self._words = load_words()
        self._templates = environment()

    def routes(self) -> list[Route]:
        """All routes of the pages."""
        run = "/runs/{gateway}/{run}"
        return [
            Route("/", self.home, methods=["GET"]),
            Route("/parts/status", self.status, methods=["GET"]),
            Route(f"{run}/intervals.csv", self.csv, methods=["GET"]),
            Route(f"{run}/archives.csv", self.archives_csv, methods=["GET"]),
            Route(f"{run}/gas_days.csv", self.days_csv, methods=["GET"]),
            Route(f"{run}/days/{{day}}", self.day, methods=["GET"]),
            Route(f"{run}/continuity", self.continuity, methods=["GET"]),
            Route("/quarantine", self.quarantine, methods=["GET"]),
            Route(run, self.run, methods=["GET"]),
            Route(f"/parts{run}", self.run_parts, methods=["GET"]),
        ]

    def home(self, request: Request) -> Response:
        """Gateways, runs, regulators, alarms, events."""
        return self._answer(request, "home.html", self._status())

    def status(self, request: Request) -> Response:
        """The same without the frame, for the refresh."""
        return self._answer(request, "status.html", self._status())

    def run(self, request: Request) -> Response:
        """One run: plot, gas days, intervals."""
        return self._answer(request, "run.html", self._run(request))

    def run_parts(self, request: Request) -> Response:
        """What of it changes, for the refresh; the plot fetches its own."""
        return self._answer(request, "run_parts.html", self._run(request))

    def csv(self, request: Request) -> Response:
        """The intervals as a file. Never cut short unsaid: too many are an error."""
        gateway, run = request.path_params["gateway"], request.path_params["run"]
        query = request.query_params
        check_names(query, ("from_ms", "to_ms"))
        from_ms = read_integer(query, "from_ms", 0, LATEST_MS)
        to_ms = read_integer(query, "to_ms", 0, LATEST_MS)
        if from_ms is not None and to_ms is not None:
            check_order(from_ms, to_ms)
        with self._store.engine.connect() as conn:
            check_run(conn, gateway, run)
            place = places(conn).get(gateway, UNKNOWN)
            rows = queries.intervals(conn, gateway, run, from_ms, to_ms, MAX_ROWS + 1)
        if len(rows) > MAX_ROWS:
            raise BadRequestError(
                400,
                f"more than {MAX_ROWS} intervals in this range",
                "ask for less at a time: ?from_ms=...&to_ms=... (UTC ms)",
            )
        text = intervals_csv(rows, place)
        return _download(text, f"{gateway}_{run}_intervals.csv", "intervals.csv")

    def day(self, request: Request) -> Response:
        """One gas day of a run, hour by hour."""
        gateway, name = request.path_params["gateway"], request.path_params["run"]
        day = read_day(request.path_params, "day")
        assert day is not None
        with self._store.engine.connect() as conn, calendar_faults():
            run = _find(conn, gateway, name)
            calendar = calendar_of(conn, gateway)
            zone = zone_of(calendar.zone)
            context = day_context(conn, gateway, name, calendar, day, zone)
        context |= {"now_ms": self._now_ms(), "run": run, "calendar": calendar}
        return self._answer(request, "day.html", context)

    def continuity(self, request: Request) -> Response:
        """The first law by segment, epochs, what is missing: worked out when somebody looks."""
        gateway, name = request.path_params["gateway"], request.path_params["run"]
        check_names(request.query_params, ("lang",))
        with self._store.engine.connect() as conn:
            run = _find(conn, gateway, name)
            found = continuity(conn, gateway, name)
            zone = places(conn).get(gateway, UNKNOWN).zone
        context = {"now_ms": self._now_ms(), "run": run, "found": found, "zone": zone}
        return self._answer(request, "continuity.html", context)

    def quarantine(self, request: Request) -> Response:
        """Uploads that were refused."""
        check_names(request.query_params, ("lang",))
        with self._store.engine.connect() as conn:
            context = quarantine_context(conn) | {"zone": common_zone(places(conn))}
        return self._answer(request, "quarantine.html", context | {"now_ms": self._now_ms()})

    def days_csv(self, request: Request) -> Response:
        """Gas days as a file; the last month where nothing else is asked for."""
        gateway, run = request.path_params["gateway"], request.path_params["run"]
        query = request.query_params
        check_names(query, ("from", "to"))
        with self._store.engine.connect() as conn, calendar_faults():
            check_run(conn, gateway, run)
            calendar = calendar_of(conn, gateway)
            newest = newest_day(conn, gateway, run, calendar)
            if newest is None:
                raise BadRequestError(400, "no interval of this run has a time", "wait for one")
            first, last = read_days(query, newest, CSV_DAYS)
            text = gas_days_csv(
                gateway, run, calendar, gas_days(conn, gateway, run, calendar, first, last)
            )
        return _download(text, f"{gateway}_{run}_{first}_{last}_gas_days.csv", "gas_days.csv")

    def archives_csv(self, request: Request) -> Response:
        """What devices' archives say of the run's gaps, a line for each figure."""
        gateway, run = request.path_params["gateway"], request.path_params["run"]
        check_names(request.query_params, ())
        with self._store.engine.connect() as conn:
            check_run(conn, gateway, run)
            try:
                text = archives_csv(shown_gaps(conn, gateway, run, None, MAX_RECORDS))
            except TooManyIntervals as error:
                remedy = f"read /api/runs/{gateway}/{run}/archives, which needs none of them"
                raise BadRequestError(400, str(error), remedy) from error
        return Response(
            text,
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="archives.csv"'},
        )

    def answer(self, request: Request, template: str, context: dict[str, Any]) -> Response:
        """A template in the reader's language, for pages that stand in a file of their own."""
        return self._answer(request, template, context)

    def error(self, request: Request, status: int, title: str, detail: str = "") -> Response:
        """An error page in the reader's language: `title` and its remedy are keys of the words."""
        words = self._language(request)
        context = {"title": words(title), "detail": detail, "remedy": words(f"{title}_remedy")}
        return self._answer(request, "error.html", context, status)

    def _status(self) -> dict[str, Any]:
        with self._store.engine.connect() as conn:
            found = places(conn)
            return {
                "now_ms": self._now_ms(),
                "refresh_s": HOME_REFRESH_S,
                "places": found,
                "zone": common_zone(found),
                "gateways": queries.gateways(conn),
                "runs": queries.runs(conn),
                "regulators": queries.regulators(conn),
                "alarms": queries.alarms(conn, limit=ALARM_ROWS),
                "refused": sum(refused_uploads(conn).values()),
                "replaced": replacements(conn),
                "events": queries.events(conn, limit=EVENT_ROWS),
                "warnings": warnings(conn, self._now_ms())[:WARNING_ROWS],
                "statements": statements(conn, limit=STATEMENT_ROWS),
                "offers": list_offers(conn, most=OFFER_ROWS)[::-1],
            }

    def _run(self, request: Request) -> dict[str, Any]:
        gateway, name = request.path_params["gateway"], request.path_params["run"]
        chosen = request.query_params.get("range", DEFAULT_RANGE)
        if chosen not in RANGES:
            raise BadRequestError(400, f"range {chosen[:20]!r}", "one of " + ", ".join(RANGES))
        with self._store.engine.connect() as conn:
            run = _find(conn, gateway, name)
            span = self._span(conn, run, RANGES[chosen])
            place = places(conn).get(gateway, UNKNOWN)
            archives = shown_gaps(conn, gateway, name, SHOWN_GAPS, SHOWN_RECORDS)
            rows = queries.intervals(conn, gateway, name, span.from_ms, span.to_ms, TABLE_ROWS)
            timed_ms = None if run.intervals == 0 else newest_timed_ms(conn, gateway, name)
            days = gas_day_sums(conn, gateway, name, place, timed_ms)
            extras = run_extras(conn, gateway, name)
            edits = edit_trail(conn, gateway, name, EDIT_ROWS) if run.edited else []
            without_time = untimed(conn, gateway, name, UNTIMED_ROWS)
            replaced = replacements(conn, gateway)
            now_ms = self._now_ms()
            warned = [row for row in warnings(conn, now_ms, gateway) if row.subject == name]
            said = statements(conn, gateway, name, RUN_STATEMENT_ROWS)
            worked_on = maintenance(conn, gateway, name)
        return {
            "warnings": warned,
            "statements": said,
            "maintenance": worked_on,
            "now_ms": self._now_ms(),
            "refresh_s": RUN_REFRESH_S,
            "run": run,
            "extras": extras,
            "place": place,
            "zone": place.zone,
            "ranges": list(RANGES),
            "range": chosen,
            "span": span,
            "span_ms": RANGES[chosen],
            "intervals": rows[::-1],
            "archives": archives,
            "untimed": without_time,
            "replaced": replaced,
            "edits": edits,
            "days": days,
        }

    def _span(self, conn: Connection, run: RunRow, span_ms: int) -> TimeRange:
        newest = latest_ms(conn, run.gateway, run.run, self._now_ms())
        return read_range({"span_ms": f"{span_ms}"}, newest)

    def _language(self, request: Request) -> Words:
        asked = request.query_params.get("lang")
        accepted = request.headers.get("accept-language")
        return self._words[choose_language(asked, request.cookies.get(COOKIE), accepted)]

    def _answer(
        self, request: Request, template: str, context: dict[str, Any], status: int = 200
    ) -> Response:
        words = self._language(request)
        rest = [pair for pair in request.query_params.multi_items() if pair[0] != "lang"]
        language_query = f"{urlencode(rest)}&" if rest else ""
        page = self._templates.get_template(template)
        text = page.render(context, words=words, language_query=language_query)
        answer = HTMLResponse(text, status)
        answer.headers["Content-Language"] = words.language
        answer.headers["Vary"] = "Accept-Language, Cookie"
        if request.query_params.get("lang") == words.language:
            # The choice holds for the next pages; no script needs to read it.
            answer.set_cookie(COOKIE, words.language, COOKIE_S, httponly=True, samesite="lax")
        return answer


def _find(conn: Connection, gateway: str, name: str) -> RunRow:
    for row in queries.runs(conn):
        if (row.gateway, row.run) == (gateway, name):
            return row
    raise BadRequestError(404, f"{gateway[:64]} / {name[:64]}", "")


def _download(text: str, name: str, plain: str) -> Response:
    """A CSV file by its name, and by one that every browser takes (RFC 6266)."""
    full = quote(name, safe="")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": disposition},
    )
