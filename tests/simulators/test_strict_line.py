"""The strict line: real ptys, slow enough that a busy machine cannot blur what is asked."""

import os
import select
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient

from protocols.modbus.frames import answer_pdu, read_request, rtu_frame
from simulators.framing import RTU, plain
from simulators.line_meter import LineMeter, Spread
from simulators.rtu_line import LineTiming, RtuLine
from simulators.strict_line import (
    LineFailedError,
    LineOptions,
    StrictLine,
    addresses,
    parse_report,
    print_report,
)

pytestmark = pytest.mark.timing

_BAUD = 300  # 3.5 characters are 117 ms
_REQUEST = rtu_frame(1, read_request(3, 0, 1))


@pytest.fixture
def line(tmp_path: Path) -> Iterator[RtuLine]:
    stop = threading.Event()
    exchange = plain(RTU, addresses((1, 2)))
    served = RtuLine(tmp_path / "p", exchange, _BAUD, stop, LineTiming(10, 0, strict=True))
    served.start()
    yield served
    stop.set()
    served.join(5.0)


@pytest.fixture
def wire(line: RtuLine) -> Iterator[int]:
    wire = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(wire)
    yield wire
    os.close(wire)


def _answer(wire: int, length: int, patience_s: float = 5.0) -> bytes:
    """As many bytes as are wanted, or what came until it was quiet for so long."""
    got = b""
    while len(got) < length and select.select([wire], [], [], patience_s)[0]:
        got += os.read(wire, length - len(got))
    return got


def _rest(wire: int) -> None:
    """Keep quiet for well over 3.5 characters."""
    assert not select.select([wire], [], [], 0.2)[0]


def test_a_master_that_waits_is_served(line: RtuLine, wire: int) -> None:
    """Two polls with a rest between them are answered, without turnaround, without violation."""
    for _ in range(2):
        os.write(wire, _REQUEST)
        assert _answer(wire, 7) == rtu_frame(1, answer_pdu(3, [0]))
        _rest(wire)
    report = line.report()
    assert (report.requests, report.answered, report.violations) == (2, 2, 0)
    assert report.gap_chars.least >= 3.5
    assert 0.0 < report.utilisation <= 1.0


def test_a_master_that_hurries_is_refused_and_counted(line: RtuLine, wire: int) -> None:
    """A request right after an answer's last byte gets none; after a rest the next one does."""
    os.write(wire, _REQUEST)
    assert len(_answer(wire, 7)) == 7
    os.write(wire, _REQUEST)
    assert _answer(wire, 1, 0.6) == b""
    os.write(wire, _REQUEST)
    assert len(_answer(wire, 7)) == 7
    report = line.report()
    assert (report.requests, report.answered, report.violations) == (3, 2, 1)
    assert line.lost_frames == 1


def test_two_requests_without_silence_are_none(line: RtuLine, wire: int) -> None:
    """Frames to nobody and at once to unit 1 are one damaged frame; the line serves the next."""
    os.write(wire, rtu_frame(9, read_request(3, 0, 1)) + _REQUEST)
    assert _answer(wire, 1, 1.0) == b""
    os.write(wire, _REQUEST)
    assert len(_answer(wire, 7)) == 7
    report = line.report()
    assert (report.requests, report.answered, report.damaged) == (2, 1, 1)


def test_a_request_into_an_answer_is_a_violation(line: RtuLine, wire: int) -> None:
    """Who talks while the device talks has violated the line, whatever the gap."""
    os.write(wire, _REQUEST)
    assert len(_answer(wire, 1)) == 1
    os.write(wire, _REQUEST)
    assert len(_answer(wire, 6)) == 6
    _rest(wire)
    assert line.report().violations == 1


def test_a_line_in_its_own_process_reports_at_its_end(tmp_path: Path) -> None:
    """pymodbus reads ten times over 19200 baud; the report knows of ten polls and their limit."""
    with StrictLine(tmp_path / "port", LineOptions(19200, range(1, 4))) as line:
        client = ModbusSerialClient(str(line.path), baudrate=19200, timeout=2.0, retries=0)
        assert client.connect()
        for unit in (1, 2, 3, 1, 2, 3, 1, 2, 3, 1):
            answer = client.read_holding_registers(400, count=60, device_id=unit)
            assert answer.registers == list(range(400, 460))
        client.close()
    assert (line.report.requests, line.report.answered, line.report.violations) == (10, 10, 0)
    assert line.report.limit_polls_s == pytest.approx(1920 / 140, rel=1e-6)
    assert 0.0 < line.report.utilisation <= line.report.net_utilisation < 1.01
    assert line.report.pty_us.greatest > 0.0
    assert not line.path.is_symlink()


def test_a_line_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """No directory, no line: an error at once, not a wait."""
    with (
        pytest.raises(LineFailedError, match="did not start"),
        StrictLine(tmp_path / "nowhere" / "port", LineOptions(9600)),
    ):
        pass


def test_addresses_answer_reads_only() -> None:
    """Each register shows its address; a write is refused, another unit is silent."""
    respond = addresses((3,))
    assert respond(3, read_request(4, 65533, 3)) == answer_pdu(4, [65533, 65534, 65535])
    assert respond(3, bytes.fromhex("06 0001 0001")) == b"\x86\x01"
    assert respond(1, read_request(3, 0, 1)) is None
    assert respond(3, b"") is None


def test_a_report_survives_its_text() -> None:
    """What the process prints is what the bench reads."""
    report = LineMeter(10.0).report([1.5])._replace(gap_chars=Spread(1.0, 2.0, 3.0, 4.0))
    assert parse_report(print_report(report)) == report
