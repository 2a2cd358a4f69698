"""Facts of a meter run that a person should hear of, each told once: when it begins and ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocols.metering.booking import Passage, is_gap, is_over_qmax
from protocols.metering.carry import Analysis
from protocols.metering.interval import IntervalRecord
from protocols.metering.movement import Move, index_of, reverse_of
from protocols.metering.quality import Flag
from protocols.metering.run_config import Role, RunConfig
from protocols.metering.scan import Scan

ON, OFF = "on", "off"

MAX_WHO_CHARS: Final = 255
MAX_TEXT_CHARS: Final = 1000
"""Of an event's old, new and detail: central reads no longer ones."""

# Conditions: on and off. A meter scan with one of FAULTS is counted as a failed poll.
CONFIGURATION_MISMATCH: Final = "configuration_mismatch"
INDEX_MISSING: Final = "index_missing"
INDEX_HELD: Final = "index_held"
PRESSURE_SUBSTITUTED: Final = "pressure_substituted"
TEMPERATURE_SUBSTITUTED: Final = "temperature_substituted"
CONVERSION_OUT_OF_RANGE: Final = "conversion_out_of_range"
ATMOSPHERE_SUBSTITUTED: Final = "atmosphere_substituted"
GAS_SUBSTITUTED: Final = "gas_substituted"
FLOW_ABOVE_QMAX: Final = "flow_above_qmax"
REVERSE_FLOW: Final = "reverse_flow"
CONVERSION_DEVIATES: Final = "conversion_deviates"
# Facts of one scan, with the old and the new index.
INDEX_JUMP: Final = "index_jump"
NEW_SEGMENT: Final = "new_segment"
GAP: Final = "gap"
GAS_CHANGED: Final = "gas_changed"

_SUBSTITUTED: Final = {
    Flag.SUBSTITUTE_PRESSURE: PRESSURE_SUBSTITUTED,
    Flag.SUBSTITUTE_TEMPERATURE: TEMPERATURE_SUBSTITUTED,
    Flag.SUBSTITUTE_ATMOSPHERE: ATMOSPHERE_SUBSTITUTED,
    Flag.SUBSTITUTE_GAS: GAS_SUBSTITUTED,
    Flag.Z_OUT_OF_RANGE: CONVERSION_OUT_OF_RANGE,
}


class MeterEvent(NamedTuple):
    """A fact of the run; conditions go from "off" to "on" and back, indexes are in counts."""

    code: str
    subject: str
    old: int | str | None
    new: int | str | None
    detail: str


def scan_fault(config: RunConfig, scan: Scan) -> dict[str, str]:
    """Why an answered meter scan cannot be used: {condition: detail}, or {}."""
    exponents = (
        (config.line_exponent_point, config.line_exponent),
        (config.base_exponent_point, config.base_exponent),
    )
    for point, configured in exponents:
        shown, _unit = scan.values.get(point, (None, ""))
        if point and shown != configured:
            return {CONFIGURATION_MISMATCH: f"{point} shows {shown}, configured is {configured}"}
    if index_of(config.line, scan) is not None:
        return {}
    shown, _unit = scan.values.get(config.line.point, (None, ""))
    if shown is None:
        return {INDEX_MISSING: f"{config.line.point} has no value"}
    detail = f"{config.line.point} shows {shown}, configured are 0 to {config.line.modulus - 1}"
    return {CONFIGURATION_MISMATCH: detail}


def condition_events(
    config: RunConfig, before: tuple[str, ...], alarms: Mapping[str, str], *, partly: bool = False
) -> tuple[tuple[MeterEvent, ...], tuple[str, ...]]:
    """Events of what changed, and the conditions that are on now.

    `partly`: the scan was not evaluated to the end, so what was on before stays on.
    """
    now = tuple(sorted({*alarms, *before} if partly else alarms))
    ended = [MeterEvent(code, config.run, ON, OFF, "") for code in before if code not in now]
    begun = [
        MeterEvent(code, config.run, OFF, ON, alarms[code]) for code in now if code not in before
    ]
    return (*ended, *begun), now


def condition_alarms(config: RunConfig, passage: Passage) -> dict[str, str]:
    """The alarms that hold at an accepted meter scan."""
    alarms = {_SUBSTITUTED[flag]: reason for flag, reason in passage.at.reasons}
    if is_over_qmax(config, passage):
        alarms[FLOW_ABOVE_QMAX] = f"more than {config.qmax_l_h} l/h; it is counted"
    if back := reverse_of(passage.moved):
        alarms[REVERSE_FLOW] = f"{back} counts flowed back; they are counted by themselves"
    return alarms


def stays_over_qmax(before: tuple[str, ...], records: tuple[IntervalRecord, ...]) -> bool:
    """Coarse counts show it over an interval only, so that only an interval without it ends it."""
    if records:
        return any(record.flags & Flag.OVER_QMAX for record in records)
    return FLOW_ABOVE_QMAX in before


def gas_event(config: RunConfig, before: Analysis | None, now: Analysis) -> MeterEvent:
    """A new analysis is in force: both told by methane, nitrogen and carbon dioxide, in 1e-9."""
    serial = config.gas_source.serial if config.gas_source else ""
    old, new = (None if one is None else _shown(one) for one in (before, now))
    return MeterEvent(GAS_CHANGED, config.run, old, new, f"analysis of {serial}")


def _shown(analysis: Analysis) -> str:
    methane, nitrogen, carbon_dioxide = analysis.composition[:3]
    return (
        f"CH4 {methane / 1e7:.4f} %, N2 {nitrogen / 1e7:.4f} %, CO2 {carbon_dioxide / 1e7:.4f} %,"
        f" Hs {analysis.hs_j_m3 / 1e6:.4f} MJ/m3"
    )


def movement_events(config: RunConfig, passage: Passage) -> tuple[MeterEvent, ...]:
    """Gaps, quarantined jumps, new segments: with the index before and the index after."""
    events = []
    if is_gap(config, passage):
        most = "" if passage.elapsed.certain else "at least "
        old, new = _line_indexes(passage.moved)
        detail = f"{most}{passage.elapsed.ms} ms without a meter scan"
        events.append(MeterEvent(GAP, config.run, old, new, detail))
    for move in passage.moved:
        point, segment, old = move.position
        if move.quarantined:
            new = (old + move.quarantined) % move.total.modulus
            detail = f"{point}: {move.quarantined} counts quarantined, more than the meter can pass"
            events.append(MeterEvent(INDEX_JUMP, config.run, old, new, detail))
        if move.restart is not None:
            detail = f"{point}: segment {segment} ended, segment {segment + 1} begins"
            events.append(MeterEvent(NEW_SEGMENT, config.run, old, move.restart, detail))
    return tuple(events)


def _line_indexes(moved: tuple[Move, ...]) -> tuple[int, int]:
    line = next(move for move in moved if move.total.role is Role.LINE)
    old = line.position.index_counts
    if line.restart is not None:
        return old, line.restart
    return old, (old + line.net) % line.total.modulus
