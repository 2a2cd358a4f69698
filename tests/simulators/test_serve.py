"""Any profile on any transport, read by an independent client; the command as a process."""

import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from simulators.serve import (
    Bus,
    Place,
    ServeError,
    ServeOptions,
    open_device,
    open_frames,
)
from simulators.tcp_bus import TcpBus

pytestmark = pytest.mark.timing

_PATIENCE_S = 10.0
_OPTIONS = ServeOptions("keller-33x", unit=7)
_FRAMES = Path(__file__).parents[1] / "golden" / "captured_frames.txt"
_VALUES = "p1_f32 = 4.75\n"

Serve = Callable[[ServeOptions | Path, Place], Bus]


@pytest.fixture
def serve() -> Iterator[Serve]:
    stop = threading.Event()
    running: list[Bus] = []

    def start(what: ServeOptions | Path, place: Place) -> Bus:
        make = open_frames if isinstance(what, Path) else open_device
        bus = make(what, place, stop)  # type: ignore[arg-type]
        bus.start()
        running.append(bus)
        return bus

    yield start
    stop.set()
    for bus in running:
        bus.join(_PATIENCE_S)
        assert not bus.is_alive()


def _client(bus: Bus, framing: str) -> ModbusSerialClient | ModbusTcpClient:
    framer = {"rtu": FramerType.RTU, "ascii": FramerType.ASCII, "tcp": FramerType.SOCKET}[framing]
    if isinstance(bus, TcpBus):
        return ModbusTcpClient("127.0.0.1", port=bus.port, framer=framer, timeout=3.0, retries=0)
    return ModbusSerialClient(str(bus.path), baudrate=19200, framer=framer, timeout=3.0, retries=0)


@pytest.mark.parametrize(
    ("framing", "serial"),
    [("tcp", False), ("rtu", False), ("ascii", False), ("rtu", True), ("ascii", True)],
)
def test_an_independent_client_reads_each_transport(
    tmp_path: Path, serve: Serve, framing: str, *, serial: bool
) -> None:
    """TCP, RTU and ASCII over TCP, RTU and ASCII on a paced pty: the pressure that was given."""
    values = tmp_path / "values.toml"
    values.write_text(_VALUES)
    pty = tmp_path / "port" if serial else None
    bus = serve(_OPTIONS._replace(values=values), Place(0, pty, 19200, framing))
    client = _client(bus, framing)
    assert client.connect()
    for _ in range(3):
        registers = client.read_holding_registers(2, count=2, device_id=7).registers
        assert struct.unpack(">f", struct.pack(">2H", *registers)) == (4.75,)
    assert client.read_holding_registers(60_000, count=2, device_id=7).exception_code == 2
    client.close()


def test_faults_stand_between_the_device_and_the_line(serve: Serve) -> None:
    """A hole in the map and a device that is busy all the time, each as asked for."""
    bus = serve(_OPTIONS._replace(faults="hole=2-3"), Place())
    client = _client(bus, "tcp")
    assert client.connect()
    assert client.read_holding_registers(2, count=2, device_id=7).exception_code == 2
    assert not client.read_holding_registers(4, count=2, device_id=7).isError()
    client.close()
    bus = serve(_OPTIONS._replace(faults="busy=1s/1s"), Place())
    client = _client(bus, "tcp")
    assert client.connect()
    assert client.read_holding_registers(4, count=2, device_id=7).exception_code == 6
    client.close()


