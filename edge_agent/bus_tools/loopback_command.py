"""`edge-agent bus loopback`: proves ports and wires without an instrument, finds echoes."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from edge_agent.bus_tools.borrow import borrowed
from edge_agent.bus_tools.loopback import Way, run
from edge_agent.bus_tools.raw_port import raw_port
from edge_agent.bus_tools.showing import lines, say, tell, to_json
from edge_agent.config.model import BusConfig
from edge_agent.console import FINDINGS, GOOD
from edge_agent.screen import BAD, WARNING, mark
from edge_agent.screen import GOOD as GREEN

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

LENT_S = 120


class Looped(NamedTuple):
    """What the command line asks for; `other` "" : the same port hears."""

    port: str
    other: str
    baud: int
    parity: str


def loopback_command(config: AgentConfig | None, looped: Looped, *, as_json: bool) -> int:
    """The exit status: good where all arrives. Raises CannotUse, SocketError."""
    one = BusConfig("loopback", "rtu", looped.port, looped.baud, looped.parity)
    other = replace(one, port=looped.other)
    with contextlib.ExitStack() as stack:
        stack.enter_context(borrowed(config, one, LENT_S, "bus loopback"))
        if looped.other:
            stack.enter_context(borrowed(config, other, LENT_S, "bus loopback"))
        first = stack.enter_context(raw_port(one))
        if looped.other:
            second = stack.enter_context(raw_port(other))
            there = run(f"{looped.port} -> {looped.other}", one, first, second)
            back = run(f"{looped.other} -> {looped.port}", one, second, first)
            ways = [there, back]
        else:
            ways = [run(looped.port, one, first, first)]
    verdict = verdict_of(ways)
    good = verdict in ("loop.good", "loop.back")
    if as_json:
        told = [{**way._asdict(), "good": way.is_good} for way in ways]
        tell([to_json({"ok": good, "verdict": verdict, "told": say(verdict), "ways": told})])
    else:
        key = "loop.way" if looped.other else "loop.one"
        tell([line for way in ways for line in _way_lines(way, key)] + lines(say(verdict)))
    return GOOD if good else FINDINGS


def verdict_of(ways: list[Way]) -> str:
    """The words' key of what the directions say together."""
    if any(way.extra or way.echo > way.sent for way in ways):
        return "loop.others"
    if len(ways) == 1:
        (way,) = ways
        if way.is_good:
            return "loop.back"
        return "loop.nothing" if way.is_dead else "loop.damaged"
    if any(way.echo for way in ways):
        return "loop.echo"
    if all(way.is_good for way in ways):
        return "loop.good"
    if all(way.is_dead for way in ways):
        return "loop.dead"
    if any(way.is_dead for way in ways):
        return "loop.one_way"
    return "loop.damaged"


def _way_lines(way: Way, key: str) -> list[str]:
    light = GREEN if way.is_good else BAD if way.is_dead else WARNING
    figures = say(key, sent=way.sent, heard=way.heard, wrong=way.wrong, echo=way.echo)
    return lines(f"{mark(light, sys.stdout.encoding)} {way.name}: {figures}", 0, 4)
