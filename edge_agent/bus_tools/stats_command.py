"""`edge-agent bus stats`: what the running agent has met on its buses, and what is likely wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.bus_tools.causes import cause_json, cause_lines
from edge_agent.bus_tools.evidence import BUS_STATS
from edge_agent.bus_tools.showing import fitted, lines, say, tell, to_json
from edge_agent.console import FINDINGS, GOOD
from edge_agent.control.client import NoAgent, ask_agent
from edge_agent.control.protocol import Call
from edge_agent.terminal import columns
from protocols.modbus.diagnosis import Cause, Likely, Sure

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

_COLUMNS: Final = ("requests", "good", "no_answer", "crc", "length", "foreign", "exception", "busy")
_NAME: Final = 14
_CELL: Final = 8


def stats_command(config: AgentConfig, bus: str, *, as_json: bool) -> int:
    """The exit status: findings where something is likely wrong. Raises CannotUse, SocketError."""
    assert config.control is not None  # every file has the section or its defaults
    try:
        fields = {"bus": bus} if bus else {}
        answer = ask_agent(config.control.read_socket, Call(BUS_STATS, fields))
    except NoAgent as error:
        raise CannotUse(say("stats.no_agent")) from error
    if not answer.get("ok"):
        raise CannotUse(f"{answer.get('error')}")
    buses: list[dict[str, Any]] = answer["buses"]  # type: ignore[assignment]  # our own route's
    likely = {one["name"]: parse_likely(one["likely"]) for one in buses}
    status = FINDINGS if any(likely.values()) else GOOD
    if as_json:
        for one in buses:
            one["likely"] = [cause_json(found) for found in likely[one["name"]]]
        tell([to_json({"ok": status == GOOD, "up_ms": answer["up_ms"], "buses": buses})])
        return status
    told: list[str] = []
    for one in buses:
        told += [""] if told else []
        told += bus_lines(one, int(answer["up_ms"]))  # type: ignore[call-overload]
        told += cause_lines(likely[one["name"]])
    tell(told)
    return status


def parse_likely(told: Sequence[Mapping[str, Any]]) -> list[Likely]:
    """What this program does not know is passed over: the agent may be of the next version."""
    found = []
    for one in told:
        if one.get("cause") in set(Cause) and one.get("sure") in set(Sure):
            figures = dict(one["figures"])
            found.append(Likely(Cause(one["cause"]), Sure(one["sure"]), one["device"], figures))
    return found


def bus_lines(bus: Mapping[str, Any], up_ms: int) -> list[str]:
    """Head, rates, a row for each device."""
    setup = f"{bus['baud']} {bus['parity']}".strip() if bus["baud"] else ""
    told = lines(f"{bus['name']}  {bus['type']} {bus['port']}  {setup}".rstrip(), 0, 2)
    if bus["lent_to"] or bus["gone"]:
        lent = say("stats.lent", who=bus["lent_to"])
        told += lines(lent if bus["lent_to"] else bus["gone"], 2)
    counts, up_s = bus["counts"], max(1.0, up_ms / 1000)
    rate = f"{counts['requests'] / up_s:.2f}"
    load = f"{100 * bus['poll_ms'] / max(1, up_ms):.1f}"
    told += lines(say("stats.rate", rate=rate, load=load, missed=bus["missed"],
                      unasked=bus["unasked_bytes"]), 2)  # fmt: skip
    slowest = slowest_of(bus["devices"])
    if slowest is not None:
        name, mean_ms, most_ms = slowest
        told += lines(say("stats.slowest", name=name, mean=mean_ms, most=most_ms), 2)
    told.append("")
    told.append(fitted("", _NAME) + "".join(_right(say(f"count.{name}")) for name in _COLUMNS))
    for device in bus["devices"]:
        of_it = device["counts"]
        row = fitted(f"{device['unit']:>3} {device['name']}", _NAME)
        told.append(row + "".join(_right(str(of_it[name])) for name in _COLUMNS))
        age_ms = device["last_failure_age_ms"]
        if age_ms is not None:
            age = _age(age_ms / 1000)
            told += lines(say("stats.last", age=age, why=device["last_failure"]), 4, 6)
    return told


def slowest_of(devices: Sequence[Mapping[str, Any]]) -> tuple[str, int, int] | None:
    """Name, mean and longest ms of a poll of the device whose polls take longest."""
    polled = [one for one in devices if one["polls"]]
    if not polled:
        return None
    one = max(polled, key=lambda one: one["poll_ms"] / one["polls"])
    return str(one["name"]), round(one["poll_ms"] / one["polls"]), int(one["slowest_ms"])


def _right(text: str) -> str:
    return " " * max(1, _CELL - columns(text)) + text


def _age(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
