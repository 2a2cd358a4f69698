"""From what the agent remembers to what a person reads of a run, a regulator, a device. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_agent.bus.device_reading import Read
from edge_agent.control.control import value_lines
from edge_agent.status.model import Regulator, Run, Value
from protocols.metering.conditions import conditions_at
from protocols.metering.events import (
    ATMOSPHERE_SUBSTITUTED,
    CONFIGURATION_MISMATCH,
    CONVERSION_OUT_OF_RANGE,
    GAS_SUBSTITUTED,
    INDEX_HELD,
    INDEX_MISSING,
    PRESSURE_SUBSTITUTED,
    TEMPERATURE_SUBSTITUTED,
)
from protocols.metering.movement import index_of
from protocols.metering.quality import Quality
from protocols.metering.scan import Scan
from protocols.registers.codec import decode_scan

if TYPE_CHECKING:
    from edge_agent.bus.polled import PolledScan
    from edge_agent.journal.memory import RunMemory
    from edge_agent.status.latest_scans import Seen
    from protocols.metering.instant import Instant
    from protocols.metering.regulator_config import RegulatorConfig
    from protocols.metering.regulator_state import RegulatorState
    from protocols.metering.run_config import RunConfig

GOOD: Final = "good"
UNCERTAIN: Final = "uncertain"
BAD: Final = "bad"
NEVER_READ: Final = "never_read"
_NOT_METERED: Final = (CONFIGURATION_MISMATCH, INDEX_MISSING, INDEX_HELD)
_SUBSTITUTED: Final = (
    PRESSURE_SUBSTITUTED,
    TEMPERATURE_SUBSTITUTED,
    ATMOSPHERE_SUBSTITUTED,
    GAS_SUBSTITUTED,
    CONVERSION_OUT_OF_RANGE,
)
_ICE_POINT_MK: Final = 273_150
_MS_AN_HOUR: Final = 3_600_000


def run_part(memory: RunMemory, meter: Seen, now_ms: int) -> Run:
    """A run as its last commit left it; `meter`: the scans of its meter."""
    config, state = memory.config, memory.state
    quality, cause = run_quality(memory, meter, now_ms)
    positions = {position.point: position for position in state.now.positions}
    line = positions.get(config.line.point)
    base_cm3 = state.now.counters.base_unhaltable
    reference = state.now.reference
    flow = line_flow_m3_h(config, meter, now_ms)
    opened = None if state.opening is None else state.opening.reference
    shown = None
    if reference is not None:
        last = None if state.tally is None else state.tally.last
        shown = last or conditions_at(config, state.now, reference).shown
    p_dpa, t_mk, z_e9, c_e9, _hs = shown or (None,) * 5
    end_ms = None
    if opened is not None and opened.utc_ms is not None:
        end_ms = (opened.utc_ms // config.interval_ms + 1) * config.interval_ms
    return Run(
        id=config.run,
        meter=config.meter_serial,
        quality=quality,
        quality_cause=cause,
        line_index=None if line is None else line.index_counts,
        base_index=base_cm3,
        line_text="" if line is None else decimal_text(line.index_counts, config.line_exponent),
        base_text=decimal_text(base_cm3 // 1000, -3),
        line_flow_m3_h=flow,
        base_flow_m3_h=None if flow is None or c_e9 is None else round(flow * c_e9 / 1e9, 3),
        pressure_kpa=None if p_dpa is None else p_dpa / 10_000,
        temperature_c=None if t_mk is None else (t_mk - _ICE_POINT_MK) / 1000,
        z=None if z_e9 is None else z_e9 / 1e9,
        c=None if c_e9 is None else c_e9 / 1e9,
        substituted=tuple(name for name in state.conditions if name in _SUBSTITUTED),
        segment=state.now.segment if line is None else line.segment,
        interval_end_ms=end_ms,
    )


def run_quality(memory: RunMemory, meter: Seen, now_ms: int) -> tuple[str, str]:
    """Whether the run meters, and if not why: a Quality's name or a condition.

    One lost poll is an accident: the next one has its volume too.
    """
    conditions, config = memory.state.conditions, memory.config
    last, good = meter.last, meter.good
    if last is None:
        return BAD, NEVER_READ
    age_ms = None if good is None else now_ms - good.instant.mono_ms
    if last.quality != Quality.GOOD and (age_ms is None or age_ms > 2 * last.device.poll_ms):
        return BAD, Quality(last.quality).name
    if age_ms is None or age_ms > max(config.stale_ms, 2 * last.device.poll_ms):
        return BAD, Quality.BAD_NO_ANSWER.name
    for name in _NOT_METERED:
        if name in conditions:
            return BAD, name
    if memory.state.now.reference is None:
        return BAD, NEVER_READ
    for name in conditions:
        if name in _SUBSTITUTED:
            return UNCERTAIN, name
    return GOOD, ""


def line_flow_m3_h(config: RunConfig, meter: Seen, now_ms: int) -> float | None:
    """The mean over the last minute or two; None where two indexes do not tell it."""
    before, good = meter.before, meter.good
    if before is None or good is None or now_ms - good.instant.mono_ms > config.stale_ms:
        return None
    passed_ms = good.instant.mono_ms - before.instant.mono_ms
    old, new = _line_index(config, before), _line_index(config, good)
    if passed_ms <= 0 or old is None or new is None:
        return None
    counts = (new - old) % config.line.modulus
    if counts > config.line.modulus // 2:  # it went backwards, or is another meter's
        return None
    return round(counts * config.count_cm3 / 1e6 * _MS_AN_HOUR / passed_ms, 3)


def _line_index(config: RunConfig, scan: PolledScan) -> int | None:
    values = decode_scan(scan.register_map, scan.raws)
    fields = (0, scan.device.serial, scan.instant, scan.quality, values)
    return index_of(config.line, Scan(*fields))


def regulator_part(config: RegulatorConfig, state: RegulatorState, now: Instant) -> Regulator:
    """A regulator as its last scans left it; bad while any of its alarms is on.

    An outlet pressure that is old is none.
    """
    outlet = state.outlet
    if outlet is not None and (
        outlet.boot_no != now.boot_no or now.mono_ms - outlet.mono_ms > config.stale_ms
    ):
        outlet = None
    return Regulator(
        config.regulator,
        None if outlet is None else outlet.value / 10_000,
        config.set_dpa / 10_000,
        BAD if state.conditions else GOOD if outlet is not None else UNCERTAIN,
    )


def values_of(scan: PolledScan) -> tuple[Value, ...]:
    """All values of a good scan."""
    lines = value_lines(Read(scan.register_map, scan.raws))
    return tuple(
        [
            Value(str(line["name"]), str(line["text"]), _number(line["number"]), str(line["unit"]))
            for line in lines
        ]
    )


def _number(told: object) -> int | float | None:
    """JSON has no NaN and no infinity: they are no number of an instrument either."""
    if type(told) is float:
        return told if abs(told) < float("inf") else None
    return told if type(told) is int else None


def decimal_text(count: int, exponent: int) -> str:
    """`count` x 10^exponent as decimal text, with all its digits."""
    if exponent >= 0:
        return str(count * 10**exponent)
    sign, digits = "-" if count < 0 else "", f"{abs(count):0{1 - exponent}d}"
    return f"{sign}{digits[:exponent]}.{digits[exponent:]}"
