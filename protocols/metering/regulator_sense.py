"""What one scan shows of a regulator: pressures, contacts, flow, swings, mean set pressure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from protocols.metering.regulator_config import Contact, PressurePoint, RegulatorConfig
from protocols.metering.regulator_state import Drift, Flow, Reading, RegulatorState, Swing
from protocols.metering.scan import Scan
from protocols.metering.units import UnitError, to_pascal

LEAST_LOAD: Final = 20  # a twentieth of the full flow
LEAST_READINGS: Final = 10
_LH_PER_CM3_MS: Final = 3600  # 1 cm3/ms = 1 l/s


def sensed(config: RegulatorConfig, state: RegulatorState, scan: Scan) -> RegulatorState:
    """The state after a good scan of one of the regulator's devices."""
    flow, inlet, contacts = state.flow, state.inlet, state.contacts
    if config.flow is not None and scan.serial == config.flow.serial:
        flow = _flow(config, flow, scan)
    if config.inlet is not None and _answers(config.inlet, scan):
        inlet = _pressure(config, config.inlet, scan)
    contacts = tuple(
        _contact(contact, scan) if _answers(contact, scan) else before
        for contact, before in zip(config.contacts, contacts, strict=True)
    )
    state = replace(state, flow=flow, inlet=inlet, contacts=contacts)
    if not _answers(config.outlet, scan):
        return state
    state = replace(state, outlet=_pressure(config, config.outlet, scan))
    if state.outlet is None:
        return state
    return replace(
        state,
        swing=_swing(config, state.swing, state.outlet),
        drift=_drift(config, state, state.outlet),
    )


def _answers(point: PressurePoint | Contact, scan: Scan) -> bool:
    return scan.serial == point.serial and point.point in scan.values


def _pressure(config: RegulatorConfig, point: PressurePoint, scan: Scan) -> Reading | None:
    """An answer that is no value (NaN, unknown unit, out of range) is no reading."""
    number, unit = scan.values[point.point]
    if number is None or not math.isfinite(number):
        return None
    try:
        value = round(to_pascal(number, unit) * 10)
    except (UnitError, OverflowError):
        return None
    value += config.atmosphere_dpa if point.gauge else 0
    return _at(scan, value) if point.low <= value <= point.high else None


def _contact(contact: Contact, scan: Scan) -> Reading | None:
    """0 or 1; bits are those of a whole number that is not negative."""
    number, _unit = scan.values[contact.point]
    if number is None or number != number // 1 or number < 0:
        return None
    shown = int(number)
    return _at(scan, int(bool(shown & contact.mask if contact.mask else shown)))


def _at(scan: Scan, value: int) -> Reading:
    return Reading(value, scan.instant.boot_no, scan.instant.mono_ms)


def _flow(config: RegulatorConfig, flow: Flow, scan: Scan) -> Flow:
    """The flow of a window is known at its end; an index that goes backwards tells none."""
    assert config.flow is not None
    number, _unit = scan.values.get(config.flow.point, (None, ""))
    if type(number) is not int or not 0 <= number < config.flow.modulus:
        return flow
    here = _at(scan, number)
    if flow.anchor is None:
        return Flow(here)
    passed_ms = here.mono_ms - flow.anchor.mono_ms
    if passed_ms < config.flow_window_ms:
        return flow
    counts = (number - flow.anchor.value) % config.flow.modulus
    if passed_ms > config.flow_window_ms + config.stale_ms or counts > config.flow.modulus // 2:
        return Flow(here)
    return Flow(here, counts * config.flow.count_cm3 * _LH_PER_CM3_MS // passed_ms)


def _swing(config: RegulatorConfig, swing: Swing, outlet: Reading) -> Swing:
    """A turn is a way back of `hunting_dpa` or more from the extreme."""
    p = outlet.value
    if swing.extreme_dpa == 0:
        return Swing(p)
    way = p - swing.extreme_dpa
    if swing.rising * way >= 0 and swing.rising != 0:
        return swing._replace(extreme_dpa=p)
    if abs(way) < config.hunting_dpa:
        return swing
    turns = swing.turns
    if swing.rising:
        turns = (*turns, outlet.mono_ms)[-config.hunting_turns :]
    return Swing(p, 1 if way > 0 else -1, turns)


def _drift(config: RegulatorConfig, state: RegulatorState, outlet: Reading) -> Drift:
    """Mean of outlet pressure and droop at the load, over windows.

    Only while the main regulator is at work within its limits: not near closing, where the outlet
    rises towards lock-up, and not where another alarm says what is wrong. A window with fewer than
    LEAST_READINGS of that kind holds a passage from one to the other, and judges nothing.
    """
    drift, flow_l_h = state.drift, flow_now(config, state, outlet.mono_ms)
    if outlet.mono_ms - drift.began_ms >= config.drift_window_ms:
        found = drift.found_dpa
        if drift.readings >= LEAST_READINGS:
            found = drift.sum_dpa // drift.readings - config.set_dpa
        drift = Drift(outlet.mono_ms, found_dpa=found)
    if config.flow is None or not flow_l_h or flow_l_h * LEAST_LOAD < config.flow.full_l_h:
        return drift
    droop = droop_dpa(config, flow_l_h)
    if not config.low_dpa - droop <= outlet.value <= config.high_dpa:
        return drift
    shown = outlet.value + droop
    return drift._replace(sum_dpa=drift.sum_dpa + shown, readings=drift.readings + 1)


def flow_now(config: RegulatorConfig, state: RegulatorState, now_ms: int) -> int | None:
    """Litres an hour in the latest whole window; None where it is not known."""
    anchor = state.flow.anchor
    if anchor is None or now_ms - anchor.mono_ms > config.flow_window_ms + config.stale_ms:
        return None
    return state.flow.l_h


def droop_dpa(config: RegulatorConfig, flow_l_h: int | None) -> int:
    """What the outlet may be lower at this flow; all of it where the flow is not known."""
    if config.flow is None or flow_l_h is None:
        return config.droop_dpa
    full = config.flow.full_l_h
    return config.droop_dpa * min(flow_l_h, full) // full
