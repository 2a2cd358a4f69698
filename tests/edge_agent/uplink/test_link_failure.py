"""What a technician reads where there is no central: each cause by a real socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from edge_agent.uplink.link_failure import LinkFailure
from edge_agent.uplink.resolver import Resolver
from edge_agent.uplink.transport import MAX_RETRY_AFTER_S, Answer, Transport
from tests.edge_agent.tls_central import Request, TlsCentral, make_certificates, serving
from tests.edge_agent.wild_servers import (
    Wild,
    connect_proxy,
    dripping,
    listening,
    portal,
    refusing_proxy,
    silent,
)

pytestmark = pytest.mark.timing

BODY = b"x" * 200


class EchoCentral(TlsCentral):
    def take(self, body: bytes) -> tuple[int, bytes]:
        return 200, body


@pytest.fixture
def central(tmp_path: Path) -> Iterator[TlsCentral]:
    with serving(tmp_path, EchoCentral()) as running:
        yield running


def failure(transport: Transport) -> LinkFailure:
    """Of one post, which must have ended soon."""
    begun = monotonic()
    answer = transport.post("/v1/upload", BODY)
    transport.close()
    assert monotonic() - begun < 4.0
    assert isinstance(answer, LinkFailure), answer
    return answer


@pytest.mark.parametrize(
    ("handle", "problem", "remedy"),
    [
        (silent, "no complete answer", "link's speed"),
        (dripping, "no complete answer", "link's speed"),
        (portal, "TLS with", "captive portal"),
    ],
    ids=["silence", "a handshake that drips", "a portal"],
)
def test_what_is_not_central(
    tmp_path: Path,
    handle: Callable[[Wild, socket.socket], None],
    problem: str,
    remedy: str,
) -> None:
    """Ends within the deadline, and says what it may be."""
    make_certificates(tmp_path)
    with listening(handle) as wild:
        url = f"https://localhost:{wild.port}"
        told = failure(Transport(url, tmp_path / "ca.pem", 0.6))
    assert problem in told.problem
    assert remedy in told.remedy


@pytest.mark.parametrize("days", [(-9, -2), (2, 9)], ids=["expired", "not yet valid"])
def test_a_date_that_cannot_be(tmp_path: Path, days: tuple[int, int]) -> None:
    """TLS fails on dates where the clock is wrong by years: what it shows is told."""
    with serving(tmp_path, days=days) as central:
        told = failure(Transport(central.url, tmp_path / "ca.pem", 2.0))
    assert "certificate" in told.problem
    assert "clock shows 20" in told.remedy
    assert "clock-floor" in told.remedy


FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
POST = """
import sys
from pathlib import Path
from edge_agent.uplink.transport import Transport
print(*Transport(sys.argv[1], Path(sys.argv[2]), 20.0).post("/v1/upload", b"x"), sep="; ")
"""


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed (apt: faketime)")
@pytest.mark.parametrize("year", [1981, 2061])
def test_a_clock_that_is_wrong_by_years(tmp_path: Path, central: TlsCentral, year: int) -> None:
    """A real process with such a clock: what it shows is told, and how to set it."""
    environment = os.environ | {
        "LD_PRELOAD": str(FAKETIME),
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME": f"@{year}-06-01 00:00:00",
        "PYTHONWARNINGS": "ignore",
    }
    result = subprocess.run(
        [sys.executable, "-c", POST, central.url, str(tmp_path / "ca.pem")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"clock shows {year}-0" in result.stdout
    assert "clock-floor" in result.stdout


def test_a_certificate_of_somebody_else(tmp_path: Path, central: TlsCentral) -> None:
    """A portal that brings a certificate of its own is not trusted either."""
    other = tmp_path / "other"
    other.mkdir()
    make_certificates(other)
    told = failure(Transport(central.url, other / "ca.pem", 2.0))
    assert "captive portal" in told.remedy


def test_a_server_that_vanishes(tmp_path: Path, central: TlsCentral) -> None:
    """A kept connection whose other end is gone without a word ends at the deadline; the next
    post makes a new one."""
    gone = threading.Event()

    def relay(wild: Wild, connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", int(central.url.rpartition(":")[2]))) as target:
            connection.settimeout(0.02)
            target.settimeout(0.02)
            vanishes = wild.connections == 1
            while not wild.stop.is_set():
                for source, sink in ((connection, target), (target, connection)):
                    try:
                        data = source.recv(65_536)
                    except TimeoutError:
                        continue
                    if not (vanishes and gone.is_set()):
                        sink.sendall(data)

    with listening(relay) as wild:
        transport = Transport(f"https://localhost:{wild.port}", tmp_path / "ca.pem", 0.6)
        assert isinstance(transport.post("/v1/upload", BODY), Answer)
        gone.set()
        begun = monotonic()
        answer = transport.post("/v1/upload", BODY)
        assert isinstance(answer, LinkFailure)
        assert "no complete answer" in answer.problem
        assert monotonic() - begun < 3.0
        assert isinstance(transport.post("/v1/upload", BODY), Answer)
        transport.close()
    assert wild.connections == 2


def test_through_a_proxy(tmp_path: Path, central: TlsCentral) -> None:
    """Where one is configured: CONNECT, and central's own certificate behind it."""
    with listening(connect_proxy) as proxy:
        port = central.url.rpartition(":")[2]
        transport = Transport(
            central.url, tmp_path / "ca.pem", 2.0, proxy=f"http://127.0.0.1:{proxy.port}"
        )
        for number in range(3):
            answer = transport.post("/v1/upload", bytes([number]))
            assert isinstance(answer, Answer), answer
            assert answer.body == bytes([number])
        transport.close()
    assert proxy.connections == 1
    assert proxy.requests[0].startswith(f"CONNECT localhost:{port} ".encode())


