"""Likely causes of a bus's trouble, asked of the running agent: it has the bytes that went wrong.

| request | answer |
|---|---|
| `{"do": "bus_causes"}` | `buses`: by name, causes in order: cause, sure, device, figures |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from edge_agent.bus_tools.evidence import diagnosed
from edge_agent.control.protocol import Call, Route
from protocols.modbus.damage import Sample, Wrapping, is_sound
from protocols.modbus.diagnosis import BusFacts, Cause, Likely, Sure

if TYPE_CHECKING:
    from edge_agent.bus.bus import BusThread

BUS_CAUSES: Final = "bus_causes"
MOST_CAUSES: Final = 64
SHAPES: Final = ("paused", "doubled", "cut")
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
        facts, likely = diagnosed(bus)
        found[bus.bus.name] = tuple(_with_shapes(one, facts) for one in likely)
    return {name: causes[:MOST_CAUSES] for name, causes in found.items()}


def _with_shapes(likely: Likely, facts: BusFacts) -> Likely:
    """Of damage: how many of the samples have each shape; some are no noise at all."""
    if likely.cause not in (Cause.NOISE, Cause.TERMINATION):
        return likely
    samples = [sample for device in facts.devices for sample in device.samples]
    shapes = [shape_of(sample, facts.wrapping) for sample in samples]
    counted = {name: shapes.count(name) for name in SHAPES}
    return likely._replace(figures={**likely.figures, **counted, "samples": len(samples)})


def shape_of(sample: Sample, wrapping: Wrapping) -> str:
    """One of SHAPES, or "" where bytes were changed.

    `paused`: all of it came, and too slowly; `doubled`: it came, and more behind it; `cut`: some of
    it is missing.
    """
    heard, due = sample.heard, sample.due
    if is_sound(heard, wrapping):
        return "paused" if len(heard) == due else ""
    if len(heard) > due and is_sound(heard[:due], wrapping):
        return "doubled"
    return "cut" if len(heard) < due else ""


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
