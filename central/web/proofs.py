"""The customer's pages: a proven interval by run and time, its file, the daily checkpoints."""

from typing import Any, Protocol
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from central.api.query import BadRequestError, check_names, check_run, read_integer
from central.clock import Clock
from central.ledger import queries
from central.proofs.bundle import bundle, daily_bundle
from central.proofs.fleet import Daily, daily_files, days, read_daily, read_head
from central.proofs.prove import ProofError, newest_epoch
from central.store.database import Store
from central.web.instants import moment, zone_of
from central.web.places import UNKNOWN, Place, places
from central.web.proof_page import (
    billing_place,
    find_interval,
    grouped,
    keys_of,
    proof_context,
    proven_interval,
    read_time,
)
from protocols.evidence.leaf import MAX_EPOCH, MAX_SEQ, Log, Origin

SHOWN_DAYS = 31


class Renders(Protocol):
    """What of the pages is needed here."""

    def answer(self, request: Request, template: str, context: dict[str, Any]) -> Response: ...


class ProofPages:
    """Endpoints over one store; each runs in a worker thread."""

    def __init__(self, store: Store, now_ms: Clock, pages: Renders) -> None:
        self._store = store
        self._now_ms = now_ms
        self._pages = pages

    def routes(self) -> list[Route]:
        """All routes of proofs."""
        run = "/runs/{gateway}/{run}"
        return [
            Route(f"{run}/proof", self.proof, methods=["GET"]),
            Route(f"{run}/proof.zip", self.zip, methods=["GET"]),
            Route("/daily", self.daily, methods=["GET"]),
            Route("/api/daily", self.daily_json, methods=["GET"]),
            Route("/daily/{day}.txt", self.daily_text, methods=["GET"]),
            Route("/daily/{day}/{gateway}/{log}.zip", self.daily_zip, methods=["GET"]),
        ]

    def proof(self, request: Request) -> Response:
        """An interval of the run, proven: by ?at=, the time at the site; the form alone without."""
        gateway, run = request.path_params["gateway"], request.path_params["run"]
        check_names(request.query_params, ("at", "lang"))
        with self._store.engine.connect() as conn:
            check_run(conn, gateway, run)
            site = places(conn).get(gateway, UNKNOWN)
            newest = self._newest_ms(conn, gateway, run)
        zone = zone_of(site.zone)
        asked = request.query_params.get("at", "")
        context: dict[str, Any] = {
            "gateway": gateway, "run": run, "site": site, "now_ms": self._now_ms(),
            "at": asked or _field_value(newest, site), "proven": None, "fault": "",
            "day": next(iter(days(self._store.directory)), ""),
        }  # fmt: skip
        if asked:
            try:
                found = find_interval(self._store, gateway, run, read_time(asked, zone))
                proven = proven_interval(self._store, found, self._now_ms() // 1000)
                context["proven"] = proof_context(proven)
            except BadRequestError as error:
                context["fault"] = error.error
        return self._pages.answer(request, "proof.html", context)

    def zip(self, request: Request) -> Response:
        """The proof of one interval as a file, by its place in the log."""
        gateway, run = request.path_params["gateway"], request.path_params["run"]
        query = request.query_params
        check_names(query, ("epoch", "seq"))
        epoch = read_integer(query, "epoch", 0, MAX_EPOCH)
        seq = read_integer(query, "seq", 0, MAX_SEQ)
        if epoch is None or seq is None:
            raise BadRequestError(400, "epoch and seq are missing", "use the link on the page")
        place = billing_place(gateway, epoch, seq)
        proven = proven_interval(self._store, place, self._now_ms() // 1000)
        if proven.report.leaf.subject != run:
            raise BadRequestError(404, f"{gateway} / {run}: leaf {seq}", "use the link on the page")
        return _download(bundle(proven.files), f"{gateway}_{run}_{epoch}_{seq}_proof.zip")

    def daily(self, request: Request) -> Response:
        """The daily checkpoints, newest first."""
        check_names(request.query_params, ("lang",))
        fingerprint = keys_of(self._store).public.fingerprint
        context = {"rows": self._days(), "fingerprint": grouped(fingerprint)}
        return self._pages.answer(request, "daily.html", context)

    def daily_json(self, request: Request) -> Response:
        """The same as JSON, with the publisher's keys."""
        check_names(request.query_params, ())
        public = keys_of(self._store).public
        keys = [public.verifier.vkey, public.fleet.vkey]
        fingerprint = public.fingerprint
        return JSONResponse({"publisher": keys, "fingerprint": fingerprint, "days": self._days()})

    def _days(self) -> list[dict[str, Any]]:
        """Day, number of logs, root, signed head; of the last month."""
        rows = []
        for day in days(self._store.directory)[:SHOWN_DAYS]:
            note = read_head(self._store.directory, day).decode("utf-8")
            _, size, root = note.split("\n")[:3]
            rows.append({"day": day, "logs": int(size), "root": root, "note": note})
        return rows

    def daily_text(self, request: Request) -> Response:
        """A day's signed head, as it is."""
        check_names(request.query_params, ())
        try:
            note = read_head(self._store.directory, request.path_params["day"])
        except ProofError as error:
            raise BadRequestError(404, f"{error}", "choose one of the list") from error
        return Response(note, media_type="text/plain; charset=utf-8")

    def daily_zip(self, request: Request) -> Response:
        """What proves a gateway's checkpoint to be under a day's head."""
        check_names(request.query_params, ())
        gateway, log = request.path_params["gateway"], request.path_params["log"]
        if log not in list(Log):
            raise BadRequestError(404, f"log {log[:20]}", "billing or telemetry")
        daily = self._read(request.path_params["day"])
        keys = keys_of(self._store)
        try:
            with self._store.engine.connect() as conn:
                epoch = newest_epoch(conn, gateway, Log(log))
            files = daily_files(self._store, keys, daily, Origin(gateway, Log(log), epoch))
        except ProofError as error:
            raise BadRequestError(404, f"{error}", "choose a later day") from error
        return _download(daily_bundle(files), f"{gateway}_{log}_{daily.day}_daily.zip")

    def _read(self, day: str) -> Daily:
        try:
            return read_daily(self._store.directory, day)
        except ProofError as error:
            raise BadRequestError(404, f"{error}", "choose one of the list") from error

    def _newest_ms(self, conn: Connection, gateway: str, run: str) -> int | None:
        for row in queries.runs(conn):
            if (row.gateway, row.run) == (gateway, run):
                return row.last_interval_end_ms
        return None


def _field_value(newest_ms: int | None, site: Place) -> str:
    """What the field shows at first: a time within the newest interval, by the site's clock.

    To the second, as the field takes it: an interval may be shorter than a minute.
    """
    if newest_ms is None:
        return ""
    at = moment(newest_ms - 1, zone_of(site.zone))
    return "" if at is None else f"{at:%Y-%m-%dT%H:%M:%S}"


def _download(data: bytes, name: str) -> Response:
    """A file by its name, and by one that every browser takes (RFC 6266)."""
    disposition = f"attachment; filename=\"proof.zip\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(
        data, media_type="application/zip", headers={"Content-Disposition": disposition}
    )
