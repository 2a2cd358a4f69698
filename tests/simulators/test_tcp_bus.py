"""The TCP bus: an independent client, streams in pieces, streams out of step."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from pymodbus.client import ModbusTcpClient

from protocols.modbus.frames import answer_pdu, exception_pdu, read_request, tcp_frame
from simulators.framing import TCP, plain
from simulators.tcp_bus import MAX_CONNECTIONS, TcpBus


def _respond(unit: int, pdu: bytes) -> bytes | None:
    if unit not in (1, 2):
        return None
    if int.from_bytes(pdu[1:3], "big") >= 1000:
        return exception_pdu(pdu[0], 2)
    return answer_pdu(pdu[0], [unit] * int.from_bytes(pdu[3:5], "big"))


@pytest.fixture
def bus() -> Iterator[TcpBus]:
    stop = threading.Event()
    served = TcpBus("127.0.0.1", 0, plain(TCP, _respond), stop)
    served.start()
    yield served
    stop.set()
    served.join(5.0)
    assert not served.is_alive()


def _connect(bus: TcpBus) -> socket.socket:
    return socket.create_connection(("127.0.0.1", bus.port), 5.0)


def test_units_answer_an_independent_client(bus: TcpBus) -> None:
    """pymodbus reads two units behind one peer, and gets the exception of a stray address."""
    client = ModbusTcpClient("127.0.0.1", port=bus.port, timeout=2.0, retries=0)
    assert client.connect()
    for unit in (1, 2):
        assert client.read_holding_registers(7, count=3, device_id=unit).registers == [unit] * 3
    assert client.read_input_registers(1000, count=1, device_id=1).exception_code == 2
    client.close()


def test_an_unknown_unit_is_silence_on_a_live_connection(bus: TcpBus) -> None:
    """Unit 9 gets nothing; the same connection then answers for unit 1."""
    with _connect(bus) as client:
        client.sendall(tcp_frame(1, 9, read_request(3, 0, 1)))
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(5.0)
        client.sendall(tcp_frame(2, 1, read_request(3, 0, 1)))
        assert client.recv(64) == tcp_frame(2, 1, answer_pdu(3, [1]))


def test_a_request_in_pieces_and_two_in_one(bus: TcpBus) -> None:
    """TCP keeps no borders: bytes one by one, and two requests at once, are all answered."""
    one = tcp_frame(5, 1, read_request(3, 0, 1))
    with _connect(bus) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(len(one)):
            client.sendall(one[n : n + 1])
        assert client.recv(64) == tcp_frame(5, 1, answer_pdu(3, [1]))
        client.sendall(one + tcp_frame(6, 2, read_request(3, 0, 1)))
        got = b""
        while len(got) < 22:
            got += client.recv(64)
        assert got == tcp_frame(5, 1, answer_pdu(3, [1])) + tcp_frame(6, 2, answer_pdu(3, [2]))


@pytest.mark.parametrize(
    "junk",
    [
        "0001 0001 0006 01 03 0000 0001",  # not Modbus
        "0001 0000 0001 01",  # too short to hold a function
        "0001 0000 ffff 01",  # longer than any frame
    ],
)
def test_a_stream_out_of_step_is_closed(bus: TcpBus, junk: str) -> None:
    """Bytes that begin no frame end the connection; others are served on."""
    with _connect(bus) as client:
        client.sendall(bytes.fromhex(junk))
        with contextlib.suppress(ConnectionResetError):  # closed with bytes unread: the same end
            assert client.recv(1) == b""
    with _connect(bus) as client:
        client.sendall(tcp_frame(1, 1, read_request(3, 0, 1)))
        assert client.recv(64) == tcp_frame(1, 1, answer_pdu(3, [1]))


def test_connections_are_bounded(bus: TcpBus) -> None:
    """One client more than there are places is turned away at once."""
    request, answer = tcp_frame(1, 1, read_request(3, 0, 1)), tcp_frame(1, 1, answer_pdu(3, [1]))
    clients = [_connect(bus) for _ in range(MAX_CONNECTIONS)]
    try:
        for client in clients:
            client.sendall(request)
            assert client.recv(64) == answer
        with _connect(bus) as late:
            assert late.recv(1) == b""
    finally:
        for client in clients:
            client.close()
