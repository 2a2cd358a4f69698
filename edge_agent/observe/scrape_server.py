"""A small HTTP server for one path, GET /metrics: one client at a time, each with a deadline.

Who scrapes can slow down nobody but the next scraper: the request is bounded, nothing is kept
alive, and the agent's threads never wait for this one.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from typing import Final

from edge_agent.clock import mono_ms

PATH: Final = "/metrics"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
MAX_HEAD: Final = 4096
CLIENT_S: Final = 3.0
ACCEPT_S: Final = 0.5
SHORT_S: Final = 1.0
_log = logging.getLogger(__name__)


class ScrapeServer(threading.Thread):
    """Serves until `stop`. Raises OSError where the address cannot be had."""

    def __init__(
        self, host: str, port: int, text: Callable[[], bytes], stop: threading.Event
    ) -> None:
        super().__init__(name="metrics", daemon=True)
        self._text = text
        self._stop_event = stop
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=4)
        self._socket.settimeout(ACCEPT_S)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def run(self) -> None:
        with self._socket:
            while not self._stop_event.is_set():
                try:
                    connection, _ = self._socket.accept()
                except TimeoutError:
                    continue
                except OSError:  # no descriptors: whoever scrapes waits, the server lives on
                    self._stop_event.wait(SHORT_S)
                    continue
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(CLIENT_S)
                    connection.sendall(self._answer(read_head(connection)))

    def _answer(self, head: bytes | None) -> bytes:
        if head is None:
            return _response("400 Bad Request", b"no request of at most 4096 bytes within 3 s\n")
        method, path = (*head.split(b" ", 2), b"", b"")[:2]
        if method not in (b"GET", b"HEAD"):
            return _response("405 Method Not Allowed", b"only GET\n")
        if path.partition(b"?")[0] != PATH.encode():
            return _response("404 Not Found", b"only /metrics is here\n")
        body = self._text()
        return _response("200 OK", body if method == b"GET" else b"")


def read_head(connection: socket.socket) -> bytes | None:
    """Up to the empty line; None where it is too long, too slow or not whole."""
    deadline_ms = mono_ms() + round(1000 * CLIENT_S)
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(MAX_HEAD)
        data += chunk
        if not chunk or len(data) > MAX_HEAD or mono_ms() >= deadline_ms:
            return None
    return data


def _response(status: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
