"""`edge-sim serve`: one device of any profile on a TCP port or on a paced serial line."""

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
from simulators.framing import ASCII, RTU, TCP
from simulators.plausible import Plausible
from simulators.rtu_line import LineTiming, RtuLine
from simulators.served_device import ServedDevice
from simulators.tcp_bus import TcpBus, TcpKind
from simulators.values_file import parse_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from protocols.registers.profile import Profile
    from simulators.framing import Exchange, Framing

HOST: Final = "127.0.0.1"
FRAMINGS: Final = {framing.name: framing for framing in (RTU, ASCII, TCP)}
_BAUDS: Final = (300, 115_200)
MAX_UNIT: Final = 247
_WAIT_S: Final = 0.2
_NS_PER_MS: Final = 1_000_000


class ServeError(Exception):
    """Nothing can be served as it was asked for; says why and the remedy."""


class ServeOptions(NamedTuple):
    """A profile by its id or its file; a TCP port (0: any) or the path of a serial port."""

    profile: str
    tcp_port: int = 0
    pty: Path | None = None
    baud: int = 9600
    framing: str = ""
    unit: int = 1
    values: Path | None = None
    faults: str = ""
    seed: int = 1


def open_bus(options: ServeOptions, stop: threading.Event) -> RtuLine | TcpBus:
    """The bus with its device, ready to start. Raises ServeError."""
    try:
        profile = _profile(options.profile)
        given = {} if options.values is None else parse_values(_read(options.values), profile)
        device = ServedDevice(profile, options.unit, Plausible(profile, options.seed, given))
        plan = parse_faults(options.faults)
    # faults of the specification and of the values are ValueErrors
    except (ProfileError, ValueError) as error:
        raise ServeError(str(error)) from error
    framing = _framing(options)
    if not _BAUDS[0] <= options.baud <= _BAUDS[1]:
        raise ServeError(f"--baud {options.baud}: must be {_BAUDS[0]}..{_BAUDS[1]}")
    if not 1 <= options.unit <= MAX_UNIT:
        raise ServeError(f"--unit {options.unit}: must be 1..{MAX_UNIT}")
    began_ns = time.monotonic_ns()

    def elapsed_ms() -> int:
        return (time.monotonic_ns() - began_ns) // _NS_PER_MS

    def respond(unit: int, pdu: bytes) -> bytes | None:
        now = distorted(plan, elapsed_ms(), time.time_ns() // _NS_PER_MS)
        return device.answer(unit, pdu, now)

    exchange = FaultyExchange(framing, respond, plan, options.seed, elapsed_ms)
    return _bus(options, exchange, lambda: is_so(plan.vanish, elapsed_ms()), stop)


def run_serve(
    options: ServeOptions, stop: threading.Event, announce: Callable[[str], None]
) -> None:
    """Serve until told to stop; tells the port, or the path, once it is there."""
    bus = open_bus(options, stop)
    bus.start()
    announce(str(bus.port) if isinstance(bus, TcpBus) else str(bus.path))
    while bus.is_alive():
        bus.join(_WAIT_S)
    if not stop.is_set():
        raise ServeError(f"{bus.name}: its thread ended; the traceback above says why")


def _bus(
    options: ServeOptions, exchange: Exchange, away: Callable[[], bool], stop: threading.Event
) -> RtuLine | TcpBus:
    framing = _framing(options)
    try:
        if options.pty is None:
            return TcpBus(HOST, options.tcp_port, exchange, stop, TcpKind(framing, away))
        timing = LineTiming(framing=framing, away=away)
        return RtuLine(options.pty, exchange, options.baud, stop, timing)
    except OSError as error:
        where = f"{HOST}:{options.tcp_port}" if options.pty is None else str(options.pty)
        raise ServeError(f"cannot serve on {where}: {error}; choose another place") from error


def _framing(options: ServeOptions) -> Framing:
    framing = FRAMINGS.get(options.framing or ("tcp" if options.pty is None else "rtu"))
    if framing is None or (options.pty is not None and framing is TCP):
        raise ServeError(f"--framing {options.framing}: a serial line speaks rtu or ascii")
    return framing


def _profile(name: str) -> Profile:
    if not name.endswith(".toml"):
        return load_profile(name)
    return parse_profile(_read(Path(name)), Path(name).name)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ServeError(f"cannot read {path}: {error}") from error
