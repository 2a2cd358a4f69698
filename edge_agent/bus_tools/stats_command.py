"""`edge-agent bus stats`: what the running agent has met on its buses, and what is likely wrong."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.bus_tools.causes import cause_json, cause_lines
from edge_agent.bus_tools.evidence import BUS_STATS, likely_json
from edge_agent.bus_tools.showing import fitted, lines, say, tell, to_json, words
from edge_agent.console import FINDINGS, GOOD
from edge_agent.control.client import LOOK_S, NoAgent, ask_agent
from edge_agent.control.protocol import Call
from edge_agent.terminal import columns
from protocols.modbus.damage import Wrapping
from protocols.modbus.diagnosis import BusFacts, Cause, DeviceFacts, Likely, Sure, diagnose_bus
from protocols.modbus.uart import Setup

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

_COLUMNS: Final = ("requests", "good", "no_answer", "crc", "length", "foreign", "exception", "busy")
_NAME: Final = 14
_CELL: Final = 8


def stats_command(config: AgentConfig, bus: str, seconds: int, *, as_json: bool) -> int:
    """`seconds`: only of what happens from now on; 0: since the agent's start.

    The exit status: findings where something is likely wrong. Raises CannotUse, SocketError.
    """
    answer = _ask(config, bus)
    if seconds:
        time.sleep(seconds)
        answer = difference(answer, _ask(config, bus))
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


def _ask(config: AgentConfig, bus: str) -> dict[str, object]:
    assert config.control is not None  # every file has the section or its defaults
    try:
        fields = {"bus": bus} if bus else {}
        answer = ask_agent(config.control.read_socket, Call(BUS_STATS, fields), LOOK_S)
    except NoAgent as error:
        raise CannotUse(say("stats.no_agent")) from error
    if not answer.get("ok"):
        raise CannotUse(f"{answer.get('error')}")
    return answer


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, object]:
    """What happened between two answers; causes anew from it, without the bytes.

    Raises CannotUse where the agent was started again in between.
    """
    up_ms = int(after["up_ms"]) - int(before["up_ms"])
    if up_ms <= 0:
        raise CannotUse(say("stats.restarted"))
    earlier = {one["name"]: one for one in before["buses"]}
    buses = [_less(one, earlier[one["name"]]) for one in after["buses"] if one["name"] in earlier]
    return {**after, "up_ms": up_ms, "buses": buses}


def _less(bus: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    devices = []
    earlier = {one["name"]: one for one in before["devices"]}
    for one in bus["devices"]:
        old = earlier[one["name"]]
        counts = _less_counts(one["counts"], old["counts"])
        spent = {key: one[key] - old[key] for key in ("polls", "poll_ms")}
        devices.append({**one, **spent, "counts": counts})
    sizes = {
        key: [new - old for new, old in zip(bus[key], before[key], strict=True)]
        for key in ("asked_by_size", "lost_by_size")
    }
    plain = {key: bus[key] - before[key] for key in ("poll_ms", "missed", "unasked_bytes")}
    wrapping: Wrapping = "rtu" if bus["type"] == "rtu-over-tcp" else bus["type"]
    setup = Setup(bus["baud"], bus["parity"]) if bus["parity"] else None
    told = [DeviceFacts(one["name"], one["unit"], one["counts"]) for one in devices]
    likely = diagnose_bus(BusFacts(wrapping, setup, told, plain["unasked_bytes"], "", **sizes))
    counts = _less_counts(bus["counts"], before["counts"])
    return {
        **bus, **plain, **sizes, "counts": counts, "devices": devices,
        "likely": [likely_json(one) for one in likely],
    }  # fmt: skip


def _less_counts(new: Mapping[str, int], old: Mapping[str, int]) -> dict[str, int]:
    return {name: new[name] - old[name] for name in new}


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
        told += lines(lent if bus["lent_to"] else words().said(bus["gone"]), 2)
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
