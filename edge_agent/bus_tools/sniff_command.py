"""`edge-agent bus sniff`: listens to another master's traffic, sends nothing, tells what it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.bus_tools.borrow import MAX_SECONDS, CannotUse, borrowed, bus_named
from edge_agent.bus_tools.raw_port import raw_port, some
from edge_agent.bus_tools.scan import BAUDS, setups_of
from edge_agent.bus_tools.showing import lines, say, tell, to_json
from edge_agent.bus_tools.sniff_lines import Told, frame_lines, head_line, summary, sums_json
from edge_agent.config.bus_time import bits_per_char
from edge_agent.config.model import BusConfig
from edge_agent.console import FINDINGS, GOOD
from protocols.modbus.budget import char_ms
from protocols.modbus.sniff import Heard, Kind

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

TRIAL_S: Final = 2.0
"""How long each rate is listened at, until frames are heard."""
SILENCE_CHARS: Final = 20
LEAST_SILENCE_S: Final = 0.1
"""An adapter's lump, and a cellular modem's gap within a frame."""
WAIT_S: Final = 0.05
MAX_KEPT: Final = 2_000


class Listening(NamedTuple):
    """What the command line asks for."""

    bus: str
    port: str
    seconds: int
    bauds: tuple[int, ...] = ()
    parities: tuple[str, ...] = ()


def sniff_command(config: AgentConfig | None, listening: Listening, *, as_json: bool) -> int:
    """The exit status: findings where no frame was heard. Raises CannotUse, SocketError."""
    bus, setups = _setups(config, listening)
    show: Callable[[Heard], None] = (lambda _heard: None) if as_json else Live()
    if not as_json:
        tell(lines(say("sniff.begin", port=bus.port or bus.host, seconds=listening.seconds)))
        tell([head_line()])
    heard: list[Told] = []
    lent_s = min(MAX_SECONDS, listening.seconds + 30)
    with borrowed(config, bus, lent_s, "bus sniff"):
        try:
            listen(setups, listening.seconds, show, heard)
        except KeyboardInterrupt:
            tell([], stderr=True)
    told = heard[-1] if heard else Told(setups[0])
    good = told.is_understood
    if as_json:
        tell([to_json(sums_json(told))])
    else:
        tell(summary(told))
    return GOOD if good else FINDINGS


def _setups(
    config: AgentConfig | None, listening: Listening
) -> tuple[BusConfig, tuple[BusConfig, ...]]:
    if listening.port:
        bus = BusConfig("sniff", "rtu", port=listening.port)
        return bus, setups_of(bus, listening.bauds or BAUDS, listening.parities or ("N", "E", "O"))
    if config is None or not listening.bus:
        raise CannotUse("name a bus of the configuration, or a port with --port")
    bus = bus_named(config, listening.bus)
    if bus.kind not in ("rtu", "rtu-over-tcp"):
        raise CannotUse(f"bus {bus.name} is {bus.kind}: only an RTU line can be listened to")
    return bus, setups_of(bus, listening.bauds or (bus.baud,), listening.parities or (bus.parity,))


def listen(
    setups: Sequence[BusConfig],
    seconds: float,
    show: Callable[[Heard], None],
    heard: list[Told],
) -> None:
    """At each setup for a trial, until one has frames; at that one to the end.

    `heard` gets one for each setup, at its beginning: whatever ends it, the last one is there.
    """
    end_s = time.monotonic() + seconds
    for number, setup in enumerate(setups):
        told = Told(setup, began_s=time.monotonic())
        is_last = number == len(setups) - 1
        trial_s = end_s if is_last else min(end_s, told.began_s + TRIAL_S)
        heard.append(told)
        with raw_port(setup) as port:
            silence_s = max(LEAST_SILENCE_S, SILENCE_CHARS * _char_s(setup))
            last_s = told.began_s
            while (now_s := time.monotonic()) < (end_s if told.is_understood else trial_s):
                data = some(port, WAIT_S)
                now_s = time.monotonic()
                if data:
                    last_s = now_s
                    told.bytes += len(data)
                    _take(told, told.sniffer.came(data, now_s - told.began_s), show)
                elif now_s - last_s > silence_s:
                    _take(told, told.sniffer.silence(now_s - told.began_s), show)
        if told.is_understood or time.monotonic() >= end_s:
            return


def _take(told: Told, frames: Iterator[Heard], show: Callable[[Heard], None]) -> None:
    for heard in frames:
        if len(told.frames) < MAX_KEPT:
            told.frames.append(heard)
        show(heard)


def _char_s(setup: BusConfig) -> float:
    return char_ms(setup.baud, bits_per_char(setup)) / 1000 if setup.is_serial else 0.0


# ---- what is told -------------------------------------------------------------------------------


class Live:
    """What each request said, with its answer beside or below it."""

    def __init__(self) -> None:
        self._asked: Heard | None = None

    def __call__(self, heard: Heard) -> None:
        if heard.kind is Kind.REQUEST:
            if self._asked is not None:
                tell(frame_lines(self._asked, None))
            self._asked = heard
            return
        tell(frame_lines(self._asked, heard))
        self._asked = None
