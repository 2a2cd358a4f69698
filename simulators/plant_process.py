"""`edge-sim plant`: the plant as a process, with its files in one directory.

`plant.json` tells where its buses are (written when all of them answer), `line-1` ... are serial
ports, `books.json` is written about each second and at the end.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from simulators.fault_plan import FaultPlan, FaultSpecError, parse_faults
from simulators.faults import FaultyExchange, is_so
from simulators.framing import RTU, TCP, Framing
from simulators.plant import CYCLE_MS
from simulators.rtu_line import LineTiming, RtuLine
from simulators.running_plant import RunningPlant
from simulators.site import BAUD, LINES, TCP_BUS, Site, demo_site, with_station
from simulators.tcp_bus import TcpBus, TcpKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from simulators.framing import Exchange

PLANT_FILE: Final = "plant.json"
BOOKS_FILE: Final = "books.json"
_HOST: Final = "127.0.0.1"
_BOOKS_S: Final = 1.0
_JOIN_S: Final = 5.0


class PlantError(Exception):
    """The plant cannot run, or has no books; says where and the remedy."""


class PlantOptions(NamedTuple):
    """What a caller may choose; port 0 is any free one. `faults`: a specification a bus."""

    seed: int = 1
    day_s: float = 900.0
    tcp_port: int = 0
    faults: Mapping[str, str] = MappingProxyType({})


def run_plant(
    directory: Path, options: PlantOptions, stop: threading.Event, say: Callable[[str], None]
) -> None:
    """Run until `stop`; `say` tells a line at a time. Raises PlantError where a bus cannot be
    served.
    """
    plans = _plans(options.faults)
    directory.mkdir(parents=True, exist_ok=True)
    site = with_station(demo_site(options.seed, options.day_s), options.seed, options.day_s)
    running = RunningPlant(site)
    halt = threading.Event()
    faults = _Faults(running, plans, options.seed)
    buses = _open_buses(directory, faults, options.tcp_port, halt)
    for bus in buses:
        bus.start()
    try:
        place = _place(directory, buses)
        write_json(directory / PLANT_FILE, place)
        for line in _plates(place, site):
            say(line)
        _keep_books(directory, running, buses, stop)
    finally:
        halt.set()
        for bus in buses:
            bus.join(_JOIN_S)
        write_json(directory / BOOKS_FILE, running.books())
        (directory / PLANT_FILE).unlink(missing_ok=True)


def stop_at_signals(stop: threading.Event) -> None:
    """SIGTERM and SIGINT end the plant in good order."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())


def read_books(directory: Path) -> dict[str, Any]:
    """The books of a plant, running or ended; raises PlantError where there are none."""
    path = directory / BOOKS_FILE
    try:
        books: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PlantError(f"no books at {path}: run edge-sim plant --dir {directory}") from error
    except ValueError as error:
        raise PlantError(f"{path} is no JSON: {error}; remove it, run the plant again") from error
    return books


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a file whole, so that a reader never finds half of it."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(content), encoding="utf-8")
    beside.replace(path)


class _Faults:
    """The exchanges of a plant's buses, each with the faults that were asked for."""

    def __init__(self, running: RunningPlant, plans: Mapping[str, FaultPlan], seed: int) -> None:
        self._running = running
        self._plans = plans
        self._seed = seed
        self._began_s = time.monotonic()

    def exchange(self, bus: str, framing: Framing) -> Exchange:
        plan = self._plans.get(bus, FaultPlan())
        respond = self._running.responder(bus)
        return FaultyExchange(framing, respond, plan, self._seed, self._elapsed_ms)

    def away(self, bus: str) -> Callable[[], bool]:
        vanish = self._plans.get(bus, FaultPlan()).vanish
        return lambda: is_so(vanish, self._elapsed_ms())

    def _elapsed_ms(self) -> int:
        return int((time.monotonic() - self._began_s) * 1000)


def _plans(faults: Mapping[str, str]) -> Mapping[str, FaultPlan]:
    """Raises PlantError for an unknown bus, a wrong word, or a fault that is no line's."""
    plans = {}
    for bus, spec in faults.items():
        if bus not in (TCP_BUS, *LINES):
            raise PlantError(f"--faults {bus}: the buses are {', '.join((TCP_BUS, *LINES))}")
        try:
            plans[bus] = parse_faults(spec)
        except FaultSpecError as error:
            raise PlantError(f"--faults {bus}: {error}") from error
        plan = plans[bus]
        if plan.frozen or plan.jump or plan.order or plan.drift:
            raise PlantError(f"--faults {bus}: frozen, jump, order, drift are for edge-sim serve")
    return plans


def _open_buses(
    directory: Path, faults: _Faults, tcp_port: int, halt: threading.Event
) -> list[RtuLine | TcpBus]:
    buses: list[RtuLine | TcpBus] = []
    try:
        kind = TcpKind(away=faults.away(TCP_BUS))
        buses.append(TcpBus(_HOST, tcp_port, faults.exchange(TCP_BUS, TCP), halt, kind))
    except OSError as error:
        raise PlantError(
            f"cannot listen on {_HOST}:{tcp_port}: {error}; choose another --tcp-port"
        ) from error
    for name in LINES:
        timing = LineTiming(away=faults.away(name))
        buses.append(RtuLine(directory / name, faults.exchange(name, RTU), BAUD, halt, timing))
    return buses


def _place(directory: Path, buses: list[RtuLine | TcpBus]) -> dict[str, Any]:
    where: dict[str, Any] = {}
    for bus in buses:
        if isinstance(bus, TcpBus):
            where[TCP_BUS] = {"type": "tcp", "host": _HOST, "tcp_port": bus.port}
        else:
            port = str(directory.absolute() / bus.path.name)
            where[bus.path.name] = {"type": "rtu", "port": port, "baud": BAUD}
    return {"pid": os.getpid(), "buses": where}


def _plates(place: Mapping[str, Any], site: Site) -> Iterator[str]:
    """What a fitter finds: ports, and what stands on each instrument."""
    for name, bus in place["buses"].items():
        yield f"{name}  " + (
            f"{bus['host']} TCP port {bus['tcp_port']}"
            if bus["type"] == "tcp"
            else f"{bus['port']}  {bus['baud']} 8N1"
        )
        for unit, one in site.on_bus(name).items():
            yield f"  unit {unit}  {one.name}: {one.profile.id}, serial number {one.serial}"


def _keep_books(
    directory: Path, running: RunningPlant, buses: list[RtuLine | TcpBus], stop: threading.Event
) -> None:
    next_books_s = 0.0
    while not stop.wait(CYCLE_MS / 1000.0):
        running.advance()
        for bus in buses:
            if not bus.is_alive():
                raise PlantError(f"{bus.name}: its thread ended; the traceback above says why")
        if time.monotonic() >= next_books_s:
            write_json(directory / BOOKS_FILE, running.books())
            next_books_s = time.monotonic() + _BOOKS_S
