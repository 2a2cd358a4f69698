"""The pressures that a regulator is set to, as found and as left, and what they should be. Pure.

Working and standby run (双路调压); of each the supply pressure, the slam-shut and the relief
valve, in kPa gauge. The configuration knows the supply pressures; the order of the others is
physics: a standby run that is set above the working one supplies in its place, and a valve that is
set below the supply pressure opens or shuts without a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from edge_agent.acts.fault import BadFigure
from edge_agent.acts.figures import plain
from edge_agent.acts.toml_edit import Edit, Number
from protocols.evidence.statement import Value
from protocols.metering.regulator_config import RegulatorConfig

RUNS: Final = ("working", "standby")
VALUES: Final = ("supply", "slam_shut", "relief")
NAMES: Final = tuple(f"{run}.{value}" for run in RUNS for value in VALUES)
WORKING: Final = "working.supply"
STANDBY: Final = "standby.supply"
KEYS: Final = {WORKING: "set_kpa_gauge", STANDBY: "standby_set_kpa_gauge"}
NEAR_PERCENT: Final = 1
"""A set value is read off a gauge: nearer than that is the same. (The hysteresis of the watch.)"""
_MOST_CHANGE_CHARS: Final = 100


class Settings(NamedTuple):
    """All in kPa gauge, by name: set values found and left, lock-up pressures by run."""

    found: Mapping[str, Decimal]
    left: Mapping[str, Decimal]
    lock_up: Mapping[str, Decimal]

    @property
    def last(self) -> Mapping[str, Decimal]:
        """As it is left: what was not adjusted is as found."""
        return {**self.found, **self.left}


class Finding(NamedTuple):
    """What is not as it should be: a key of the words, and its figures."""

    code: str
    name: str
    value: Decimal
    should: Decimal


def check(settings: Settings, config: RegulatorConfig) -> None:
    """Raises BadFigure: what is left must have been found, and both runs must be looked at."""
    unfound = [name for name in settings.left if name not in settings.found]
    if unfound:
        raise BadFigure("left_unfound", name=unfound[0])
    needed = [WORKING, STANDBY] if config.standby_set_dpa else [WORKING]
    missing = [name for name in needed if name not in settings.found]
    if missing:
        raise BadFigure("not_looked_at", name=missing[0])
    for name, value in (*settings.found.items(), *settings.left.items(), *settings.lock_up.items()):
        if not 0 < value < 100_000:
            raise BadFigure("set_pressure", name=name, value=plain(value))


def configured(config: RegulatorConfig) -> dict[str, Decimal]:
    """The supply pressures that gateway.toml has, in kPa gauge."""
    atmosphere = config.atmosphere_dpa
    found = {WORKING: Decimal(config.set_dpa - atmosphere) / 10_000}
    if config.standby_set_dpa:
        found[STANDBY] = Decimal(config.standby_set_dpa - atmosphere) / 10_000
    return found


def differing(settings: Settings, config: RegulatorConfig) -> dict[str, tuple[Decimal, Decimal]]:
    """Supply pressures that are left otherwise than configured: value and configured one."""
    known, last = configured(config), settings.last
    return {
        name: (last[name], should)
        for name, should in known.items()
        if name in last and abs(last[name] - should) * 100 > should * NEAR_PERCENT
    }


def findings(settings: Settings, config: RegulatorConfig) -> list[Finding]:
    """As it is left."""
    last = settings.last
    found = [
        Finding("differs", name, value, should)
        for name, (value, should) in differing(settings, config).items()
    ]
    if WORKING in last and STANDBY in last:
        # closed, and so no higher than its lock-up pressure, while the working run is at full flow
        most = last[WORKING] - Decimal(config.droop_dpa + config.lockup_dpa) / 10_000
        if last[STANDBY] >= most:
            found.append(Finding("standby_above", STANDBY, last[STANDBY], most))
    for run in RUNS:
        supply = last.get(f"{run}.supply")
        if supply is None:
            continue
        for value in ("slam_shut", "relief"):
            valve = last.get(f"{run}.{value}")
            if valve is not None and valve <= supply:
                found.append(Finding("valve_below", f"{run}.{value}", valve, supply))
        lock_up, most = settings.lock_up.get(run), supply + Decimal(config.lockup_dpa) / 10_000
        if lock_up is not None and lock_up > most:
            found.append(Finding("lock_up_above", f"{run}.lock_up", lock_up, most))
    return found


def fields(
    settings: Settings, config: RegulatorConfig, seals: Mapping[str, str]
) -> tuple[tuple[str, Value], ...]:
    """The statement `regulator_set`."""
    told: list[tuple[str, Value]] = []
    known = configured(config)
    for name in NAMES:
        for phase, values in (("found", settings.found), ("left", settings.last)):
            if name in values:
                told.append((f"{name}.{phase}_kpa_gauge", plain(values[name])))
        if name in known:
            told.append((f"{name}.configured_kpa_gauge", plain(known[name])))
    told += [(f"{run}.lock_up_kpa_gauge", plain(value)) for run, value in settings.lock_up.items()]
    told += seals.items()
    wrong = findings(settings, config)
    told.append(("findings", " ".join(f"{one.code}:{one.name}" for one in wrong)))
    told.append(("verdict", "outside" if wrong else "within"))
    return tuple(told)


def edits(settings: Settings, config: RegulatorConfig, by: tuple[str, str]) -> list[Edit]:
    """gateway.toml with the pressures that are left; nothing where it has them."""
    changed = differing(settings, config)
    if not changed:
        return []
    who, reason = (text[:_MOST_CHANGE_CHARS] for text in by)
    return [
        Edit("change", None, "by", who),
        Edit("change", None, "reason", reason),
        *(
            Edit("regulator", ("id", config.regulator), KEYS[name], Number(_toml(value)))
            for name, (value, _) in changed.items()
        ),
    ]


def _toml(value: Decimal) -> str:
    """With a point, as the file writes pressures."""
    text = plain(value)
    return text if "." in text else f"{text}.0"
