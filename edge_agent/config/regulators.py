"""Regulators of gateway.toml: the pressures, the flow and the contacts around each.

What the file leaves out is what EN 334 allows a regulator of accuracy class AC 10 and lock-up
pressure class SG 20: droop and lock-up are 10 and 20 % of the set pressure.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from edge_agent.config.fields import Section, nearest
from edge_agent.config.model import SiteConfig
from edge_agent.config.sources import NAME, POINT, Devices, device_of, read_point
from protocols.metering.regulator_config import (
    MAX_CONTACTS,
    MAX_TURNS,
    Contact,
    ContactKind,
    IndexPoint,
    PressurePoint,
    RegulatorConfig,
    regulator_faults,
)
from protocols.metering.run_config import RunConfig

MAX_REGULATORS: Final = 64
_KPA: Final = ("0.0001", "100000", "0.0001")
_SECONDS: Final = ("0", "86400", "0.001")
_DPA_PER_KPA: Final = 10_000


def read_regulators(
    top: Section, devices: Devices, runs: Mapping[str, RunConfig], site: SiteConfig
) -> tuple[RegulatorConfig, ...]:
    """All regulators; their faults are reported."""
    regulators: dict[str, RegulatorConfig] = {}
    for section in top.sections("regulator", "id", MAX_REGULATORS):
        before = section.fault_count()
        regulator = _regulator(section, devices, runs, site)
        name = regulator.regulator
        if name and name in regulators:
            section.fault("id", f"{name!r} is there twice", "give each regulator its own id")
        known = all(regulator.serials)
        if known and section.fault_count() == before:
            for fault in regulator_faults(regulator):
                section.fault("", fault, "correct it")
        regulators[name] = regulator
    return tuple(regulators.values())


def _regulator(
    section: Section, devices: Devices, runs: Mapping[str, RunConfig], site: SiteConfig
) -> RegulatorConfig:
    atmosphere = site.atmosphere_dpa
    name = section.text("id", NAME)
    set_dpa = section.scaled("set_kpa_gauge", *_KPA)
    part = Decimal(set_dpa) / _DPA_PER_KPA

    def share(key: str, percent: int) -> int:
        return section.scaled(key, *_KPA, part * percent / 100)

    def seconds(key: str, default: int) -> int:
        return section.scaled(key, *_SECONDS, Decimal(default))

    inlet = None
    if section.has("inlet_pressure"):
        inlet = _pressure(section.section("inlet_pressure"), devices)
    standby_dpa = section.scaled("standby_set_kpa_gauge", "0", "100000", "0.0001", Decimal(0))
    regulator = RegulatorConfig(
        regulator=name,
        outlet=_pressure(section.section("outlet_pressure"), devices),
        inlet=inlet,
        flow=_flow(section, runs),
        contacts=_contacts(section, devices),
        atmosphere_dpa=atmosphere,
        set_dpa=set_dpa + atmosphere,
        droop_dpa=share("droop_kpa", 10),
        lockup_dpa=share("lock_up_kpa", 20),
        low_dpa=share("low_kpa_gauge", 80) + atmosphere,
        high_dpa=share("high_kpa_gauge", 125) + atmosphere,
        inlet_low_dpa=_limit(section, "inlet_low_kpa_gauge", inlet, "0") + atmosphere,
        inlet_high_dpa=_limit(section, "inlet_high_kpa_gauge", inlet, "100000") + atmosphere,
        standby_set_dpa=standby_dpa + atmosphere if standby_dpa else 0,
        drift_dpa=share("drift_kpa", 5),
        drift_window_ms=seconds("drift_window_seconds", 3600),
        hunting_dpa=share("hunting_kpa", 5),
        hunting_turns=section.integer("hunting_turns", 2, MAX_TURNS, 6),
        hunting_window_ms=seconds("hunting_window_seconds", 300),
        flow_window_ms=seconds("flow_window_seconds", 30),
        hysteresis_dpa=share("hysteresis_kpa", 1),
        hold_ms=seconds("hold_seconds", 60),
        stale_ms=seconds("stale_seconds", 60),
    )
    section.done()
    return regulator


def _limit(section: Section, key: str, inlet: PressurePoint | None, default: str) -> int:
    """A limit of the inlet; without a transmitter there none is asked for."""
    if inlet is None:
        return 0
    return section.scaled(key, "0", "100000", "0.0001", Decimal(default))


def _pressure(section: Section, devices: Devices) -> PressurePoint:
    device = device_of(section, "device", devices)
    point = PressurePoint(
        device.serial if device else "",
        read_point(section, device, "pressure"),
        section.flag("gauge"),
        section.scaled("low_kpa_abs", "0.001", "100000", "0.0001", Decimal(1)),
        section.scaled("high_kpa_abs", "1", "100000", "0.0001", Decimal(100_000)),
    )
    section.done()
    return point


def _flow(section: Section, runs: Mapping[str, RunConfig]) -> IndexPoint | None:
    """The line total of the run behind the regulator: without flow no lock-up can be judged."""
    name = section.text("run", NAME, "")
    if not name:
        return None
    run = runs.get(name)
    if run is None:
        section.fault("run", f"no run {name!r}", nearest(name, runs))
        return None
    if not run.totals or not run.meter_serial:
        return None  # told at the run
    return IndexPoint(
        run.meter_serial, run.line.point, run.line.modulus, run.count_cm3, run.qmax_l_h
    )


def _contacts(section: Section, devices: Devices) -> tuple[Contact, ...]:
    contacts = []
    for entry in section.sections("contacts", "name", MAX_CONTACTS):
        name = entry.text("name", NAME)
        kind = entry.choice("kind", tuple(ContactKind))
        device = device_of(entry, "device", devices)
        point = entry.text("point", POINT)
        if device is not None and point and point not in device.polled:
            problem = f"{device.name} is not polled for {point!r}"
            entry.fault("point", problem, nearest(point, device.polled))
        mask = entry.integer("mask", 0, 0xFFFF_FFFF, 0)
        normal = entry.integer("normal", 0, 1, 0)
        entry.done()
        serial = device.serial if device else ""
        contacts.append(Contact(ContactKind(kind), name, serial, point, mask, normal))
    return tuple(contacts)
