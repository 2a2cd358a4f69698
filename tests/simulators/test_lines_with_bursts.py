"""Both transports beyond the plain case: other framings, late bursts, ports that vanish."""

import contextlib
import os
import select
import socket
import threading
import tty
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from protocols.modbus.frames import answer_pdu, read_request
from simulators.framing import ASCII, RTU, TCP, Burst, Exchange, Framing, Wrapped, plain
from simulators.rtu_line import LineTiming, RtuLine
from simulators.tcp_bus import TcpBus, TcpKind

pytestmark = pytest.mark.timing

_PATIENCE_S = 10.0
_ASK = Wrapped(0, 1, read_request(3, 5, 1))


def _respond(_: int, pdu: bytes) -> bytes:
    return answer_pdu(pdu[0], [int.from_bytes(pdu[1:3], "big")])


def _answer(framing: Framing, register: int = 5) -> bytes:
    return framing.join(_ASK._replace(pdu=answer_pdu(3, [register])))


def _late(framing: Framing) -> Exchange:
    """An answer in two pieces, and one 100 ms late."""

    def exchange(frame: bytes) -> Sequence[Burst]:
        answer = plain(framing, _respond)(frame)[0].data
        return Burst(0, answer[:3]), Burst(30, answer[3:]), Burst(100, b"late")

    return exchange


@contextlib.contextmanager
def _line(
    tmp_path: Path, exchange: Exchange, framing: Framing, away: Callable[[], bool] = lambda: False
) -> Iterator[RtuLine]:
    stop = threading.Event()
    line = RtuLine(tmp_path / "p", exchange, 19200, stop, LineTiming(framing=framing, away=away))
    line.start()
    yield line
    stop.set()
    line.join(_PATIENCE_S)
    assert not line.is_alive()


@contextlib.contextmanager
def _bus(
    exchange: Exchange, framing: Framing, away: Callable[[], bool] = lambda: False
) -> Iterator[TcpBus]:
    stop = threading.Event()
    bus = TcpBus("127.0.0.1", 0, exchange, stop, TcpKind(framing, away))
    bus.start()
    yield bus
    stop.set()
    bus.join(_PATIENCE_S)
    assert not bus.is_alive()


@contextlib.contextmanager
def _wire(path: Path) -> Iterator[int]:
    wire = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(wire)
    yield wire
    os.close(wire)


def _read(descriptor: int, length: int) -> bytes:
    got = b""
    while len(got) < length and select.select([descriptor], [], [], _PATIENCE_S)[0]:
        more = os.read(descriptor, length - len(got))
        if not more:
            break
        got += more
    return got


def test_an_ascii_line_ends_a_frame_by_its_line_end(tmp_path: Path) -> None:
    """A request with a pause inside is whole when CR LF comes; its answer is an ASCII frame."""
    request = ASCII.join(_ASK)
    with _line(tmp_path, plain(ASCII, _respond), ASCII) as line, _wire(line.path) as wire:
        os.write(wire, request[:5])
        assert not select.select([wire], [], [], 0.1)[0]
        os.write(wire, request[5:])
        assert _read(wire, 15) == _answer(ASCII)
        assert line.lost_frames == 0


def test_a_line_sends_bursts_in_their_order(tmp_path: Path) -> None:
    """A gap inside the answer, and a late burst, come after each other."""
    with _line(tmp_path, _late(RTU), RTU) as line, _wire(line.path) as wire:
        os.write(wire, RTU.join(_ASK))
        assert _read(wire, 11) == _answer(RTU) + b"late"


def test_a_line_that_vanishes_hangs_up_and_comes_back_as_another_pty(tmp_path: Path) -> None:
    """While it is away there is no name; afterwards the name leads to a port that answers."""
    away = threading.Event()
    with _line(tmp_path, plain(RTU, _respond), RTU, away.is_set) as line:
        with _wire(line.path) as wire:
            away.set()
            # a hangup reads as the end of the file, or as an error
            assert select.select([wire], [], [], _PATIENCE_S)[0]
            with contextlib.suppress(OSError):
                assert os.read(wire, 1) == b""
        assert not line.path.is_symlink()
        away.clear()
        _until(line.path.is_symlink)
        with _wire(line.path) as wire:
            os.write(wire, RTU.join(_ASK))
            assert _read(wire, 7) == _answer(RTU)


@pytest.mark.parametrize("framing", [RTU, ASCII, TCP], ids=lambda framing: framing.name)
def test_a_peer_speaks_each_framing_and_sends_bursts_in_their_order(framing: Framing) -> None:
    """Serial frames go through a serial server as they are; late bytes come late."""
    answer = _answer(framing)
    with (
        _bus(_late(framing), framing) as bus,
        socket.create_connection(("127.0.0.1", bus.port), _PATIENCE_S) as client,
    ):
        for _ in range(2):
            client.sendall(framing.join(_ASK))
            assert _read(client.fileno(), len(answer) + 4) == answer + b"late"


@pytest.mark.parametrize("framing", [RTU, ASCII], ids=lambda framing: framing.name)
def test_a_damaged_serial_frame_does_not_end_the_connection(framing: Framing) -> None:
    """A serial server passes everything on: the next good request is answered."""
    with (
        _bus(plain(framing, _respond), framing) as bus,
        socket.create_connection(("127.0.0.1", bus.port), _PATIENCE_S) as client,
    ):
        client.sendall(b"\x00" * 9 + framing.end)
        assert not select.select([client], [], [], 0.2)[0]
        client.sendall(framing.join(_ASK))
        answer = _answer(framing)
        assert _read(client.fileno(), len(answer)) == answer


def test_a_peer_that_vanishes_closes_and_comes_back_at_its_port() -> None:
    """Connections end, none are taken, then the same port answers again."""
    away = threading.Event()
    with _bus(plain(TCP, _respond), TCP, away.is_set) as bus:
        with socket.create_connection(("127.0.0.1", bus.port), _PATIENCE_S) as client:
            client.sendall(TCP.join(_ASK))
            assert len(_read(client.fileno(), 11)) == 11
            away.set()
            assert client.recv(1) == b""
        _until(lambda: not _connects(bus.port))
        away.clear()
        _until(lambda: _connects(bus.port))


def test_a_peer_that_vanishes_leaves_a_busy_client_too() -> None:
    """A client that never pauses is no reason to stay: its next request is not answered."""
    away = threading.Event()
    with (
        _bus(plain(TCP, _respond), TCP, away.is_set) as bus,
        socket.create_connection(("127.0.0.1", bus.port), _PATIENCE_S) as client,
    ):
        client.sendall(TCP.join(_ASK))
        assert len(_read(client.fileno(), 11)) == 11
        away.set()
        client.sendall(TCP.join(_ASK))
        assert client.recv(1) == b""


def _connects(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0) as client:
            client.sendall(TCP.join(_ASK))
            return len(_read(client.fileno(), 11)) == 11
    except OSError:
        return False


def _until(condition: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(1000):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("it never came true")
