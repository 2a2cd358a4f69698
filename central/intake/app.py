"""The intake as bare ASGI: POST /v1/upload with a bounded body, GET /v1/orders/<gateway>.

All work is done in a worker thread.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from central.intake.answer import Answer, refusal
from central.intake.orders import PREFIX
from central.intake.service import Intake
from protocols.evidence.order import ORDERS_HEADER, REQUEST_HEADER
from protocols.evidence.upload import MAX_UPLOAD_BYTES, UNSENT_HEADER, parse_unsent

PATH: Final = "/v1/upload"
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
_TOO_LARGE: Final = refusal(
    413, f"an upload has at most {MAX_UPLOAD_BYTES} bytes", "send fewer leaves in one batch"
)
_TOO_MANY: Final = refusal(429, "too many uploads at once", "send it again later")


class Gone(Exception):  # noqa: N818 - the peer closed; there is nobody to answer
    """The client went away before its body was complete."""


class IntakeApp:
    """An ASGI application; `close` ends its worker threads."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
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
        wrong = _wrong_request(scope)
        if wrong is not None:
            return wrong
        if scope["method"] == "GET":
            return await self._tell_orders(scope)
        try:
            async with asyncio.timeout(BODY_DEADLINE_S):
                refused = await self._read_body(receive, body)
        except TimeoutError:
            return refusal(408, f"no whole body in {BODY_DEADLINE_S:.0f} s", "send it again")
        if refused is not None:
            return refused
        unsent = parse_unsent(_header(scope, UNSENT_HEADER).decode("latin-1"))
        return await self._work(self._intake.receive, bytes(body), unsent)

    async def _tell_orders(self, scope: Scope) -> Answer:
        """The body, if a GET has one, is left unread: the server drops it."""
        gateway = scope["path"].removeprefix(PREFIX)
        request = _header(scope, REQUEST_HEADER).decode("latin-1")
        return await self._work(self._intake.orders, gateway, scope["query_string"], request)

    async def _work(self, call: Callable[..., Answer], *arguments: object) -> Answer:
        if self._bodies >= MAX_BODIES:
            return _TOO_MANY
        self._bodies += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, call, *arguments)
        except SQLAlchemyError as error:
            # The log may not have the batch, or have it without an answer: both are safe to repeat.
            _log.error("the store failed: %s", error)
            return refusal(500, "central's store failed", "send it again later; see central's log")
        finally:
            self._bodies -= 1

    async def _read_body(self, receive: Receive, body: bytearray) -> Answer | None:
        """Fill `body`; a refusal as soon as it is longer than an upload, or all are too much."""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            piece = message.get("body", b"")
            if len(body) + len(piece) > MAX_UPLOAD_BYTES:
                return _TOO_LARGE
            if self._held_bytes + len(piece) > MAX_HELD_BYTES:
                return _TOO_MANY
            body += piece
            self._held_bytes += len(piece)
            if not message.get("more_body", False):
                return None


def _wrong_request(scope: Scope) -> Answer | None:
    """What can be refused before a byte of the body is read."""
    if scope["path"].startswith(PREFIX):
        if scope["method"] != "GET":
            return refusal(405, f"method {scope['method']} is not known here", f"GET {PREFIX}...")
        return None
    if scope["path"] != PATH:
        return refusal(404, "there is nothing here", f"POST {PATH}")
    if scope["method"] != "POST":
        return refusal(405, f"method {scope['method']} is not known here", f"POST {PATH}")
    if _header(scope, "Content-Type") != b"application/cbor":
        return refusal(415, "an upload is application/cbor", "set Content-Type")
    length = _header(scope, "Content-Length", b"0")
    if not length.isdigit() or len(length) > 10 or int(length) > MAX_UPLOAD_BYTES:
        return _TOO_LARGE
    return None


def _header(scope: Scope, name: str, otherwise: bytes = b"") -> bytes:
    value: bytes = dict(scope["headers"]).get(name.lower().encode(), otherwise)
    return value


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    if answer.newest_order:
        headers.append((ORDERS_HEADER.lower().encode(), str(answer.newest_order).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
