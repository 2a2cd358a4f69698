"""The serial line: an independent client on the pty, and the time each byte takes."""

import os
import select
import termios
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient

from protocols.modbus.frames import answer_pdu, exception_pdu, read_request, rtu_frame
from simulators.framing import RTU, plain
from simulators.rtu_line import TURNAROUND_NS, RtuLine

pytestmark = pytest.mark.timing

_CHAR_S = 10 / 9600
_SILENCE_S = 3.5 * _CHAR_S
_TURNAROUND_S = TURNAROUND_NS / 1e9
_PATIENCE_S = 5.0


def _respond(unit: int, pdu: bytes) -> bytes | None:
    """Units 1 to 3 answer a read with as many registers as asked, each the unit's number."""
    if unit not in (1, 2, 3):
        return None
    if int.from_bytes(pdu[1:3], "big") >= 1000:
        return exception_pdu(pdu[0], 2)
    return answer_pdu(pdu[0], [unit] * int.from_bytes(pdu[3:5], "big"))


@pytest.fixture
def line(tmp_path: Path) -> Iterator[RtuLine]:
    stop = threading.Event()
    served = RtuLine(tmp_path / "line-1", plain(RTU, _respond), 9600, stop)
    served.start()
    yield served
    stop.set()
    served.join(_PATIENCE_S)
    assert not served.is_alive()
    assert not served.path.is_symlink()


@pytest.fixture
def client(line: RtuLine) -> Iterator[ModbusSerialClient]:
    client = ModbusSerialClient(str(line.path), baudrate=9600, timeout=0.5, retries=0)
    assert client.connect()
    yield client
    client.close()


@pytest.fixture
def wire(line: RtuLine) -> Iterator[int]:
    """The bare end of the line: a file descriptor."""
    wire = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(wire)
    yield wire
    os.close(wire)


def _bytes_until_quiet(wire: int, first_s: float, quiet_s: float = 0.2) -> list[tuple[float, int]]:
    """What comes: (instant, bytes) of each read, until it is quiet."""
    got: list[tuple[float, int]] = []
    timeout_s = first_s
    while select.select([wire], [], [], timeout_s)[0]:
        got.append((time.monotonic(), len(os.read(wire, 4096))))
        timeout_s = quiet_s
    return got


def _quiet(line: RtuLine, seconds: float) -> None:
    """Let the line rest."""
    assert line.is_alive()
    select.select([], [], [], seconds)


def test_several_units_answer_an_independent_client(client: ModbusSerialClient) -> None:
    """pymodbus reads three units on one line in turn, round after round, without a fault."""
    for _ in range(10):
        for unit in (1, 2, 3):
            answer = client.read_holding_registers(4, count=unit + 1, device_id=unit)
            assert answer.registers == [unit] * (unit + 1)
    exception = client.read_input_registers(1000, count=1, device_id=2)
    assert exception.isError()
    assert exception.exception_code == 2


def test_an_unknown_unit_is_silence_and_the_next_poll_is_answered(wire: int) -> None:
    """Nobody answers for unit 9; unit 1 answers after it."""
    os.write(wire, rtu_frame(9, read_request(3, 0, 1)))
    assert _bytes_until_quiet(wire, 0.1) == []
    os.write(wire, rtu_frame(1, read_request(3, 0, 1)))
    assert sum(n for _, n in _bytes_until_quiet(wire, 1.0)) == 7


@pytest.mark.parametrize("bit", [0, 13, 40, 63])
def test_a_damaged_request_is_ignored(line: RtuLine, wire: int, bit: int) -> None:
    """A flipped bit anywhere in the frame gets no answer, and is counted."""
    frame = bytearray(rtu_frame(1, read_request(3, 0, 1)))
    frame[bit // 8] ^= 1 << bit % 8
    os.write(wire, frame)
    assert _bytes_until_quiet(wire, 0.1) == []
    assert line.lost_frames == 1


@pytest.mark.parametrize("registers", [1, 20, 60])
def test_an_exchange_takes_its_time_on_the_wire(wire: int, registers: int) -> None:
    """No byte comes before request, silence and turnaround; the last not before its wire time."""
    begin = time.monotonic()
    os.write(wire, rtu_frame(1, read_request(3, 0, registers)))
    got = _bytes_until_quiet(wire, 1.0)
    length = 5 + 2 * registers
    assert sum(n for _, n in got) == length
    earliest = 8 * _CHAR_S + _SILENCE_S + _TURNAROUND_S
    arrived = 0
    for instant, count in got:
        arrived += count
        assert instant - begin >= earliest + arrived * _CHAR_S
    assert got[-1][0] - begin < earliest + length * _CHAR_S + 0.5  # and not much later
    assert len(got) > length / 8  # in many pieces, as from a wire


def test_a_request_in_pieces_within_the_silence_is_one_frame(wire: int) -> None:
    """Bytes that follow each other on the wire are one frame, however the driver cuts them."""
    frame = rtu_frame(2, read_request(3, 0, 1))
    for _ in range(5):  # a busy machine may tear the writes apart by more than the silence
        for n in range(len(frame)):
            os.write(wire, frame[n : n + 1])
        answer = sum(n for _, n in _bytes_until_quiet(wire, 0.3))
        if answer:
            break
    assert answer == 7


def test_a_request_torn_by_a_pause_is_no_request(line: RtuLine, wire: int) -> None:
    """A pause longer than 3.5 characters inside a frame makes two broken ones of it."""
    frame = rtu_frame(2, read_request(3, 0, 1))
    os.write(wire, frame[:4])
    _quiet(line, 0.1)
    os.write(wire, frame[4:])
    assert _bytes_until_quiet(wire, 0.15) == []
    assert line.lost_frames == 2


def test_a_request_into_an_answer_is_lost(line: RtuLine, wire: int) -> None:
    """Who talks while an instrument answers is not heard; the line serves the next."""
    request = rtu_frame(1, read_request(3, 0, 60))
    os.write(wire, request)
    assert select.select([wire], [], [], 1.0)[0]
    os.write(wire, request)  # the first byte of the answer is here, 124 are to come
    assert sum(n for _, n in _bytes_until_quiet(wire, 1.0)) == 125
    assert line.lost_frames == 1
    os.write(wire, rtu_frame(3, read_request(3, 0, 1)))
    assert sum(n for _, n in _bytes_until_quiet(wire, 1.0)) == 7


def test_noise_longer_than_a_frame_is_dropped(line: RtuLine, wire: int) -> None:
    """300 bytes of noise hold the line for their time and nothing more."""
    os.write(wire, b"\x55" * 300)
    _quiet(line, 300 * _CHAR_S + 0.1)
    os.write(wire, rtu_frame(1, read_request(3, 0, 1)))
    assert sum(n for _, n in _bytes_until_quiet(wire, 1.0)) == 7
    assert line.lost_frames == 1


def test_a_client_comes_and_goes(line: RtuLine) -> None:
    """A port closed and opened again, exclusively, is served as before."""
    for _ in range(3):
        client = ModbusSerialClient(str(line.path), baudrate=9600, timeout=0.5, retries=0)
        assert client.connect()
        assert client.read_holding_registers(0, count=1, device_id=1).registers == [1]
        client.close()


def test_bytes_that_look_like_control_characters_pass(wire: int) -> None:
    """The line is transparent: no echo, no flow control, no signals."""
    assert not termios.tcgetattr(wire)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    os.write(wire, rtu_frame(3, read_request(3, 0x0311, 0x13)))  # ETX, DC1, DC3
    assert sum(n for _, n in _bytes_until_quiet(wire, 1.0)) == 5 + 2 * 0x13
