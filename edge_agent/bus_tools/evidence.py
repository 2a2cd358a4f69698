"""What the running agent has counted of its buses: the read socket's `bus_stats`.

| call | answer |
|---|---|
| `bus_stats`: bus (or all) | buses: counters, load, devices with theirs, likely causes |

It looks only at plain integers and immutable values of the bus threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from edge_agent.bus.bus import BusThread
from edge_agent.bus.counters import Counts
from edge_agent.bus.poller import DevicePoller, Now
from edge_agent.bus_tools.scan import setup_of
from edge_agent.control.protocol import BadRequest, Call, Route
from protocols.modbus.diagnosis import BusFacts, DeviceFacts, Likely, diagnose_bus

BUS_STATS: Final = "bus_stats"


def facts_of(bus: BusThread, *, of_late: bool = False) -> BusFacts:
    """What a diagnosis is made of, since the start; or of the last minutes, where who is silent by
    now counts as dead, though it answered before.
    """
    counters = bus.counters
    devices = []
    for poller in bus.pollers:
        counts = counters.by_device[poller.device.name]
        told = counts.of_late() if of_late else counts.to_json()
        silent = counts.silent_run if of_late else 0
        facts = (told, counts.samples, silent)
        devices.append(DeviceFacts(poller.device.name, poller.device.unit, *facts))
    asked, lost = tuple(counters.asked_by_size), tuple(counters.lost_by_size)
    if of_late:
        asked, lost = counters.by_size_of_late()
    return BusFacts(
        counters.wrapping,
        setup_of(bus.bus),
        tuple(devices),
        bus.unasked_bytes,
        bus.other_master,
        asked,
        lost,
    )


def diagnosed(bus: BusThread) -> tuple[BusFacts, tuple[Likely, ...]]:
    """What is likely wrong now, and by which facts; where nothing is, what is wrong now and then:
    in some hundred requests that is too little, in all since the start it is not."""
    now = facts_of(bus, of_late=True)
    if likely := diagnose_bus(now):
        return now, likely
    ever = facts_of(bus)
    return ever, diagnose_bus(ever)


def stats_routes(buses: Sequence[BusThread], clock: Now) -> dict[str, Route]:
    """For the agent's table."""
    began_ms = clock.now().mono_ms

    def answer(call: Call, _peer: str) -> Mapping[str, object]:
        wanted = call.name("bus", "")
        if wanted and all(bus.bus.name != wanted for bus in buses):
            known = ", ".join(bus.bus.name for bus in buses)
            raise BadRequest(f"no bus {wanted!r}; there are: {known[:500]}")
        now_ms = clock.now().mono_ms
        told = [_bus(bus, now_ms) for bus in buses if wanted in ("", bus.bus.name)]
        return {"ok": True, "up_ms": now_ms - began_ms, "buses": told}

    return {BUS_STATS: Route(answer)}


def _bus(bus: BusThread, now_ms: int) -> dict[str, object]:
    config, counters, loan = bus.bus, bus.counters, bus.loans.current
    return {
        "name": config.name,
        "type": config.kind,
        "port": config.port or f"{config.host}:{config.tcp_port}",
        "baud": config.baud if config.is_serial else config.line_baud,
        "parity": config.parity if config.is_serial else "",
        "gone": bus.gone_reason,
        "lent_to": loan.who if loan else "",
        "counts": counters.total(),
        "poll_ms": sum(counts.poll_ms for counts in counters.by_device.values()),
        "missed": bus.missed,
        "unasked_bytes": bus.unasked_bytes,
        "other_master": bus.other_master,
        "asked_by_size": list(counters.asked_by_size),
        "lost_by_size": list(counters.lost_by_size),
        "devices": [
            _device(poller, counters.by_device[poller.device.name], now_ms)
            for poller in bus.pollers
        ],
        "likely": [likely_json(one) for one in diagnosed(bus)[1]],
    }


def _device(poller: DevicePoller, counts: Counts, now_ms: int) -> dict[str, object]:
    failed_ms = counts.last_failure_mono_ms
    return {
        "name": poller.device.name,
        "unit": poller.device.unit,
        "counts": counts.to_json(),
        "polls": counts.polls,
        "poll_ms": counts.poll_ms,
        "slowest_ms": counts.slowest_ms,
        "last_failure": counts.last_failure,
        "last_failure_age_ms": None if failed_ms is None else max(0, now_ms - failed_ms),
    }


def likely_json(one: Likely) -> dict[str, object]:
    """As it goes over the socket; `parse_likely` is the inverse."""
    return {**one._asdict(), "figures": dict(one.figures)}
