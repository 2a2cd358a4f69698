"""A whole site in one process: many lines, each with a fault of its own, and a real agent on them.

Each scene has a bus, and its faults lie between the device and the line; the agent is the one that
`edge-agent run` starts, asked over its own socket.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

from edge_agent.doctor.diagnose import diagnose
from edge_agent.doctor.finding import Finding
from edge_agent.doctor.look import Looked, Wanted, look
from edge_agent.keys.keys import create_keys
from protocols.metering.instant import ClockState
from protocols.registers.library import load_profile
from simulators.fault_plan import parse_faults
from simulators.faults import FaultyExchange, distorted
from simulators.framing import RTU, TCP, Burst
from simulators.plausible import Plausible
from simulators.rtu_line import LineTiming, RtuLine
from simulators.served_device import ServedDevice
from simulators.tcp_bus import TcpBus, TcpKind
from tests.edge_agent import tls_central
from tests.edge_agent.agent_thread import agent_thread
from tests.edge_agent.gateway import GATEWAY, RECEIPTS
from tests.edge_agent.tls_central import TlsCentral, serving

BAUD = 38_400
Change = Callable[[bytes, Sequence[Burst]], Sequence[Burst]]


@dataclass(frozen=True)
class Unit:
    """A device that the agent polls. `served` False: it is not there at all."""

    unit: int = 1
    profile: str = "keller-33x"
    faults: str = ""
    served: bool = True
    served_as: str = ""  # another profile than gateway.toml says
    given: dict = field(default_factory=dict)
    more: str = ""  # lines of its table in gateway.toml
    poll_s: float = 0.2


@dataclass(frozen=True)
class Scene:
    """One bus. `bus`: lines of its table; `place`: makes what stands behind it; `change`: what the
    line does with an answer.
    """

    name: str
    units: tuple[Unit, ...] = (Unit(1), Unit(2))
    kind: str = "rtu"
    bus: str = ""
    change: Change | None = None
    away_after: int = 0  # answers; then the port is gone
    host: Callable[[contextlib.ExitStack], int] | None = None  # a TCP port of another kind
    port: Callable[[contextlib.ExitStack, Path], str] | None = None  # a serial port likewise
    run: str = ""  # lines of a meter run of its devices

    def device(self, unit: int) -> str:
        return f"{self.name}-{unit}"


class Line:
    """The units of a scene behind one exchange, each with its own faults."""

    def __init__(self, scene: Scene, stop: threading.Event) -> None:
        self._began_ns = time.monotonic_ns()
        framing = TCP if scene.kind == "tcp" else RTU  # also behind a serial server
        self._units = {unit.unit: self._unit(unit, framing) for unit in scene.units if unit.served}
        self._framing, self._change = framing, scene.change
        self._stop = stop
        self.answered = 0

    def _elapsed_ms(self) -> int:
        return (time.monotonic_ns() - self._began_ns) // 1_000_000

    def _unit(self, unit: Unit, framing) -> FaultyExchange:
        profile = load_profile(unit.served_as or unit.profile)
        device = ServedDevice(profile, unit.unit, Plausible(profile, unit.unit, unit.given))
        plan = parse_faults(unit.faults)

        def respond(number: int, pdu: bytes) -> bytes | None:
            now = distorted(plan, self._elapsed_ms(), time.time_ns() // 1_000_000)
            return device.answer(number, pdu, now)

        return FaultyExchange(framing, respond, plan, unit.unit, self._elapsed_ms)

    def __call__(self, frame: bytes) -> Sequence[Burst]:
        number = self._framing.split(frame).unit
        exchange = self._units.get(number)
        bursts = () if exchange is None else exchange(frame)
        self.answered += bool(bursts)
        return self._change(frame, bursts) if self._change else bursts

    def away(self, after: int) -> Callable[[], bool]:
        return lambda: 0 < after <= self.answered


def serve(scene: Scene, directory: Path, stop: threading.Event, stack) -> str:
    """What stands behind the bus, and how gateway.toml names it."""
    if scene.port is not None:
        return f'port = "{scene.port(stack, directory)}"\nbaud = {BAUD}'
    if scene.host is not None:
        return f'host = "127.0.0.1"\ntcp_port = {scene.host(stack)}'
    line = Line(scene, stop)
    if scene.kind != "rtu":
        bus = TcpBus("127.0.0.1", 0, line, stop, TcpKind(TCP if scene.kind == "tcp" else RTU))
        place = f'host = "127.0.0.1"\ntcp_port = {bus.port}'
    else:
        path = directory / scene.name
        timing = LineTiming(turnaround_ns=1_000_000, away=line.away(scene.away_after))
        bus = RtuLine(path, line, BAUD, stop, timing)
        place = f'port = "{path}"\nbaud = {BAUD}'
    bus.start()
    stack.callback(bus.join, 5)
    return place


def toml_of(scene: Scene, place: str) -> str:
    """Its bus, devices and run."""
    timeout = "" if "timeout_s" in scene.bus else "timeout_s = 0.15\n"
    if scene.kind == "rtu":
        timeout += "gap_ms = 120\n"  # a loaded machine pauses within an answer, too
    text = f'[[bus]]\nname = "{scene.name}"\ntype = "{scene.kind}"\n{place}\n{timeout}{scene.bus}\n'
    for unit in scene.units:
        name = scene.device(unit.unit)
        text += (
            f'[[device]]\nname = "{name}"\nbus = "{scene.name}"\nunit = {unit.unit}\n'
            f'profile = "{unit.profile}"\nserial = "S-{name}"\npoll_seconds = {unit.poll_s}\n'
            f"{unit.more}\n"
        )
    return text + (f"[[run]]\n{scene.run}\n" if scene.run else "")


HEAD = f"""
[gateway]
id = "{GATEWAY}"
[site]
name = "Boiler house 3"
zone = "Asia/Shanghai"
gas_day_start_hour = 8
atmospheric_pressure_kpa = 101.325
[central]
url = "%s"
ca = "ca.pem"
receipt_key = "{RECEIPTS.vkey}"
batch_seconds = 1
%s
[journal]
commit_seconds = 0.1
[[gas]]
name = "grid"
hs_25_0_mj_m3 = 40.66
relative_density_0 = 0.581
x_co2 = 0.006
x_h2 = 0.0
"""


def run_of(scene: str, meter: int, sensor: int, **changed: str) -> str:
    """A meter run out of two devices of a scene: FLOWSIC500 and Keller 33X."""
    lines = {
        "id": f'"R-{scene}"',
        "meter": f'"{scene}-{meter}"',
        "qmax_m3_h": "100000.0",
        "index_digits": "9",
        "line_resolution_m3": '"0.001"',
        "base_resolution_m3": '"0.001"',
        "interval_seconds": "60",
        "stale_seconds": "20",
        "conversion": '{ method = "SGERG-88", gas = "grid" }',
        "base": "{ temperature_c = 20.0, pressure_kpa = 101.325 }",
        "pressure": f'{{ device = "{scene}-{sensor}", point = "p1_f32", gauge = true, '
        "substitute_kpa_abs = 400.0, low_kpa_abs = 90.0, high_kpa_abs = 1100.0 }",
        "temperature": f'{{ device = "{scene}-{sensor}", point = "tob1_f32", '
        "substitute_c = 15.0, low_c = -40.0, high_c = 80.0 }",
    } | changed
    return "\n".join(f"{key} = {value}" for key, value in lines.items())


@dataclass
class Site:
    """The running agent, and what the doctor finds of it."""

    path: Path
    central: TlsCentral
    looked: Looked | None = None
    findings: tuple[Finding, ...] = ()

    def examine(self, wanted: Wanted = Wanted()) -> tuple[Finding, ...]:  # noqa: B008
        """Look and diagnose; this machine's own clock and load are not the site's."""
        looked = look(self.path, wanted, lambda _part: None)
        host = looked.host
        if host.clock is not None:
            clock = replace(host.clock, state=ClockState.SYNCHRONISED, has_rtc=True)
            host = replace(host, clock=clock, health=None, backups=(), service=None)
        link = tuple(step for step in host.link if not step.code.startswith("clock_"))
        self.looked = looked._replace(host=replace(host, link=link))
        self.findings = diagnose(*self.looked)
        return self.findings

    def of(self, *names: str) -> set[str]:
        """Codes of the findings about these places."""
        return {one.code for one in self.findings if one.where in names}


@contextlib.contextmanager
def site(
    directory: Path, scenes: Sequence[Scene], seconds: float = 0.0, central_lines: str = ""
) -> Iterator[Site]:
    """Served, and polled by a real agent for so long; ended in order."""
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        keys = create_keys(directory / "state", GATEWAY, os.urandom)
        an_hour_ago = int(time.time()) - 3600  # its receipts are of now, and never ahead of it
        stack.enter_context(patch.object(tls_central, "TIME_S", an_hour_ago))
        central = stack.enter_context(
            serving(directory, TlsCentral(keys.signer.verifier), days=(-1, 90))
        )
        texts = [toml_of(one, serve(one, directory, stop, stack)) for one in scenes]
        stack.callback(stop.set)  # first of all at the end: then they are waited for
        path = directory / "gateway.toml"
        path.write_text(HEAD % (central.url, central_lines) + "".join(texts), encoding="utf-8")
        with agent_thread(path):
            threading.Event().wait(seconds)
            yield Site(path, central)


# ---- places that are none -----------------------------------------------------------------------


def closed_port(_stack: contextlib.ExitStack) -> int:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def listener(handle: Callable[[socket.socket, threading.Event], None]):
    """A TCP port whose connections are handled so."""

    def open_port(stack: contextlib.ExitStack) -> int:
        from tests.edge_agent.wild_servers import listening

        wild = stack.enter_context(listening(lambda wild, peer: handle(peer, wild.stop)))
        return wild.port

    return open_port


def says_nothing(peer: socket.socket, stop: threading.Event) -> None:
    peer.settimeout(0.05)
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            if not peer.recv(1024):
                return


def hangs_up(_peer: socket.socket, _stop: threading.Event) -> None:
    """As a device that serves one client only, and has one."""


def held_port(stack: contextlib.ExitStack, directory: Path) -> str:
    """A pty that another process holds, as a terminal program does."""
    master, slave = os.openpty()
    stack.callback(os.close, master)
    path = directory / "held"
    path.symlink_to(os.ttyname(slave))
    code = (
        "import sys, serial; s = serial.Serial(sys.argv[1], exclusive=True);"
        "print('held', flush=True); sys.stdin.read()"
    )
    child = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    )
    stack.callback(child.kill)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    os.close(slave)
    return str(path)


def no_port(_stack: contextlib.ExitStack, directory: Path) -> str:
    return str(directory / "no-such-port")


def plain_file(_stack: contextlib.ExitStack, directory: Path) -> str:
    """A name that leads to no terminal."""
    path = directory / "a-file"
    path.symlink_to("/dev/null")
    return str(path)
