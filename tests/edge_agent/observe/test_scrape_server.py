"""The metrics' server over real sockets: bounded whatever a client does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import edge_agent.observe.scrape_server as module
from edge_agent.observe.scrape_server import MAX_HEAD, ScrapeServer
from tests.edge_agent.descriptors import none_left


@contextmanager
def serving(body: bytes = b"up 1\n") -> Iterator[ScrapeServer]:
    stop = threading.Event()
    server = ScrapeServer("127.0.0.1", 0, lambda: body, stop)
    server.start()
    try:
        yield server
    finally:
        stop.set()
        server.join(10)
        assert not server.is_alive()


def open_to(server: ScrapeServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def ask(server: ScrapeServer, request: bytes) -> bytes:
    with open_to(server) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_scrape_has_the_text() -> None:
    """One answer, whole, and the connection ends."""
    with serving() as server:
        answer = ask(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"Content-Length: 5" in head
    assert b"text/plain; version=0.0.4" in head
    assert body == b"up 1\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [(b"GET / HTTP/1.1\r\n\r\n", b"404"), (b"POST /metrics HTTP/1.1\r\n\r\n", b"405"),
     (b"GET /metrics?x=1 HTTP/1.1\r\n\r\n", b"200"), (b"\r\n\r\n", b"405"),
     (b"G" * (MAX_HEAD + 1), b"400")],
)  # fmt: skip
def test_anything_else_is_refused(request_: bytes, status: bytes) -> None:
    """By its status."""
    with serving() as server:
        try:
            answer = ask(server, request_)
        except ConnectionResetError:  # closed with our bytes unread
            answer = b"HTTP/1.1 400"
        assert answer.split()[1] == status


def test_a_client_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """At its deadline, and the next one is served."""
    monkeypatch.setattr(module, "CLIENT_S", 0.2)
    with serving() as server, open_to(server) as silent:
        silent.sendall(b"GET /met")
        assert b"200 OK" in ask(server, b"GET /metrics HTTP/1.1\r\n\r\n")


def test_a_client_that_reads_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer is more than the sockets hold."""
    monkeypatch.setattr(module, "CLIENT_S", 0.2)
    with serving(b"x" * 20_000_000) as server, open_to(server) as deaf:
        deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert b"405" in ask(server, b"PUT / HTTP/1.1\r\n\r\n")


def test_a_port_that_is_taken_is_told() -> None:
    """By OSError, of which the agent makes a line in its log."""
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        ScrapeServer("127.0.0.1", other.getsockname()[1], lambda: b"", threading.Event())


def test_a_process_without_descriptors_serves_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who scrapes meanwhile waits; the server does not die of it."""
    monkeypatch.setattr(module, "SHORT_S", 0.05)
    refused = threading.Event()
    with serving() as server, socket.socket() as client:
        client.settimeout(10)
        waiting = server._stop_event.wait

        def wait(seconds: float) -> bool:
            refused.set()
            return waiting(seconds)

        monkeypatch.setattr(server._stop_event, "wait", wait)
        with none_left():
            client.connect(("127.0.0.1", server.port))
            assert refused.wait(10)
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
