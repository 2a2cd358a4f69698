"""`edge-agent bus sniff`: listens to another master's traffic, sends nothing, tells what it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.bus_tools.address import Place
from edge_agent.bus_tools.borrow import MAX_SECONDS, CannotUse, borrowed, bus_named
from edge_agent.bus_tools.raw_port import raw_port, some
from edge_agent.bus_tools.scan import BAUDS, setups_of
from edge_agent.bus_tools.showing import fitted, lines, say, tell, to_json
from edge_agent.config.bus_time import bits_per_char
from edge_agent.config.model import BusConfig
from edge_agent.console import FINDINGS, GOOD
from protocols.modbus.budget import char_ms
from protocols.modbus.sniff import Heard, Kind, Sniffer, UnitSeen

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

TRIAL_S: Final = 2.0
"""How long each rate is listened at, until frames are heard."""
SILENCE_CHARS: Final = 20
LEAST_SILENCE_S: Final = 0.1
"""An adapter's lump, and a cellular modem's gap within a frame."""
WAIT_S: Final = 0.05
MAX_KEPT: Final = 2_000
MAX_BLOCKS_SHOWN: Final = 8
_WORDS_SHOWN: Final = 6
_HEADS: Final = (9, 5, 28, 20)


class Listening(NamedTuple):
    """What the command line asks for."""

    bus: str
    port: str
    seconds: int
    bauds: tuple[int, ...] = ()
    parities: tuple[str, ...] = ()


@dataclass
class Told:
    """What was heard, at which setup; the newest MAX_KEPT frames."""

    setup: BusConfig
    sniffer: Sniffer = field(default_factory=Sniffer)
    frames: list[Heard] = field(default_factory=list)
    bytes: int = 0
    began_s: float = 0.0


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
    good = told.sniffer.frames > 0
    if as_json:
        tell([to_json(_json(told))])
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
            while (now_s := time.monotonic()) < (end_s if told.sniffer.frames else trial_s):
                data = some(port, WAIT_S)
                now_s = time.monotonic()
                if data:
                    last_s = now_s
                    told.bytes += len(data)
                    _take(told, told.sniffer.came(data, now_s - told.began_s), show)
                elif now_s - last_s > silence_s:
                    _take(told, told.sniffer.silence(now_s - told.began_s), show)
        if told.sniffer.frames or time.monotonic() >= end_s:
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
    """A line for each request, with its answer beside it."""

    def __init__(self) -> None:
        self._asked: Heard | None = None

    def __call__(self, heard: Heard) -> None:
        if heard.kind is Kind.REQUEST:
            if self._asked is not None:
                tell([frame_line(self._asked, None)])
            self._asked = heard
            return
        tell([frame_line(self._asked or heard, heard)])
        self._asked = None


def head_line() -> str:
    """Over the lines of `frame_line`."""
    cells = (say("sniff.time"), say("sniff.unit_head"), say("sniff.asked"), say("sniff.answer"))
    return "".join(map(fitted, cells, _HEADS)).rstrip()


def frame_line(asked: Heard, answer: Heard | None) -> str:
    """Within 80 columns: when, unit, what was asked, what was answered, how long it took."""
    what = say("sniff.write" if asked.function > 4 else "sniff.read")
    where = ""
    if asked.address is not None:
        number = f" x{asked.quantity}" if asked.quantity else ""
        where = f"{asked.address}{number}"
        if asked.function in (1, 2, 3, 4):
            where += f" ({Place(asked.function, asked.address).reference})"
    left = f"{asked.at_s:>8.3f} {asked.unit:>3} {what}{asked.function:<3}{fitted(where, 20)}"
    if answer is None:
        return fitted(f"{left} {say('sniff.unanswered')}", 80).rstrip()
    words = " ".join(f"{word:04X}" for word in answer.words[:_WORDS_SHOWN])
    words += "~" if len(answer.words) > _WORDS_SHOWN else ""
    said = say("sniff.exception", code=answer.code) if answer.kind is Kind.EXCEPTION else words
    delay = "" if answer.delay_s is None else f"{1000 * answer.delay_s:.0f} ms"
    return f"{fitted(f'{left} {said}', 71)}{delay:>9}".rstrip()


def summary(told: Told) -> list[str]:
    """The units, what they were asked, and what did not fit."""
    setup = told.setup
    shown = f"{setup.baud} {setup.data_bits}{setup.parity}{setup.stop_bits}"
    sniffer = told.sniffer
    if not sniffer.frames:
        key = "sniff.silent" if not told.bytes else "sniff.junk_only"
        return lines(say(key, bytes=told.bytes))
    junk = sniffer.junk_bytes
    found = ["", *lines(say("sniff.end", frames=sniffer.frames, setup=shown, junk=junk))]
    for unit, seen in sorted(sniffer.units.items()):
        found += lines(say("sniff.unit", unit=unit, **_figures(seen)), 0, 4)
        blocks = sorted(seen.blocks.items(), key=lambda item: -item[1])
        for (function, address, count), times in blocks[:MAX_BLOCKS_SHOWN]:
            block = {"function": function, "address": address, "count": count, "times": times}
            found += lines(say("sniff.block", **block), 4)
    return found


def _figures(seen: UnitSeen) -> Mapping[str, int]:
    return {
        "requests": seen.requests,
        "answers": seen.answers,
        "exceptions": seen.exceptions,
        "unanswered": seen.unanswered,
        "slowest": round(1000 * seen.slowest_s),
    }


def _json(told: Told) -> dict[str, object]:
    setup = told.setup
    return {
        "ok": told.sniffer.frames > 0,
        "setup": {"baud": setup.baud, "parity": setup.parity},
        "bytes": told.bytes,
        "junk_bytes": told.sniffer.junk_bytes,
        "frames": [
            {
                "at_s": round(one.at_s, 4),
                "kind": str(one.kind),
                "unit": one.unit,
                "function": one.function,
                "address": one.address,
                "count": one.quantity,
                "words": list(one.words),
                "exception": one.code,
                "delay_ms": None if one.delay_s is None else round(1000 * one.delay_s, 1),
                "frame": one.frame.hex(),
            }
            for one in told.frames
        ],
        "units": [
            {
                "unit": unit,
                **_figures(seen),
                "blocks": [
                    {"function": block[0], "address": block[1], "count": block[2], "times": times}
                    for block, times in seen.blocks.items()
                ],
            }
            for unit, seen in sorted(told.sniffer.units.items())
        ],
    }
