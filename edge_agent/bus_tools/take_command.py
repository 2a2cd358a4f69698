"""`edge-agent bus take` and `bus release`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from edge_agent.bus_tools.borrow import ask_release, ask_take, bus_named
from edge_agent.bus_tools.showing import lines, say, tell, to_json, words
from edge_agent.console import FINDINGS, GOOD
from edge_agent.control.client import NoAgent

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig


class Wish(NamedTuple):
    """Which bus, for how long, who wants it and why."""

    bus: str
    seconds: int
    who: str
    reason: str


def take(config: AgentConfig, wish: Wish, *, as_json: bool) -> int:
    """The exit status. Raises CannotUse, SocketError."""
    bus, seconds = wish.bus, wish.seconds
    bus_named(config, bus)
    try:
        answer = ask_take(config, *wish)
    except NoAgent:
        return _no_agent(bus, as_json=as_json)
    if as_json or not answer.get("ok"):
        return _told(answer, as_json=as_json)
    until = answer.get("until_utc_ms")
    shown = "" if not isinstance(until, int) else f"{datetime.fromtimestamp(until / 1000, UTC):%T}"
    tell(lines(say("take.lent", bus=bus, seconds=seconds, until=shown or "?")))
    tell(lines(say("take.back", bus=bus), indent=2))
    return GOOD


def release(config: AgentConfig, bus: str, *, as_json: bool) -> int:
    """The exit status. Raises CannotUse, SocketError."""
    bus_named(config, bus)
    try:
        answer = ask_release(config, bus)
    except NoAgent:
        return _no_agent(bus, as_json=as_json)
    if as_json or not answer.get("ok"):
        return _told(answer, as_json=as_json)
    tell(lines(say("release.done", bus=bus)))
    return GOOD


def _no_agent(bus: str, *, as_json: bool) -> int:
    if as_json:
        tell([to_json({"ok": True, "bus": bus, "agent": False})])
    else:
        tell(lines(say("no_agent")))
    return GOOD


def _told(answer: Mapping[str, object], *, as_json: bool) -> int:
    """As it came; a refusal in words."""
    good = bool(answer.get("ok"))
    if as_json:
        tell([to_json({**answer, "agent": True})])
    else:
        tell(lines(words().said(f"{answer.get('error')}")), stderr=True)
    return GOOD if good else FINDINGS
