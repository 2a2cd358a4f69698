"""Buses: the port or peer first, then what came over the line. Pure.

What the bytes say is `protocols/modbus/diagnosis.py`'s part; here it is weighed: the surest cause
of a line explains what is wrong with its devices, and what lies in the past is no red finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from edge_agent.doctor.finding import Area, Finding, red, yellow
from edge_agent.doctor.host import Host, Peer, PortFacts
from edge_agent.status.model import Bus, Device, Snapshot
from protocols.modbus.diagnosis import Cause, Likely, Sure

GOOD: Final = "GOOD"
FEW_MISSED: Final = 0.05
"""Polls that came too late, of all that were asked for."""
SHAPE_SHARE: Final = 0.6
"""Of samples of damage that have one shape (`causes.py`): then they are not disturbed."""
MIN_DAMAGED: Final = 3
LOST_POLLS: Final = 3
LOST_MS: Final = 30_000  # what is silent for some requests is told by the diagnosis before
MIN_LATE: Final = 3
FEW_LATE: Final = 0.02
_SERIAL: Final = ("rtu", "ascii")
_PEERS: Final = {
    Peer.REFUSES: "tcp_refused",
    Peer.SILENT: "tcp_no_answer",
    Peer.CLOSES: "tcp_one_client",
    Peer.NO_NAME: "tcp_no_name",
    Peer.NO_ROUTE: "tcp_no_route",
}
_SHAPES: Final = {
    "paused": "line_gap",
    "doubled": "line_twice",
    "cut": "line_cut",
}
_DEAD: Final = frozenset({"unit_lost", "unit_dead"})
UNASKED: Final = 20
"""Bytes that came while nothing was asked: more than a plug makes that is pulled."""
_DAMAGING: Final = (Cause.NOISE, Cause.TERMINATION)


def bus_findings(snapshot: Snapshot, host: Host) -> Iterator[Finding]:
    """Of each bus, in the order of the file."""
    for bus in snapshot.buses:
        devices = [device for device in snapshot.devices if device.bus == bus.name]
        yield from _of_bus(bus, devices, host)


def _of_bus(bus: Bus, devices: Sequence[Device], host: Host) -> Iterator[Finding]:
    if bus.state == "lent":
        yield yellow("bus_lent", Area.BUS, bus.name, who=bus.lent_to or "-")
        return
    if bus.state == "stuck":
        yield red("bus_stuck", Area.BUS, bus.name, seconds=bus.turn_age_ms // 1000)
        return
    if bus.state == "gone":
        yield _gone(bus, host)
        return
    found = [*_of_line(bus, devices, host)]
    dead = bool(found) and {one.code for one in found} <= _DEAD
    if dead and len(devices) > 1 and all(map(_is_lost, devices)):
        found = [_line_lost(bus, devices)]  # not one beside the other, each by itself
    yield from found
    explained = {one.where for one in found}
    if bus.name not in explained:
        yield from _silent(bus, [one for one in devices if one.name not in explained])
    asked = bus.counts.get("requests", 0)
    if bus.missed > FEW_MISSED * max(asked, 100) and not found:
        yield yellow("bus_overloaded", Area.BUS, bus.name, missed=bus.missed, requests=asked)


# ---- no port ------------------------------------------------------------------------------------


def _gone(bus: Bus, host: Host) -> Finding:
    """The agent cannot open it: what is so of it on this machine?"""
    if bus.type not in _SERIAL:
        peer = host.peers.get(bus.name)
        code = _PEERS.get(peer, "bus_gone") if peer is not None else "bus_gone"
        return red(code, Area.BUS, bus.name, peer=bus.port, said=bus.detail)
    port = host.ports.get(bus.name)
    if port is None:
        return red("bus_gone", Area.BUS, bus.name, peer=bus.port, said=bus.detail)
    facts = {"port": port.path or bus.port, "said": port.reason or bus.detail, "user": port.user}
    facts |= {"group": port.group or "dialout", "holders": ", ".join(port.holders) or "-"}
    return red(_port_code(bus, port), Area.BUS, bus.name, **facts)


def _port_code(bus: Bus, port: PortFacts) -> str:
    if not port.path:
        return "port_pattern"
    if not port.exists:
        return "port_vanished" if bus.counts.get("good", 0) else "port_missing"
    if not port.is_port:
        return "port_no_port"
    if not port.may_open:
        return "port_no_permission"
    return "port_busy" if port.holders else "port_fails"


# ---- what came over the line --------------------------------------------------------------------


def _of_line(bus: Bus, devices: Sequence[Device], host: Host) -> Iterator[Finding]:
    causes = host.causes.get(bus.name, ())
    sure = [one for one in causes if not one.device and one.sure is not Sure.POSSIBLE]
    whole = sure or [one for one in causes if not one.device][:1]
    for likely in whole[:1]:  # the surest: others follow from it, or cannot be told apart
        yield _line_finding(likely, bus, devices, host)
    by_name = {device.name: device for device in devices}
    for likely in causes:
        device = by_name.get(likely.device)
        if device is None or (whole and likely.sure is Sure.POSSIBLE):
            continue
        if whole and whole[0].cause in (Cause.ECHO, Cause.LINE_DEAD):
            continue
        if device.quality == GOOD and likely.cause is Cause.UNIT_DEAD:
            continue
        if likely.cause is Cause.UNSTEADY and _is_lost(device):
            continue
        if likely.cause is Cause.LATE and _is_accident(likely):
            continue
        yield _device_finding(likely, bus, device)


def _line_finding(likely: Likely, bus: Bus, devices: Sequence[Device], host: Host) -> Finding:
    if likely.cause is Cause.LINE_DEAD and bus.type in _SERIAL and any(map(_has_answered, devices)):
        return _line_lost(bus, devices)
    code = f"line_{likely.cause.value}".replace("line_line_", "line_")
    facts: dict[str, object] = {"bus": bus.name, "port": bus.port, "baud": bus.baud}
    facts |= _figures(likely)
    if bus.type not in _SERIAL:
        code = _peer_code(likely, bus, host)
    elif likely.cause in _DAMAGING:
        code = _shape_code(likely) or code
    make = yellow if all(device.quality == GOOD for device in devices) else red
    return make(code, Area.BUS, bus.name, **facts)


def _peer_code(likely: Likely, bus: Bus, host: Host) -> str:
    """The same over a network: there are no wires of ours, but a peer that we can try."""
    peer = host.peers.get(bus.name)
    if likely.cause is Cause.LINE_DEAD:
        return "tcp_one_client" if peer is Peer.CLOSES else "tcp_silent"
    if likely.cause in _DAMAGING:
        return "tcp_one_client" if peer is Peer.CLOSES else "tcp_damaged"
    return f"line_{likely.cause.value}"


def _shape_code(likely: Likely) -> str:
    """Where nearly all samples have one shape it is no noise; "" where it may be."""
    samples = likely.figures.get("samples", 0)
    if not isinstance(samples, int) or samples < MIN_DAMAGED:
        return ""
    for shape, code in _SHAPES.items():
        count = likely.figures.get(shape, 0)
        if isinstance(count, int) and count >= SHAPE_SHARE * samples:
            return code
    return ""


def _device_finding(likely: Likely, bus: Bus, device: Device) -> Finding:
    facts: dict[str, object] = {"bus": bus.name, **_figures(likely)}
    facts |= {"age": _age(device), "unit": device.unit}
    make = yellow if device.quality == GOOD else red
    code = likely.cause.value
    if likely.cause is Cause.UNIT_DEAD and _has_answered(device):
        code = "unit_lost"
    return make(code, Area.DEVICE, device.name, **facts)


def _silent(bus: Bus, devices: Sequence[Device]) -> Iterator[Finding]:
    """What answered once, and does not now: the counters since the start say too little."""
    lost = [one for one in devices if _is_lost(one)]
    if not lost:
        return
    if len(lost) == len(devices) > 1:
        yield _line_lost(bus, lost)
        return
    for device in lost:
        others = len(devices) - len(lost)
        facts = {"bus": bus.name, "unit": device.unit, "age": _age(device), "others": others}
        yield red("unit_lost", Area.DEVICE, device.name, **facts)


def _line_lost(bus: Bus, devices: Sequence[Device]) -> Finding:
    """Since the last of them answered."""
    last = min(devices, key=lambda one: one.good_age_ms or 0)
    facts = {"devices": len(devices), "age": _age(last), "unasked": bus.unasked_bytes}
    code = "line_lost" if bus.unasked_bytes < UNASKED else "line_lost_late"
    return red(code, Area.BUS, bus.name, port=bus.port, bus=bus.name, **facts)


def _has_answered(device: Device) -> bool:
    """At any time since the agent's start: then its settings are good."""
    return device.good_age_ms is not None


