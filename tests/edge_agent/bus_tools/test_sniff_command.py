"""`edge-agent bus sniff` on a real line with another master: frames, sums, rates tried."""

from __future__ import annotations

import json
import os
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.bus_tools.sniff_command import Told, frame_line, summary
from edge_agent.cli import main
from edge_agent.config.model import BusConfig
from edge_agent.terminal import columns
from protocols.modbus.frames import answer_pdu, exception_pdu, read_request, rtu_frame
from protocols.modbus.sniff import Heard, Kind
from protocols.modbus.uart import Setup
from protocols.modbus.uart import heard as over_uart

ASK = rtu_frame(1, read_request(3, 4102, 2))
ANSWER = rtu_frame(1, answer_pdu(3, (0x075B, 0xD40D)))
REFUSED = rtu_frame(1, exception_pdu(3, 2))
NO_CONFIG = ("--config", "/nonexistent/gateway.toml")


@contextmanager
def talk(*pieces: bytes) -> Iterator[str]:
    """A line on which others talk: these bytes again and again, with silence between."""
    master, slave = os.openpty()
    tty.setraw(slave)
    stop = threading.Event()

    def speak() -> None:
        while not stop.is_set():
            for piece in pieces:
                os.write(master, piece)
                stop.wait(0.02)

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        stop.set()
        thread.join(5)
        os.close(master)
        os.close(slave)


def sniff(path: str, *more: str) -> int:
    given = ["bus", "sniff", "--port", path, "--seconds", "1", "--baud", "9600", "--parity", "N"]
    return main([*given, *more, *NO_CONFIG])


def test_another_master_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    """Request and answer in one line; at the end what each unit was asked."""
    with talk(ASK, ANSWER, ASK, REFUSED) as path:
        assert sniff(path) == 0
    told = capsys.readouterr().out
    assert max(map(columns, told.splitlines())) <= 80
    assert "4102 x2 (44103)" in told
    assert "075B D40D" in told
    assert "exception 2" in told
    assert "function 3, address 4102, 2 asked" in told


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object with stable keys."""
    with talk(ASK, ANSWER) as path:
        assert sniff(path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"schema", "ok", "setup", "bytes", "junk_bytes", "frames", "units"}
    assert set(told["frames"][0]) == {
        "at_s", "kind", "unit", "function", "address", "count", "words", "exception", "delay_ms",
        "frame",
    }  # fmt: skip
    unit = told["units"][0]
    assert unit["blocks"][0].keys() == {"function", "address", "count", "times"}
    assert unit["requests"] + 1 >= unit["answers"] > 5  # it may begin with an answer


def test_silence_and_junk_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """No other master, or one that is not understood: another rate, as a UART would hear it."""
    with talk(b"") as path:
        assert sniff(path) == 1
    assert "Nothing was heard" in capsys.readouterr().out
    junk = over_uart(ASK + ANSWER, Setup(19200), Setup(9600))
    with talk(junk) as path:
        assert sniff(path) == 1
    assert "but no frame: another baud rate or parity" in capsys.readouterr().out


def test_a_port_that_is_none(tmp_path: Path) -> None:
    """Status 2; so is a bus that is not named."""
    assert sniff(str(tmp_path / "none")) == 2


def test_lines_fit_whatever_they_hold() -> None:
    """Long answers, unknown functions, nothing: 80 columns."""
    long = Heard(99999.9, Kind.ANSWER, 247, 3, 65000, 125, (65535,) * 125, 0, 9.999, b"")
    strange = Heard(1.0, Kind.REQUEST, 247, 100, None, None, (), 0, None, b"")
    write = Heard(1.0, Kind.REQUEST, 1, 16, 7, 2, (1, 2), 0, None, b"")
    for asked, answer in ((long, long), (strange, None), (strange, strange), (write, write)):
        assert columns(frame_line(asked, answer)) <= 80
    assert "write" in frame_line(write, None)
    assert summary(Told(BusConfig("b", "rtu", port="p")))