def test_a_profile_of_ones_own_is_served(tmp_path: Path, serve: Serve) -> None:
    """A file instead of an id: what a user has just written can be tried at once."""
    path = tmp_path / "mine.toml"
    path.write_text(
        'format = 1\nid = "mine"\nvendor = "v"\nmodel = "m"\nkind = "k"\nconfidence = "low"\n'
        'default_points = ["x"]\n[[sources]]\ntitle = "t"\n'
        '[[points]]\nname = "x"\nfunction = 3\naddress = 10\ntype = "u16"\nkind = "setting"\n'
    )
    bus = serve(_OPTIONS._replace(profile=str(path)), Place())
    client = _client(bus, "tcp")
    assert client.connect()
    assert client.read_holding_registers(10, count=1, device_id=7).registers == [0]
    client.close()


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"profile": "nobody"}, Place(), "no profile 'nobody'"),
        ({"profile": "/nowhere/x.toml"}, Place(), "cannot read"),
        ({"values": Path("/nowhere/v.toml")}, Place(), "cannot read"),
        ({"faults": "nonsense=1"}, Place(), "is no fault"),
        ({"unit": 0}, Place(), "--unit 0"),
        ({}, Place(pty=Path("/nowhere/port")), "cannot serve on"),
        ({}, Place(pty=Path("port"), framing="tcp"), "speaks rtu or ascii"),
        ({}, Place(baud=5), "--baud 5"),
    ],
)
def test_what_cannot_be_served_is_told(change: dict[str, Any], place: Place, said: str) -> None:
    """Each wrong option by itself, before anything is opened."""
    with pytest.raises(ServeError, match=said):
        open_device(_OPTIONS._replace(**change), place, threading.Event())


@pytest.mark.parametrize("framing", ["rtu", "tcp"])
def test_captured_frames_are_answered_in_turn(serve: Serve, framing: str) -> None:
    """A master reads four answers to one request, in the four orders of the float."""
    bus = serve(_FRAMES, Place(framing=framing))
    client = _client(bus, framing)
    assert client.connect()
    read = [client.read_input_registers(400, count=2, device_id=1).registers for _ in range(5)]
    client.close()
    orders = ["42C88000", "800042C8", "0080C842", "C8420080", "42C88000"]
    assert ["".join(f"{word:04X}" for word in words) for words in read] == orders


def test_a_file_of_frames_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """With the file's name and the line."""
    path = tmp_path / "frames.txt"
    path.write_text("request: 01 02\n")
    with pytest.raises(ServeError, match=r"frames.txt: line 1: the request is no RTU frame"):
        open_frames(path, Place(), threading.Event())


def test_the_command_checks_a_file_of_frames(tmp_path: Path) -> None:
    """Status 0 and all values where they are as printed; status 1 where one is not."""
    program = str(Path(sys.executable).parent / "edge-sim")

    def check(path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, "frames", str(path), "--check"], capture_output=True,
                              text=True, timeout=30, check=False)  # fmt: skip

    good = check(_FRAMES)
    assert good.returncode == 0
    assert "diff_pressure = 100.25 inH2O    printed 100.25" in good.stdout
    path = tmp_path / "frames.txt"
    path.write_text(_FRAMES.read_text().replace("diff_pressure = 100.25", "diff_pressure = 100.26"))
    bad = check(path)
    assert bad.returncode == 1
    assert "! diff_pressure = 100.25 inH2O    printed 100.26" in bad.stdout
    assert "4 of them not as printed" in bad.stdout


def test_the_command_prints_its_port_and_ends_on_a_signal(tmp_path: Path) -> None:
    """A process: the port on its first line, status 0 on SIGTERM, status 1 for a wrong option."""
    program = str(Path(sys.executable).parent / "edge-sim")
    served = subprocess.Popen(
        [program, "serve", "sick-flowsic500", "--pty", str(tmp_path / "p"), "--baud", "19200",
         "--faults", "delay=1ms", "--seed", "2", "--unit", "3"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert served.stdout is not None
    path = served.stdout.readline().strip()
    assert path == str(tmp_path / "p")
    client = ModbusSerialClient(path, baudrate=19200, timeout=3.0, retries=0)
    assert client.connect()
    assert not client.read_holding_registers(4102, count=2, device_id=3).isError()
    client.close()
    served.send_signal(signal.SIGTERM)
    served.communicate(timeout=_PATIENCE_S)
    assert served.returncode == 0
    refused = subprocess.run(
        [program, "serve", "nobody"], capture_output=True, text=True, timeout=30, check=False
    )
    assert refused.returncode == 1
    assert "edge-sim: no profile 'nobody'" in refused.stderr
