"""The parameters of one regulator: where its pressures and contacts are read, and what it promises.

A regulator holds its outlet near the set pressure: lower by the droop at full flow, higher by the
lock-up pressure where no gas flows and it has closed (EN 334: regulation and lock-up pressure). All
pressures are absolute in 0.1 Pa, durations in ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from protocols.metering.body import Body, BodyError, Fields

MAX_CONTACTS: Final = 16
MAX_TURNS: Final = 32
NAME_CHARACTERS: Final = 64
_MOST_DPA: Final = 1_000_000_000  # 100 MPa
_WINDOW_MS: Final = (1_000, 86_400_000)


class ContactKind(StrEnum):
    """What a contact that has left its normal state says."""

    SLAM_SHUT = "slam_shut"
    BYPASS = "bypass_open"
    DOOR = "door_open"


class PressurePoint(NamedTuple):
    """Where a pressure is read; outside `low`..`high`, the transmitter's range, it is no reading.

    The range is absolute, also where the reading is not (`gauge`).
    """

    serial: str
    point: str
    gauge: bool
    low: int
    high: int


class IndexPoint(NamedTuple):
    """The line total that tells the flow; a count is `count_cm3`, full flow `full_l_h`."""

    serial: str
    point: str
    modulus: int
    count_cm3: int
    full_l_h: int


class Contact(NamedTuple):
    """A contact by name, its bits in the point (`mask` 0: the whole point), its normal state."""

    kind: ContactKind
    name: str
    serial: str
    point: str
    mask: int
    normal: int


@dataclass(frozen=True, slots=True)
class RegulatorConfig:
    """`low`, `high`: limits of the outlet at no load; the droop at the present load is allowed.

    `lockup_dpa` is allowed above the set pressure where nothing flows. `standby_set_dpa` is the set
    pressure of the second regulator of a dual run, 0 for a single one. Hunting is `hunting_turns`
    swings of `hunting_dpa` or more within `hunting_window_ms`. An alarm of a pressure begins after
    `hold_ms` and ends `hysteresis_dpa` inside its limit; one of a contact begins and ends at once.
    """

    regulator: str
    outlet: PressurePoint
    inlet: PressurePoint | None
    flow: IndexPoint | None
    contacts: tuple[Contact, ...]
    atmosphere_dpa: int
    set_dpa: int
    droop_dpa: int
    lockup_dpa: int
    low_dpa: int
    high_dpa: int
    inlet_low_dpa: int
    inlet_high_dpa: int
    standby_set_dpa: int
    drift_dpa: int
    drift_window_ms: int
    hunting_dpa: int
    hunting_turns: int
    hunting_window_ms: int
    flow_window_ms: int
    hysteresis_dpa: int
    hold_ms: int
    stale_ms: int

    @property
    def serials(self) -> frozenset[str]:
        """The devices that this regulator is watched by."""
        points = (self.outlet, self.inlet, self.flow, *self.contacts)
        return frozenset(point.serial for point in points if point is not None)

    @property
    def standby_opens_dpa(self) -> int:
        """Outlet pressure at and below which the standby regulator is not closed."""
        return self.standby_set_dpa + self.lockup_dpa

    def to_body(self) -> Body:
        return (
            self.regulator, _pressure_body(self.outlet),
            None if self.inlet is None else _pressure_body(self.inlet),
            None if self.flow is None else tuple(self.flow),
            tuple((str(contact.kind), *contact[1:]) for contact in self.contacts),
            self.atmosphere_dpa, self.set_dpa, self.droop_dpa, self.lockup_dpa,
            self.low_dpa, self.high_dpa, self.inlet_low_dpa, self.inlet_high_dpa,
            self.standby_set_dpa, self.drift_dpa, self.drift_window_ms,
            self.hunting_dpa, self.hunting_turns, self.hunting_window_ms,
            self.flow_window_ms, self.hysteresis_dpa, self.hold_ms, self.stale_ms,
        )  # fmt: skip

    @classmethod
    def from_body(cls, body: object) -> RegulatorConfig:
        """The strict inverse of `to_body`; raises BodyError. Whether it can be used: `faults`."""
        fields = Fields("regulator configuration", body, 23)
        regulator, outlet = fields.text("regulator"), _pressure(fields.item())
        inlet, flow = fields.item(), fields.item()
        return cls(
            regulator,
            outlet,
            None if inlet is None else _pressure(inlet),
            None if flow is None else _index(flow),
            tuple(_contact(item) for item in fields.items("contacts", MAX_CONTACTS)),
            *(fields.integer(name) for name in list(cls.__dataclass_fields__)[5:]),
        )


def parse_regulator_config(body: object) -> RegulatorConfig:
    """The configuration of a body, strict and usable; raises BodyError with every fault."""
    config = RegulatorConfig.from_body(body)
    if found := regulator_faults(config):
        raise BodyError(f"regulator configuration {config.regulator!r}: {'; '.join(found)}")
    return config


def regulator_faults(config: RegulatorConfig) -> list[str]:
    """Every fault of the configuration, each with its remedy; empty where it can be used."""
    return [*_name_faults(config), *_pressure_faults(config), *_window_faults(config)]


def _name_faults(config: RegulatorConfig) -> list[str]:
    points = (("outlet", config.outlet), ("inlet", config.inlet), ("flow", config.flow))
    names = {"regulator": config.regulator}
    for field, point in points:
        if point is not None:
            names |= {f"{field}.serial": point.serial, f"{field}.point": point.point}
    for number, contact in enumerate(config.contacts):
        names |= {
            f"contacts[{number}].{key}": getattr(contact, key)
            for key in ("name", "serial", "point")
        }
    found = [
        f"{field} has {len(name)} characters; give it 1 to {NAME_CHARACTERS}"
        for field, name in names.items()
        if not 1 <= len(name) <= NAME_CHARACTERS
    ]
    if len({contact.name for contact in config.contacts}) != len(config.contacts):
        found.append("contacts: two have one name; give each its own")
    if any(contact.normal not in (0, 1) for contact in config.contacts):
        found.append("contacts: normal must be 0 or 1")
    flow = config.flow
    if flow is not None and not (flow.modulus >= 2 and flow.count_cm3 >= 1 and flow.full_l_h >= 1):
        found.append("flow: modulus must be at least 2, count_cm3 and full_l_h at least 1")
    return found


def _pressure_faults(config: RegulatorConfig) -> list[str]:
    found = []
    if not (config.low_dpa < config.set_dpa < config.high_dpa):
        found.append(f"set_dpa {config.set_dpa} must lie between low_dpa and high_dpa")
    for field, point in (("outlet", config.outlet), ("inlet", config.inlet)):
        if point is not None and not 0 < point.low < point.high <= _MOST_DPA:
            found.append(f"{field}: range {point.low}..{point.high} must lie within 1..{_MOST_DPA}")
    if not config.outlet.low <= config.set_dpa <= config.outlet.high:
        found.append("outlet: the set pressure lies outside the transmitter's range")
    if config.inlet is not None and not config.inlet_low_dpa < config.inlet_high_dpa:
        found.append("inlet_low_dpa must be below inlet_high_dpa")
    if config.standby_set_dpa and config.standby_opens_dpa >= config.set_dpa - config.droop_dpa:
        found.append(
            f"standby_set_dpa {config.standby_set_dpa}: with its lock-up it opens at"
            f" {config.standby_opens_dpa}, which must be below what the main regulator holds at"
            f" full flow, {config.set_dpa - config.droop_dpa}; else nobody can tell which one works"
        )
    for field in ("drift_dpa", "hunting_dpa"):
        if getattr(config, field) <= config.hysteresis_dpa:
            found.append(f"{field} must be greater than hysteresis_dpa {config.hysteresis_dpa}")
    return found


def _window_faults(config: RegulatorConfig) -> list[str]:
    low, high = _WINDOW_MS
    fields = ("drift_window_ms", "hunting_window_ms", "flow_window_ms", "stale_ms")
    found = [
        f"{field} is {getattr(config, field)}; it must lie in {low}..{high}"
        for field in fields
        if not low <= getattr(config, field) <= high
    ]
    if config.hold_ms > high:
        found.append(f"hold_ms is {config.hold_ms}; it must lie in 0..{high}")
    if config.flow is not None and config.hold_ms < 2 * config.flow_window_ms:
        # the flow of a window is known at its end, and only the next one is all of the new load
        found.append("hold_ms must be two flow_window_ms: else each change of load is an alarm")
    if not 2 <= config.hunting_turns <= MAX_TURNS:
        found.append(f"hunting_turns is {config.hunting_turns}; it must lie in 2..{MAX_TURNS}")
    return found


def _pressure_body(point: PressurePoint) -> Body:
    return (point.serial, point.point, int(point.gauge), point.low, point.high)


def _pressure(body: object) -> PressurePoint:
    fields = Fields("regulator configuration.pressure", body, 5)
    return PressurePoint(
        fields.text("serial"),
        fields.text("point"),
        bool(fields.integer("gauge", 0, 1)),
        fields.integer("low"),
        fields.integer("high"),
    )


def _index(body: object) -> IndexPoint:
    fields = Fields("regulator configuration.flow", body, 5)
    return IndexPoint(
        fields.text("serial"),
        fields.text("point"),
        fields.integer("modulus"),
        fields.integer("count_cm3"),
        fields.integer("full_l_h"),
    )


def _contact(body: object) -> Contact:
    fields = Fields("regulator configuration.contact", body, 6)
    kind = fields.text("kind")
    if kind not in list(ContactKind):
        raise fields.fault("kind", f"{kind!r} is none of {', '.join(ContactKind)}")
    return Contact(
        ContactKind(kind),
        fields.text("name"),
        fields.text("serial"),
        fields.text("point"),
        fields.integer("mask"),
        fields.integer("normal"),
    )
