"""Likely causes of a bus's trouble, asked of the running agent: it has the bytes that went wrong.

| request | answer |
|---|---|
| `{"do": "bus_causes"}` | `buses`: by name, causes in order: cause, sure, device, figures |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from edge_agent.bus_tools.evidence import facts_of
from edge_agent.control.protocol import Call, Route
from protocols.modbus.diagnosis import (
    BusFacts,
    Cause,
    Likely,
    Sure,
    diagnose_bus,
)

if TYPE_CHECKING:
    from edge_agent.bus.bus import BusThread

BUS_CAUSES: Final = "bus_causes"
MOST_CAUSES: Final = 64
Causes = dict[str, tuple[Likely, ...]]


def cause_routes(buses: Sequence[BusThread]) -> dict[str, Route]:
    """For the agent's table; it runs in the client's thread, on plain numbers."""

    def answer(_call: Call, _peer: str) -> Mapping[str, object]:
        told = {name: [_to_json(one) for one in found] for name, found in causes_of(buses).items()}
        return {"ok": True, "buses": told}

    return {BUS_CAUSES: Route(answer)}


def causes_of(buses: Sequence[BusThread]) -> Causes:
    """By the name of the bus; a bus without trouble has none."""
    found = {}
    for bus in buses:
        facts = facts_of(bus)
        found[bus.bus.name] = tuple(_with_cuts(one, facts) for one in diagnose_bus(facts))
    return {name: causes[:MOST_CAUSES] for name, causes in found.items()}


def _with_cuts(likely: Likely, facts: BusFacts) -> Likely:
    """Of damage: how many of the samples are too short, rather than changed."""
    if likely.cause not in (Cause.NOISE, Cause.TERMINATION):
        return likely
    samples = [sample for device in facts.devices for sample in device.samples]
    cut = sum(len(sample.heard) < sample.due for sample in samples)
    figures = {**likely.figures, "cut": cut, "samples": len(samples)}
    return likely._replace(figures=figures)


def _to_json(likely: Likely) -> dict[str, object]:
    return {**likely._asdict(), "figures": dict(likely.figures)}


def parse_causes(answer: Mapping[str, object]) -> Causes:
    """The strict inverse; what this program does not know is passed over. Raises ValueError."""
    buses = answer.get("buses")
    if not isinstance(buses, dict):
        raise ValueError("bus_causes: an answer that this program does not know")  # noqa: TRY004
    return {
        str(name): tuple(filter(None, map(_parsed, told[:MOST_CAUSES])))
        for name, told in buses.items()
        if isinstance(told, list)
    }


def _parsed(told: object) -> Likely | None:
    if not isinstance(told, dict):
        return None
    figures = told.get("figures")
    try:
        cause, sure = Cause(str(told.get("cause"))), Sure(str(told.get("sure")))
    except ValueError:  # of a newer agent
        return None
    known = figures if isinstance(figures, dict) else {}
    kept = {str(key): value for key, value in known.items() if isinstance(value, int | str)}
    return Likely(cause, sure, str(told.get("device", "")), kept)