def _is_accident(likely: Likely) -> bool:
    """One late answer in an hour is no finding, also where it is all that went wrong."""
    late, requests = (likely.figures.get(name, 0) for name in ("late", "requests"))
    if not isinstance(late, int) or not isinstance(requests, int):
        return False
    return late < MIN_LATE or late < FEW_LATE * requests


def _is_lost(device: Device) -> bool:
    """It answered once, and not for some polls now."""
    age_ms = device.good_age_ms
    return (
        device.quality == "BAD_NO_ANSWER"
        and age_ms is not None
        and age_ms > max(LOST_POLLS * device.poll_ms, LOST_MS)
    )


def _age(device: Device) -> str:
    from edge_agent.link_test.judge import duration

    return "-" if device.good_age_ms is None else duration(device.good_age_ms // 1000)


def _figures(likely: Likely) -> dict[str, object]:
    """All that any of the words uses; what this cause has no figure for is a dash."""
    blank: dict[str, object] = dict.fromkeys(FIGURES, "-")
    return blank | dict(likely.figures)


FIGURES: Final = (
    "asked", "echo", "damaged", "baud", "parity", "our_baud", "our_parity", "bytes", "devices",
    "requests", "unasked", "unit", "no_answer", "others", "late", "busy", "exception", "short",
    "long",
)  # fmt: skip
