"""`edge-agent bus sniff` on a real line with another master: frames, sums, rates tried."""

from __future__ import annotations

import json
import os
import random
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.terminal import columns
from protocols.modbus.frames import answer_pdu, exception_pdu, read_request, rtu_frame
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
        "says", "frame",
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


def test_a_frame_by_chance_is_no_setup(capfd: pytest.CaptureFixture[str]) -> None:
    """Junk passes a CRC now and then, as at a wrong rate: that is not taken for the line's, and no
    library speaks between our lines."""
    rng = random.Random(5)
    chance = rtu_frame(0x41, bytes((56, 1)))  # of a function that is none
    with talk(rng.randbytes(200), chance, rng.randbytes(200)) as path:
        assert sniff(path) == 1
    told = capfd.readouterr()
    assert "unknown function" in told.out
    assert "but no frame: another baud rate or parity" in told.out
    assert told.err == ""


def test_a_port_that_is_none(tmp_path: Path) -> None:
    """Status 2; so is a bus that is not named."""
    assert sniff(str(tmp_path / "none")) == 2


def test_functions_that_only_pymodbus_knows(capsys: pytest.CaptureFixture[str]) -> None:
    """Device identification, a file record, a queue: by name, with what they say."""
    pdus = (
        ("2B 0E 01 00", "2B 0E 01 01 00 00 01 00 04 41434D45"),
        ("14 07 06 0004 0001 0002", "14 06 05 06 0DFE 0020"),
        ("18 04DE", "18 0006 0002 01B8 1284"),
    )
    with talk(*(rtu_frame(9, bytes.fromhex(pdu)) for pair in pdus for pdu in pair)) as path:
        assert sniff(path) == 0
    told = capsys.readouterr().out
    assert max(map(columns, told.splitlines())) <= 80
    for part in (
        "43 device identification", "asked: kind 1, object 0", "objects 0 = ACME",
        "asked: file 4, record 1, count 2", "answer: words 0DFE 0020",
        "function 24 read queue: ", "24 read queue", "asked: address 1246",
        "answer: words 01B8 1284",
    ):  # fmt: skip
        assert part in told, part
    assert "more follow" not in told
    assert "function 24, address" not in told
