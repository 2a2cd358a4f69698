"""The way walked against real sockets."""

import select
import socket
import ssl
import struct
import threading

import pytest

from edge_agent.link_test.judge import Now
from edge_agent.link_test.network import Network, read_network
from edge_agent.link_test.way import Question, Target, Way, certificate_of, parse_answer
from edge_agent.screen import BAD
from edge_agent.uplink.resolver import Resolver
from protocols.metering.instant import ClockState
from tests.edge_agent.tls_central import make_certificates, serving
from tests.edge_agent.wild_servers import connect_proxy, listening, portal, refusing_proxy, silent

NOW = Now(1_800_000_000, ClockState.SYNCHRONISED)
ASK = Question("/v1/orders/gw-1", {})


def walked(target, network=None, resolver=None):
    way = Way(target, network or read_network(), NOW, resolver or Resolver())
    return list(way.steps(ASK)), way


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_good_way_ends_with_an_answer(tmp_path) -> None:
    """Route, name, connection and TLS, each with the time that it took."""
    with serving(tmp_path) as central:
        steps, way = walked(Target(central.url, tmp_path / "ca.pem"))
    assert [(step.name, step.code) for step in steps] == [
        ("route", ""), ("name", ""), ("connect", ""), ("tls", "tls_ends_soon"),
    ]  # fmt: skip
    assert all(step.took_ms is not None for step in steps[1:])
    assert way.heard is not None
    assert (way.heard.status, way.heard.kind) == (200, "application/cbor")


def test_through_a_proxy(tmp_path) -> None:
    """The first connection is the proxy's; TLS is spoken with central through it."""
    with serving(tmp_path) as central, listening(connect_proxy) as proxy:
        target = Target(central.url, tmp_path / "ca.pem", f"http://me:se@127.0.0.1:{proxy.port}")
        steps, way = walked(target)
        assert [step.name for step in steps] == ["route", "name", "proxy", "tls"]
        assert b"Proxy-Authorization: Basic bWU6c2U=" in proxy.requests[0]
    assert way.heard is not None
    assert way.heard.status == 200


@pytest.mark.parametrize(
    ("server", "code"),
    [(portal, "tls_not_spoken"), (None, "link_refused")],
    ids=["portal", "nobody"],
)
def test_what_is_not_central_ends_the_way(tmp_path, server, code) -> None:
    """Plain text where TLS should be; nobody at all."""
    with serving(tmp_path), listening(server or silent) as wild:
        port = wild.port if server else closed_port()
        steps, way = walked(Target(f"https://localhost:{port}", tmp_path / "ca.pem"))
    assert steps[-1].code == code
    assert way.heard is None


def test_a_host_that_takes_nothing(tmp_path) -> None:
    """A full backlog neither takes nor refuses: as behind a firewall that drops."""
    with serving(tmp_path), socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        place = listener.getsockname()
        with socket.create_connection(place), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(place)  # what is beyond the backlog waits for ever
            target = Target(f"https://127.0.0.1:{place[1]}", tmp_path / "ca.pem", connect_s=0.3)
            steps, _ = walked(target)
    assert steps[-1].code == "link_no_answer"


@pytest.mark.parametrize(
    ("server", "code"),
    [(refusing_proxy, "proxy_password"), (None, "proxy_refused")],
    ids=["refusing", "nobody"],
)
def test_a_proxy_that_gives_no_way(tmp_path, server, code) -> None:
    """It wants a password; it is not there."""
    with serving(tmp_path), listening(server or silent) as wild:
        port = wild.port if server else closed_port()
        target = Target("https://localhost:1", tmp_path / "ca.pem", f"http://127.0.0.1:{port}")
        steps, _ = walked(target)
    assert steps[-1].code == code


def test_no_name_and_no_route(tmp_path) -> None:
    """Without a default route a name that nobody knows is the route's fault, else the name's."""

    def nobody(host, port):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    for default, code in ((("eth0",), "link_no_name"), ((), "link_no_route")):
        resolver = Resolver(lookup=nobody)
        steps, _ = walked(
            Target("https://central.invalid", tmp_path), Network((), default), resolver
        )
        assert steps[-1].code == code


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 two\r\n\r\n"])
def test_no_http_answer(data) -> None:
    """It is told, not guessed at."""
    with pytest.raises(ValueError, match="no HTTP answer"):
        parse_answer(data, 1)


def test_an_answer_with_a_date() -> None:
    """The body is what follows the empty line; the date is central's clock."""
    head = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: A/b; c\r\n\r\n"
    heard = parse_answer(head + b"x", 7)
    assert heard == (200, "a/b", b"x", 784_111_777, 7)
    assert parse_answer(head.replace(b"06 Nov", b"99 Nov"), 7).date_s is None


def test_a_body_is_bounded(tmp_path) -> None:
    """An answer without an end is cut off, and ends in time."""
    with serving(tmp_path):
        pass
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def flood() -> None:
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as spoken:
            spoken.recv(1000)
            try:
                spoken.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    spoken.sendall(b"x" * 8192)
            except OSError:
                pass

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    with listener:
        port = listener.getsockname()[1]
        steps, way = walked(Target(f"https://localhost:{port}", tmp_path / "ca.pem"))
    thread.join(5)
    assert not steps[-1].ends_it
    assert way.heard is not None
    assert len(way.heard.body) < 80_000


def test_a_connection_that_is_cut_before_tls_is_told(tmp_path) -> None:
    """By a firewall, or a central that is just stopped. Python's TLS takes it as one that is not
    connected yet, and speaks none: what it is asked about the other end then fails."""
    make_certificates(tmp_path)

    def cut(listener) -> None:
        for _ in range(2):
            peer, _ = listener.accept()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=cut, args=(listener,))
        thread.start()
        place = listener.getsockname()
        steps, _ = walked(Target(f"https://localhost:{place[1]}", tmp_path / "ca.pem"))
        assert steps[-1].light == BAD
        with socket.create_connection(place) as end:
            thread.join()
            seen = select.poll()
            seen.register(end.fileno(), 0)
            assert seen.poll(5000)  # it is cut
            ours = ssl.create_default_context(cafile=tmp_path / "ca.pem")
            end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # it is told once only
            spoken = ours.wrap_socket(end, server_hostname="localhost")
            with spoken, pytest.raises(OSError, match="not connected"):
                certificate_of(spoken)
