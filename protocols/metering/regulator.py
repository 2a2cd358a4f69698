"""What the instruments around a regulator tell of it: scans in, events out; pure.

A regulator has no register of its own health. Its outlet has: too high where nothing flows says
that the seat leaks, swings say that it hunts, the standby's set pressure says that the main one
does not supply. Each condition is told once when it begins and once when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from protocols.metering.events import OFF, ON, MeterEvent
from protocols.metering.instant import Instant
from protocols.metering.quality import is_good
from protocols.metering.regulator_config import Contact, RegulatorConfig
from protocols.metering.regulator_sense import droop_dpa, flow_now, sensed
from protocols.metering.regulator_state import Drift, Pending, Reading, RegulatorState
from protocols.metering.scan import Scan

OUTLET_MISSING: Final = "outlet_missing"
OUTLET_ABOVE: Final = "outlet_above"
OUTLET_BELOW: Final = "outlet_below"
LOCK_UP_HIGH: Final = "lock_up_high"
INLET_MISSING: Final = "inlet_missing"
INLET_ABOVE: Final = "inlet_above"
INLET_BELOW: Final = "inlet_below"
HUNTING: Final = "hunting"
STANDBY_ACTIVE: Final = "standby_active"
SET_PRESSURE_DRIFT: Final = "set_pressure_drift"
CONTACT_MISSING: Final = "contact_missing"
# and a ContactKind for each contact that has left its normal state

_OF_OUTLET: Final = (
    OUTLET_ABOVE,
    OUTLET_BELOW,
    LOCK_UP_HIGH,
    STANDBY_ACTIVE,
    SET_PRESSURE_DRIFT,
)
_OF_INLET: Final = (INLET_ABOVE, INLET_BELOW)


class RegulatorStep(NamedTuple):
    """The state after a scan, and what became known by it."""

    state: RegulatorState
    events: tuple[MeterEvent, ...] = ()


class _Seen(NamedTuple):
    """What is known at one instant; None where nothing fresh is."""

    outlet: int | None
    inlet: int | None
    flow_l_h: int | None


def regulator_step(config: RegulatorConfig, state: RegulatorState, scan: Scan) -> RegulatorStep:
    """One scan of any device, in order; those of other devices change nothing.

    A failed poll brings no reading, but its instant lets what is known grow old.
    """
    if scan.serial not in config.serials:
        return RegulatorStep(state)
    state = _of_boot(config, state, scan.instant)
    if is_good(scan.quality):
        state = sensed(config, state, scan)
    seen = _seen(config, state, scan.instant)
    alarms = _Alarms(config, state, scan.instant).of(seen)
    return _told(config, state, alarms, scan.instant.mono_ms)


def _of_boot(config: RegulatorConfig, state: RegulatorState, instant: Instant) -> RegulatorState:
    """Nothing that was measured in another boot can be compared with this instant: only what was
    told stays told."""
    if state.boot_no == instant.boot_no and len(state.contacts) == len(config.contacts):
        return state
    return RegulatorState(
        boot_no=instant.boot_no,
        began_ms=instant.mono_ms,
        contacts=(None,) * len(config.contacts),
        drift=Drift(began_ms=instant.mono_ms, found_dpa=state.drift.found_dpa),
        conditions=state.conditions,
    )


def _seen(config: RegulatorConfig, state: RegulatorState, instant: Instant) -> _Seen:
    now_ms = instant.mono_ms
    return _Seen(
        _fresh(config, state.outlet, now_ms),
        _fresh(config, state.inlet, now_ms),
        flow_now(config, state, now_ms),
    )


def _contact_condition(contact: Contact) -> str:
    """What it says when it has left its normal state, and which contact it is."""
    return f"{contact.kind} {contact.name}"


def _fresh(config: RegulatorConfig, reading: Reading | None, now_ms: int) -> int | None:
    """Two buses deliver into one queue, so a reading may be a little younger than the scan."""
    if reading is None or abs(now_ms - reading.mono_ms) > config.stale_ms:
        return None
    return reading.value


class _Alarms:
    """The alarms that hold at one instant, by condition, each with its figures.

    What cannot be judged for want of a reading stays as it was told.
    """

    def __init__(self, config: RegulatorConfig, state: RegulatorState, instant: Instant) -> None:
        self._config = config
        self._state = state
        self._now_ms = instant.mono_ms
        self._found: dict[str, str] = {}

    def of(self, seen: _Seen) -> Mapping[str, str]:
        config = self._config
        if seen.outlet is None:
            self._missing(OUTLET_MISSING, config.outlet.serial, _OF_OUTLET)
        else:
            self._outlet(seen.outlet, seen.flow_l_h)
        if config.inlet is not None and seen.inlet is None:
            self._missing(INLET_MISSING, config.inlet.serial, _OF_INLET)
        elif seen.inlet is not None:
            self._above(INLET_ABOVE, seen.inlet, config.inlet_high_dpa)
            self._below(INLET_BELOW, seen.inlet, config.inlet_low_dpa)
        self._swings()
        for contact, reading in zip(config.contacts, self._state.contacts, strict=True):
            self._contact(contact, reading)
        return self._found

    def _outlet(self, outlet: int, flow_l_h: int | None) -> None:
        config = self._config
        self._above(OUTLET_ABOVE, outlet, config.high_dpa)
        self._below(OUTLET_BELOW, outlet, config.low_dpa - droop_dpa(config, flow_l_h))
        if flow_l_h == 0:
            self._above(LOCK_UP_HIGH, outlet, config.set_dpa + config.lockup_dpa)
        elif flow_l_h is None:
            self._keep(LOCK_UP_HIGH)
        if config.standby_set_dpa:
            self._below(STANDBY_ACTIVE, outlet, config.standby_opens_dpa + 1)
        found_dpa = self._state.drift.found_dpa
        if found_dpa is not None:
            self._above(SET_PRESSURE_DRIFT, abs(found_dpa), config.drift_dpa)

    def _swings(self) -> None:
        window_ms, turns = self._config.hunting_window_ms, self._config.hunting_turns
        recent = [turn for turn in self._state.swing.turns if self._now_ms - turn <= window_ms]
        if len(recent) >= turns:
            swing = _pa(self._config.hunting_dpa)
            self._found[HUNTING] = f"{len(recent)} turns of {swing} or more in {window_ms} ms"
        elif self._now_ms - self._state.began_ms < window_ms:
            self._keep(HUNTING)

    def _contact(self, contact: Contact, reading: Reading | None) -> None:
        shown, key = _fresh(self._config, reading, self._now_ms), _contact_condition(contact)
        if shown is None:
            self._missing(f"{CONTACT_MISSING} {contact.name}", contact.serial, (key,))
        elif shown != contact.normal:
            self._found[key] = f"{contact.point} shows {shown}"

    def _missing(self, condition: str, serial: str, others: Iterable[str]) -> None:
        """A reading that could not have come yet is not missing."""
        for kept in others:
            self._keep(kept)
        stale_ms = self._config.stale_ms
        if self._now_ms - self._state.began_ms > stale_ms:
            self._found[condition] = f"no reading not older than {stale_ms} ms of {serial}"
        self._keep(condition)

    def _keep(self, condition: str) -> None:
        if condition in self._state.conditions:
            self._found.setdefault(condition, "")

    def _above(self, condition: str, value: int, limit: int) -> None:
        inside = self._config.hysteresis_dpa if condition in self._state.conditions else 0
        if value > limit - inside:
            self._found[condition] = f"{_pa(value)}, the limit is {_pa(limit)}"

    def _below(self, condition: str, value: int, limit: int) -> None:
        inside = self._config.hysteresis_dpa if condition in self._state.conditions else 0
        if value < limit + inside:
            self._found[condition] = f"{_pa(value)}, the limit is {_pa(limit)}"


def _told(
    config: RegulatorConfig, state: RegulatorState, alarms: Mapping[str, str], now_ms: int
) -> RegulatorStep:
    """Tell what ended and what has lasted; a contact is believed at once."""
    at_once = {_contact_condition(contact) for contact in config.contacts}
    since = {item.condition: item.since_ms for item in state.pending}
    pending = tuple(
        Pending(name, since.get(name, now_ms))
        for name in sorted(alarms)
        if name not in state.conditions
    )
    begun = [
        item.condition
        for item in pending
        if item.condition in at_once or now_ms - item.since_ms >= config.hold_ms
    ]
    ended = [name for name in state.conditions if name not in alarms]
    events = (
        *(_event(config, name, (ON, OFF), "") for name in ended),
        *(_event(config, name, (OFF, ON), alarms[name]) for name in begun),
    )
    on = tuple(sorted({*state.conditions, *begun} - {*ended}))
    pending = tuple(item for item in pending if item.condition not in begun)
    return RegulatorStep(replace(state, pending=pending, conditions=on), events)


def _event(
    config: RegulatorConfig, condition: str, way: tuple[str, str], detail: str
) -> MeterEvent:
    code, _blank, name = condition.partition(" ")
    return MeterEvent(code, f"{config.regulator} {name}".rstrip(), *way, detail)


def _pa(dpa: int) -> str:
    return f"{dpa / 10:.1f} Pa"
