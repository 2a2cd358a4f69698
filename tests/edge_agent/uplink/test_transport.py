"""The way to central: what is not central, or does not answer in full and in time, is a value."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from urllib3.util import connection

from edge_agent.uplink.transport import MAX_ANSWER_BYTES, Answer, LinkFailure, Transport
from tests.edge_agent.tls_central import Fault, Request, TlsCentral, make_certificates, serving

BODY = b"x" * 200


class EchoCentral(TlsCentral):
    def take(self, body: bytes) -> tuple[int, bytes]:
        return 200, body


@pytest.fixture
def central(tmp_path: Path) -> Iterator[TlsCentral]:
    with serving(tmp_path, EchoCentral()) as running:
        yield running


@pytest.fixture
def transport(central: TlsCentral, tmp_path: Path) -> Iterator[Transport]:
    transport = Transport(central.url, tmp_path / "ca.pem", deadline_s=0.8)
    yield transport
    transport.close()


def redirect(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send(307, b"", Location="/elsewhere")


def huge_redirect(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send(307, b"x" * (MAX_ANSWER_BYTES + 1), Location="/elsewhere")


def huge(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send(200, b"x" * (MAX_ANSWER_BYTES + 1))


def endless(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send_response_only(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for _ in range(1000):
        request.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def dripping_body(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.send_response_only(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    drip(request, b"x")


def dripping_header(request: Request, _body: bytes, _central: TlsCentral) -> None:
    drip(request, b"H")


def drip(request: Request, byte: bytes) -> None:
    for _ in range(100):
        request.wfile.write(byte)
        request.wfile.flush()
        threading.Event().wait(0.1)


def cut(request: Request, _body: bytes, _central: TlsCentral) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def test_posts_on_one_kept_connection(central: TlsCentral, transport: Transport) -> None:
    """Several posts share one TLS connection, and each answer belongs to its post."""
    for number in range(3):
        assert transport.post("/v1/upload", bytes([number])) == Answer(
            200, "text/plain", bytes([number])
        )
    assert central.connections == 1


def test_a_redirect_is_an_answer(central: TlsCentral, transport: Transport) -> None:
    """It is not followed."""
    central.faults.append(redirect)
    answer = transport.post("/v1/upload", BODY)
    assert isinstance(answer, Answer)
    assert answer.status == 307
    assert central.connections == 1


@pytest.mark.parametrize("location", ["https://[", "\u00ff\u00fe", "//x:99999/"])
def test_a_redirect_to_nowhere_is_an_answer_too(
    central: TlsCentral, transport: Transport, location: str
) -> None:
    """Nobody tries to understand the address: an error there would end the uplink."""
    central.faults.append(
        lambda request, _body, _central: request.send(302, b"", Location=location)
    )
    answer = transport.post("/v1/upload", BODY)
    assert isinstance(answer, Answer)
    assert answer.status == 302


@pytest.mark.parametrize("fault", [huge, endless, huge_redirect])
def test_an_answer_is_bounded(central: TlsCentral, transport: Transport, fault: Fault) -> None:
    """More bytes than any receipt has are not read."""
    central.faults.append(fault)
    answer = transport.post("/v1/upload", BODY)
    assert isinstance(answer, LinkFailure)
    assert str(MAX_ANSWER_BYTES) in answer.problem
    assert isinstance(transport.post("/v1/upload", BODY), Answer)


@pytest.mark.parametrize("fault", [dripping_body, dripping_header])
def test_a_dripping_answer_ends_at_the_deadline(
    central: TlsCentral, transport: Transport, fault: Fault
) -> None:
    """A byte each 0.1 s outlives every socket timeout, but not the call's deadline."""
    central.faults.append(fault)
    begun = monotonic()
    answer = transport.post("/v1/upload", BODY)
    assert isinstance(answer, LinkFailure)
    assert "no complete answer" in answer.problem
    assert monotonic() - begun < 3.0
    assert isinstance(transport.post("/v1/upload", BODY), Answer)


def test_a_deadline_that_passed_while_connecting_still_holds(
    central: TlsCentral, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host with a dead address first: the other one is not waited for without an end."""
    central.faults.append(dripping_body)
    connect = connection.create_connection

    def slowly(*arguments: Any, **named: Any) -> socket.socket:
        threading.Event().wait(0.6)
        return connect(*arguments, **named)

    monkeypatch.setattr(connection, "create_connection", slowly)
    transport = Transport(central.url, tmp_path / "ca.pem", deadline_s=0.3)
    begun = monotonic()
    answer = transport.post("/v1/upload", BODY)
    assert isinstance(answer, LinkFailure)
    assert "no complete answer" in answer.problem
    assert monotonic() - begun < 3.0
    transport.close()
    del answer
    gc.collect()  # a socket that nobody closed is told here


def test_abort_ends_a_call_from_another_thread(central: TlsCentral, tmp_path: Path) -> None:
    """The agent's end does not wait for a central that does not answer."""
    central.faults.append(dripping_body)
    transport = Transport(central.url, tmp_path / "ca.pem", deadline_s=60.0)
    threading.Timer(0.3, transport.abort).start()
    begun = monotonic()
    assert isinstance(transport.post("/v1/upload", BODY), LinkFailure)
    assert monotonic() - begun < 5.0
    transport.close()


def test_a_cut_connection_is_a_failure(central: TlsCentral, transport: Transport) -> None:
    """And the next post makes a new one."""
    central.faults.append(cut)
    answer = transport.post("/v1/upload", BODY)
    assert isinstance(answer, LinkFailure)
    assert "failed" in answer.problem
    assert isinstance(transport.post("/v1/upload", BODY), Answer)


def test_another_ca_is_not_trusted(
    central: TlsCentral, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the configured CA counts, whatever the environment says."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    other = tmp_path / "other"
    other.mkdir()
    make_certificates(other)
    refusing = Transport(central.url, other / "ca.pem", deadline_s=2.0)
    answer = refusing.post("/v1/upload", BODY)
    assert isinstance(answer, LinkFailure)
    assert "TLS" in answer.problem
    assert "central.ca" in answer.remedy
    refusing.close()
    trusting = Transport(central.url, tmp_path / "ca.pem", deadline_s=2.0)
    assert isinstance(trusting.post("/v1/upload", BODY), Answer), "the proxy was used"
    trusting.close()


def test_the_name_must_be_in_the_certificate(central: TlsCentral, tmp_path: Path) -> None:
    """A good certificate of another host is none."""
    url = central.url.replace("localhost", "127.0.0.2")
    transport = Transport(url, tmp_path / "ca.pem", deadline_s=2.0)
    answer = transport.post("/v1/upload", BODY)
    assert isinstance(answer, LinkFailure)
    transport.close()


def test_nobody_listens(tmp_path: Path) -> None:
    """A refused connection names the address and what to check."""
    make_certificates(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    transport = Transport(f"https://localhost:{port}", tmp_path / "ca.pem", deadline_s=2.0)
    answer = transport.post("/v1/upload", BODY)
    assert isinstance(answer, LinkFailure)
    assert str(port) in answer.problem
    transport.close()
