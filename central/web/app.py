"""The web application: pages, JSON API, health. GET only; no answer leaves without its headers."""

import logging

from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from central.api.query import BadRequestError
from central.api.routes import error_answer, routes
from central.clock import Clock, utc_now_ms
from central.store.database import Store
from central.web.gateway_page import GatewayPage
from central.web.pages import Pages
from central.web.proofs import ProofPages
from central.web.security import HEADERS, SecurityHeaders

log = logging.getLogger(__name__)


def create_app(store: Store, now_ms: Clock = utc_now_ms) -> Starlette:
    """The application over one store; `now_ms` is central's clock, UTC ms."""
    pages = Pages(store, now_ms)
    answers = _Errors(pages)
    return Starlette(
        routes=[
            *ProofPages(store, now_ms, pages).routes(),
            *routes(store, now_ms),
            *pages.routes(),
            *GatewayPage(store, now_ms, pages).routes(),
            Mount("/static", StaticFiles(packages=[("central.web", "static")])),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={
            BadRequestError: answers.bad_request,
            HTTPException: answers.http,
            OperationalError: answers.store,
            Exception: answers.fault,
        },
        max_body_size=0,
    )


class _Errors:
    """Errors as JSON under /api, as a page in the reader's language elsewhere."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def bad_request(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, BadRequestError)
        if _wants_json(request):
            return error_answer(error.status, error.error, error.remedy)
        if error.status == 404:
            return self._pages.error(request, 404, "page.not_found", error.error)
        detail = f"{error.error}. {error.remedy}."
        return self._pages.error(request, error.status, "page.bad_request", detail)

    def http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = error.status_code
        if status == 404 and not _wants_json(request):
            return self._pages.error(request, 404, "page.not_found")
        answer = error_answer(status, error.detail, "only GET of the addresses in the README")
        answer.headers.update(error.headers or {})
        return answer

    def store(self, request: Request, error: Exception) -> Response:
        log.error("%s: the store did not answer: %s", request.url.path, error)
        if _wants_json(request):
            return error_answer(503, "the store did not answer", "try again; read central's log")
        return self._pages.error(request, 503, "page.failed")

    def fault(self, request: Request, error: Exception) -> Response:
        """A fault of ours. Starlette logs it after this, outside of the middleware."""
        if _wants_json(request):
            answer: Response = error_answer(500, "central failed", "read central's log")
        else:
            answer = self._pages.error(request, 500, "page.failed")
        answer.headers.update(HEADERS | {"Cache-Control": "no-store"})
        return answer


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/healthz"))
