"""The intake as bare ASGI: bodies within bounds of bytes, number and time. Routes: `routes.py`.

All work is done in a worker thread.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from central.intake.answer import Answer, come_again, refusal
from central.intake.enroller import Enroller
from central.intake.routes import Asked, Route, find_route, routes, too_large
from central.intake.service import Intake
from central.secret_file import KeyFileError
from protocols.evidence.offer import OFFERS_HEADER
from protocols.evidence.order import ORDERS_HEADER
from protocols.evidence.upload import MAX_UPLOAD_BYTES

MAX_HELD_BYTES: Final = 32 * MAX_UPLOAD_BYTES
"""Of all bodies in memory at one time. Bytes and not bodies are counted: whoever opens connections
and sends nothing, known or not, must not keep the gateways out."""
MAX_BODIES: Final = 32
"""Requests that are answered or wait for it: what is behind them would wait too long."""
BODY_DEADLINE_S: Final = 60.0
WORKERS: Final = 4

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)


class Gone(Exception):  # noqa: N818 - the peer closed; there is nobody to answer
    """The client went away before its body was complete."""


class IntakeApp:
    """An ASGI application; `close` ends its worker threads.

    `identity_header`: where a TLS terminator on this machine says which gateway's certificate it
    verified; None where gateways connect directly.
    """

    def __init__(
        self,
        intake: Intake,
        enroller: Enroller | None = None,
        identity_header: str | None = None,
    ) -> None:
        self._routes = routes(intake, enroller)
        self._identity_header = identity_header
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="intake")
        self._held_bytes = 0
        self._bodies = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"intake speaks plain HTTP, not {scope['type']}")
        body = bytearray()
        try:
            answer = await self._answer(scope, receive, body)
        except Gone:
            return
        finally:
            self._held_bytes -= len(body)
        await _send(send, answer)

    def close(self) -> None:
        """Let running uploads finish, then end."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    async def _answer(self, scope: Scope, receive: Receive, body: bytearray) -> Answer:
        headers = dict(scope["headers"])
        route = find_route(self._routes, scope["method"], scope["path"], headers)
        if isinstance(route, Answer):
            return route
        if self._identity_header is not None and not _is_local(scope):
            reason = "only the TLS terminator on this machine may connect here"
            return refusal(403, reason, "connect to the terminator's address")
        if (
            route.method != "GET"
        ):  # the body of a GET, if it has one, is left for the server to drop
            try:
                async with asyncio.timeout(BODY_DEADLINE_S):
                    refused = await self._read_body(route, receive, body)
            except TimeoutError:
                return refusal(408, f"no whole body in {BODY_DEADLINE_S:.0f} s", "send it again")
            if refused is not None:
                return refused
        tail = scope["path"].removeprefix(route.path)
        asked = Asked(tail, scope.get("query_string", b""), headers, bytes(body), None)
        return await self._work(route, self._identified(asked))

    def _identified(self, asked: Asked) -> Asked:
        """With the terminator's word; "" where no certificate was shown."""
        if self._identity_header is None:
            return asked
        return asked._replace(identity=asked.header(self._identity_header))

    async def _work(self, route: Route, asked: Asked) -> Answer:
        if self._bodies >= MAX_BODIES:
            return come_again("too many requests at once")
        self._bodies += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._workers, route.call, asked)
        except SQLAlchemyError as error:
            # The log may not have the batch, or have it without an answer: both are safe to repeat.
            _log.error("the store failed: %s", error)
            return refusal(500, "central's store failed", "send it again later; see central's log")
        except KeyFileError as error:
            _log.error("a key of central cannot be used: %s", error)
            return refusal(500, "a key of central cannot be used", "see central's log")
        finally:
            self._bodies -= 1

    async def _read_body(self, route: Route, receive: Receive, body: bytearray) -> Answer | None:
        """Fill `body`; a refusal as soon as it is longer than the route reads, or all are."""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            piece = message.get("body", b"")
            if len(body) + len(piece) > route.max_bytes:
                return too_large(route)
            if self._held_bytes + len(piece) > MAX_HELD_BYTES:
                return come_again("too many uploads at once")
            body += piece
            self._held_bytes += len(piece)
            if not message.get("more_body", False):
                return None


def _is_local(scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and ipaddress.ip_address(client[0]).is_loopback


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    if answer.newest_order:
        headers.append((ORDERS_HEADER.lower().encode(), str(answer.newest_order).encode()))
    if answer.newest_offer:
        headers.append((OFFERS_HEADER.lower().encode(), str(answer.newest_offer).encode()))
    if answer.retry_after_s:
        headers.append((b"retry-after", str(answer.retry_after_s).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
