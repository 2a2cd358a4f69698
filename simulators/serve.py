"""`edge-sim serve` and `frames`: one device on a TCP port or on a paced serial line."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.registers.library import load_profile
from protocols.registers.profile import ProfileError
from protocols.registers.profile_file import parse_profile
from simulators.fault_plan import parse_faults
from simulators.faults import FaultyExchange, distorted, is_so
from simulators.frames_file import FramesError, parse_frames, replay
from simulators.framing import ASCII, RTU, TCP
from simulators.plausible import Plausible
from simulators.rtu_line import LineTiming, RtuLine
from simulators.served_device import ServedDevice
from simulators.tcp_bus import TcpBus, TcpKind
from simulators.values_file import parse_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from protocols.registers.profile import Profile
    from simulators.frames_file import Captured
    from simulators.framing import Exchange, Framing

HOST: Final = "127.0.0.1"
FRAMINGS: Final = {framing.name: framing for framing in (RTU, ASCII, TCP)}
_BAUDS: Final = (300, 115_200)
MAX_UNIT: Final = 247
_WAIT_S: Final = 0.2
_NS_PER_MS: Final = 1_000_000


Bus = RtuLine | TcpBus


class ServeError(Exception):
    """Nothing can be served as it was asked for; says why and the remedy."""


class Place(NamedTuple):
    """A TCP port (0: any), or the path of a serial port; `framing` "": the usual one of it."""

    tcp_port: int = 0
    pty: Path | None = None
    baud: int = 9600
    framing: str = ""


class ServeOptions(NamedTuple):
    """A profile by its id or its file, and how its device behaves."""

    profile: str
    unit: int = 1
    values: Path | None = None
    faults: str = ""
    seed: int = 1


def open_device(options: ServeOptions, place: Place, stop: threading.Event) -> Bus:
    """The bus with its device, ready to start. Raises ServeError."""
    if not 1 <= options.unit <= MAX_UNIT:
        raise ServeError(f"--unit {options.unit}: must be 1..{MAX_UNIT}")
    try:
        profile = _profile(options.profile)
        given = {} if options.values is None else parse_values(_read(options.values), profile)
        device = ServedDevice(profile, options.unit, Plausible(profile, options.seed, given))
        plan = parse_faults(options.faults)
    # faults of the specification and of the values are ValueErrors
    except (ProfileError, ValueError) as error:
        raise ServeError(str(error)) from error
    began_ns = time.monotonic_ns()

    def elapsed_ms() -> int:
        return (time.monotonic_ns() - began_ns) // _NS_PER_MS

    def respond(unit: int, pdu: bytes) -> bytes | None:
        now = distorted(plan, elapsed_ms(), time.time_ns() // _NS_PER_MS)
        return device.answer(unit, pdu, now)

    exchange = FaultyExchange(framing_of(place), respond, plan, options.seed, elapsed_ms)
    return _bus(place, exchange, lambda: is_so(plan.vanish, elapsed_ms()), stop)


def open_frames(file: Path, place: Place, stop: threading.Event) -> Bus:
    """The bus that answers as it was captured, ready to start. Raises ServeError."""
    return _bus(place, replay(read_frames(file), framing_of(place)), lambda: False, stop)


def read_frames(file: Path) -> tuple[Captured, ...]:
    """The blocks of a file of frames. Raises ServeError."""
    try:
        return parse_frames(_read(file))
    except FramesError as error:
        raise ServeError(f"{file}: {error}") from error


def run_bus(bus: Bus, stop: threading.Event, announce: Callable[[str], None]) -> None:
    """Serve until told to stop; tells the port, or the path, once it is there."""
    bus.start()
    announce(str(bus.port) if isinstance(bus, TcpBus) else str(bus.path))
    while bus.is_alive():
        bus.join(_WAIT_S)
    if not stop.is_set():
        raise ServeError(f"{bus.name}: its thread ended; the traceback above says why")


def framing_of(place: Place) -> Framing:
    """Raises ServeError where the place cannot speak it."""
    framing = FRAMINGS.get(place.framing or ("tcp" if place.pty is None else "rtu"))
    if framing is None or (place.pty is not None and framing is TCP):
        raise ServeError(f"--framing {place.framing}: a serial line speaks rtu or ascii")
    return framing


def _bus(place: Place, exchange: Exchange, away: Callable[[], bool], stop: threading.Event) -> Bus:
    framing = framing_of(place)
    if not _BAUDS[0] <= place.baud <= _BAUDS[1]:
        raise ServeError(f"--baud {place.baud}: must be {_BAUDS[0]}..{_BAUDS[1]}")
    try:
        if place.pty is None:
            return TcpBus(HOST, place.tcp_port, exchange, stop, TcpKind(framing, away))
        timing = LineTiming(framing=framing, away=away)
        return RtuLine(place.pty, exchange, place.baud, stop, timing)
    except OSError as error:
        where = f"{HOST}:{place.tcp_port}" if place.pty is None else str(place.pty)
        raise ServeError(f"cannot serve on {where}: {error}; choose another place") from error


def _profile(name: str) -> Profile:
    if not name.endswith(".toml"):
        return load_profile(name)
    return parse_profile(_read(Path(name)), Path(name).name)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ServeError(f"cannot read {path}: {error}") from error
