"""`edge-sim plant` as a process: its files, its ports, its end."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from simulators.cli import main

_EDGE_SIM = str(Path(sys.executable).with_name("edge-sim"))
_PATIENCE_S = 20.0


def _wait_until(met: Callable[[], bool]) -> None:
    tick = threading.Event()
    deadline = time.monotonic() + _PATIENCE_S
    while not met():
        assert time.monotonic() < deadline
        tick.wait(0.05)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A plant that was read over all its buses, then ended by SIGTERM; and what was read."""
    directory = tmp_path_factory.mktemp("plant")
    process = subprocess.Popen(
        [_EDGE_SIM, "plant", "--dir", str(directory)], stdout=subprocess.PIPE, text=True
    )
    try:
        _wait_until((directory / "plant.json").exists)
        buses = json.loads((directory / "plant.json").read_text())["buses"]
        read = {"buses": buses, **_read_all(buses)}
        _wait_until(lambda: _books(directory)["runs"]["R3"]["totals"]["vb"]["polls"] == 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE_S) == 0
        assert process.stdout is not None
        read["said"] = process.stdout.read()
        yield directory, read
    finally:
        process.kill()
        process.communicate()


def _read_all(buses: dict[str, Any]) -> dict[str, Any]:
    lan = ModbusTcpClient(buses["lan"]["host"], port=buses["lan"]["tcp_port"], retries=0)
    line = ModbusSerialClient(buses["line-2"]["port"], baudrate=9600, timeout=1.0, retries=0)
    assert lan.connect()
    assert line.connect()
    r2 = lan.read_holding_registers(4100, count=12, device_id=1).registers
    r3 = [line.read_holding_registers(4100, count=12, device_id=2).registers for _ in range(2)]
    lan.close()
    line.close()
    return {"R2": r2, "R3": r3}


def _books(directory: Path) -> dict[str, Any]:
    books: dict[str, Any] = json.loads((directory / "books.json").read_text())
    return books


def _index(registers: list[int], at: int) -> int:
    return registers[at] << 16 | registers[at + 1]


def test_the_books_hold_what_the_client_read(ended: tuple[Path, dict[str, Any]]) -> None:
    """First and last served counts are, wrapped, the very registers that pymodbus read."""
    directory, read = ended
    runs = _books(directory)["runs"]
    for run, first, last in (
        ("R2", read["R2"], read["R2"]),
        ("R3", read["R3"][0], read["R3"][1]),
    ):
        for total, at in (("vm", 2), ("vb", 6)):
            book = runs[run]["totals"][total]
            assert book["first"]["counts"] % book["modulus"] == _index(first, at)
            assert book["last"]["counts"] % book["modulus"] == _index(last, at)
    assert runs["R1"]["totals"]["vm"]["polls"] == 0
    assert runs["R1"]["line_mm3"] > 0


def test_it_says_where_and_who_its_instruments_are(ended: tuple[Path, dict[str, Any]]) -> None:
    """Ports, unit ids, and what stands on the plates: whoever commissions it has no other."""
    directory, read = ended
    assert f"line-1  {directory}/line-1  9600 8N1" in read["said"]
    assert f"lan  127.0.0.1 TCP port {read['buses']['lan']['tcp_port']}" in read["said"]
    assert "  unit 1  meter-1: sick-flowsic500, serial number 21450301" in read["said"]


def test_the_end_leaves_books_and_nothing_else(ended: tuple[Path, dict[str, Any]]) -> None:
    """After SIGTERM the ports and plant.json are gone, the books are whole."""
    directory, read = ended
    assert [path.name for path in directory.iterdir()] == ["books.json"]
    assert set(read["buses"]) == {"lan", "line-1", "line-2"}


def test_books_are_printed_as_json(
    ended: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """`edge-sim books` prints the file's content."""
    directory, _ = ended
    assert main(["books", "--dir", str(directory)]) == 0
    assert json.loads(capsys.readouterr().out) == _books(directory)


def test_missing_or_damaged_books_say_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No books, or no JSON: one line with the place and the remedy, status 1."""
    assert main(["books", "--dir", str(tmp_path)]) == 1
    assert "run edge-sim plant" in capsys.readouterr().err
    (tmp_path / "books.json").write_text("{")
    assert main(["books", "--dir", str(tmp_path)]) == 1
    assert "is no JSON" in capsys.readouterr().err


def test_a_taken_port_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A TCP port in use is an error that names it; nothing is left running."""
    threads = threading.active_count()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["plant", "--dir", str(tmp_path), "--tcp-port", str(port)]) == 1
    for number, handler in before.items():
        signal.signal(number, handler)
    assert f"127.0.0.1:{port}" in capsys.readouterr().err
    assert threading.active_count() == threads


def test_a_bus_of_the_plant_can_have_faults(tmp_path: Path) -> None:
    """A LAN that is always busy answers exception 06; the lines are as they were."""
    process = subprocess.Popen(
        [_EDGE_SIM, "plant", "--dir", str(tmp_path), "--faults", "lan:busy=1s/1s"]
    )
    try:
        _wait_until((tmp_path / "plant.json").exists)
        buses = json.loads((tmp_path / "plant.json").read_text())["buses"]
        lan = ModbusTcpClient(buses["lan"]["host"], port=buses["lan"]["tcp_port"], retries=0)
        line = ModbusSerialClient(buses["line-2"]["port"], baudrate=9600, timeout=1.0, retries=0)
        assert lan.connect()
        assert line.connect()
        assert lan.read_holding_registers(4100, count=2, device_id=1).exception_code == 6
        assert not line.read_holding_registers(4100, count=12, device_id=2).isError()
        lan.close()
        line.close()
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ("attic:bit=0.1", "--faults attic: the buses are lan, line-1, line-2"),
        ("lan:late=1", "--faults lan: 'late=1' must be written late=CHANCE:DURATION"),
        ("lan:nonsense=1", "--faults lan: 'nonsense' is no fault"),
        ("line-1:drift=5ppm", "are for edge-sim serve"),
    ],
)
def test_faults_that_cannot_be_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], faults: str, said: str
) -> None:
    """Before anything is opened."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    assert main(["plant", "--dir", str(tmp_path / "p"), "--faults", faults]) == 1
    for number, handler in before.items():
        signal.signal(number, handler)
    assert re.search(said, capsys.readouterr().err)
    assert not (tmp_path / "p").exists()
