"""The page of one gateway: what stands there, what people did there, what it says of itself."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from central.api.query import BadRequestError, check_names
from central.clock import Clock
from central.ledger import queries
from central.ledger.statements import health, statements, warnings
from central.offers import list_offers
from central.store.database import Store
from central.web.pages import Pages
from central.web.places import UNKNOWN, places

STATEMENT_ROWS = 100
EVENT_ROWS = 50
OFFER_ROWS = 20


class GatewayPage:
    """Endpoints are plain functions: each runs in a worker thread."""

    def __init__(self, store: Store, now_ms: Clock, pages: Pages) -> None:
        self._store = store
        self._now_ms = now_ms
        self._pages = pages

    def routes(self) -> list[Route]:
        """The one route."""
        return [Route("/gateways/{gateway}", self.gateway, methods=["GET"])]

    def gateway(self, request: Request) -> Response:
        """Warnings, acts on site, health, events."""
        name = request.path_params["gateway"]
        check_names(request.query_params, ("lang",))
        with self._store.engine.connect() as conn:
            if name not in {row.gateway for row in queries.gateways(conn)}:
                raise BadRequestError(404, name[:64], "")
            place = places(conn).get(name, UNKNOWN)
            context = {
                "now_ms": self._now_ms(),
                "gateway": name,
                "site": place.name,
                "zone": place.zone,
                "runs": [row.run for row in queries.runs(conn) if row.gateway == name],
                "warnings": warnings(conn, self._now_ms(), name),
                "statements": statements(conn, name, None, STATEMENT_ROWS),
                "health": health(conn, name),
                "events": queries.events(conn, name, EVENT_ROWS),
                "offers": list_offers(conn, name, OFFER_ROWS)[::-1],
            }
        return self._pages.answer(request, "gateway.html", context)