@pytest.mark.parametrize(
    ("handle", "problem"),
    [(refusing_proxy, "407"), (silent, "no complete answer"), (portal, "gives no way")],
)
def test_a_proxy_that_gives_no_way(
    tmp_path: Path,
    central: TlsCentral,
    handle: Callable[[Wild, socket.socket], None],
    problem: str,
) -> None:
    """It is named, without its password, and its silence is bounded too."""
    with listening(handle) as proxy:
        url = f"http://gate:secret@127.0.0.1:{proxy.port}"
        told = failure(Transport(central.url, tmp_path / "ca.pem", 0.6, proxy=url))
    assert problem in told.problem or (handle is silent and "gives no way" in told.problem)
    assert "secret" not in told.problem + told.remedy


def test_no_proxy_is_there(tmp_path: Path, central: TlsCentral) -> None:
    """Named by its address."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    told = failure(Transport(central.url, tmp_path / "ca.pem", 2.0, proxy=url))
    assert url in told.problem
    assert "central.proxy" in told.remedy


def test_a_resolver_that_hangs(tmp_path: Path, central: TlsCentral) -> None:
    """getaddrinfo knows no deadline; the call has one, and DNS is named."""
    go_on = threading.Event()

    def hang(_host: str, _port: int) -> list[tuple[Any, ...]]:
        go_on.wait(20.0)
        return []

    told = failure(Transport(central.url, tmp_path / "ca.pem", 5.0, resolver=Resolver(0.2, hang)))
    go_on.set()
    assert "the name localhost could not be resolved: no answer" in told.problem
    assert "DNS" in told.remedy


def test_a_name_that_is_not_there(tmp_path: Path, central: TlsCentral) -> None:
    """The name of RFC 2606 that never exists."""
    url = central.url.replace("localhost", "central.invalid")
    told = failure(Transport(url, tmp_path / "ca.pem", 3.0, resolver=Resolver(2.0)))
    assert "central.invalid" in told.problem
    assert "DNS" in told.remedy


def test_a_dead_address_first(tmp_path: Path, central: TlsCentral) -> None:
    """A host of several addresses is reached by the one that lives."""

    def lookup(_host: str, port: int) -> list[tuple[Any, ...]]:
        return [(2, 1, 6, "", (address, port)) for address in ("127.0.0.9", "127.0.0.1")]

    transport = Transport(central.url, tmp_path / "ca.pem", 3.0, resolver=Resolver(1.0, lookup))
    assert isinstance(transport.post("/v1/upload", BODY), Answer)
    transport.close()


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("7", 7),
        ("0", 0),
        ("999999999", MAX_RETRY_AFTER_S),
        ("-5", 0),
        ("1e3", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
        ("9" * 40, 0),
    ],
)
def test_retry_after_is_read_within_a_bound(
    tmp_path: Path, central: TlsCentral, header: str, wait_s: int
) -> None:
    """Seconds only, at most an hour."""

    def busy(request: Request, _body: bytes, _central: TlsCentral) -> None:
        request.send(429, b"{}", "application/json", Retry_After=header)

    central.faults.append(busy)
    transport = Transport(central.url, tmp_path / "ca.pem", 2.0)
    answer = transport.post("/v1/upload", BODY)
    transport.close()
    assert isinstance(answer, Answer)
    assert (answer.status, answer.retry_after_s) == (429, wait_s)
