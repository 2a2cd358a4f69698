"""Where a run's pressure, temperature, atmosphere and gas are read, in gateway.toml."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from edge_agent.config.fields import Section, nearest
from edge_agent.config.model import DeviceConfig
from protocols.metering.composition import COMPONENTS
from protocols.metering.gas import GasSource
from protocols.metering.run_config import Source
from protocols.metering.run_config_faults import FROZEN_MS, STALE_GAS_MS
from protocols.metering.units import UnitError, to_kelvin, to_pascal

Devices = Mapping[str, DeviceConfig | None]  # None: described, but not well

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
POINT: Final = r"[a-z][a-z0-9_]{0,31}"
ZERO_CELSIUS_MK: Final = 273_150
_FROZEN_S: Final = str(FROZEN_MS // 1000)
_STALE_GAS_S: Final = str(STALE_GAS_MS // 1000)


def read_pressure(section: Section, devices: Devices) -> Source:
    """A transmitter, or for T conversion the contract's fixed pressure."""
    if section.has("fixed_kpa_abs"):
        fixed = section.scaled("fixed_kpa_abs", "1", "10000", "0.0001")
        section.done()
        return Source("", "", False, fixed, fixed, fixed + 1)
    return _transmitter(section, devices, gauge=section.flag("gauge"))


def read_barometer(section: Section, devices: Devices, atmosphere_dpa: int) -> Source:
    """The site's atmosphere, measured; the fixed one of [site] stands in for it."""
    device = device_of(section, "device", devices)
    source = Source(
        device.serial if device else "",
        read_point(section, device, "pressure"),
        False,
        atmosphere_dpa,
        section.scaled("low_kpa", "30", "120", "0.0001"),
        section.scaled("high_kpa", "30", "120", "0.0001"),
        _frozen_ms(section),
    )
    section.done()
    return source


def _transmitter(section: Section, devices: Devices, *, gauge: bool) -> Source:
    device = device_of(section, "device", devices)
    source = Source(
        device.serial if device else "",
        read_point(section, device, "pressure"),
        gauge,
        section.scaled("substitute_kpa_abs", "1", "100000", "0.0001"),
        section.scaled("low_kpa_abs", "0.001", "100000", "0.0001"),
        section.scaled("high_kpa_abs", "1", "100000", "0.0001"),
        _frozen_ms(section),
    )
    _check_range(section, source, "kpa_abs", 10_000, 0)
    section.done()
    return source


def read_temperature(section: Section, devices: Devices) -> Source:
    device = device_of(section, "device", devices)
    source = Source(
        device.serial if device else "",
        read_point(section, device, "temperature"),
        False,
        celsius_mk(section, "substitute_c", "-100", "200"),
        celsius_mk(section, "low_c", "-150", "200"),
        celsius_mk(section, "high_c", "-100", "500"),
        _frozen_ms(section),
    )
    _check_range(section, source, "c", 1_000, ZERO_CELSIUS_MK)
    section.done()
    return source


def read_chromatograph(section: Section, devices: Devices) -> GasSource:
    """Which of its points shows which component; those that bear a component's name by default."""
    device = device_of(section, "device", devices)
    stale_ms = section.scaled("stale_seconds", "1", _STALE_GAS_S, "0.001", Decimal(3600))
    polled = device.polled if device else ()
    table = section.table("points", {name: name for name in COMPONENTS if name in polled})
    points = []
    for component, point in table.items():
        if component not in COMPONENTS:
            field = f"points.{component[:40]}"
            section.fault(field, "is no component", nearest(component, COMPONENTS))
        elif not isinstance(point, str) or (device and point not in polled):
            named = str(point)[:40]
            field = f"points.{component}"
            section.fault(field, f"no polled point {named!r}", nearest(named, polled))
        else:
            points.append((point, component))
    if device and not table:
        section.fault("points", "is missing", "say which point shows which component")
    section.done()
    return GasSource(device.serial if device else "", tuple(points), stale_ms)


def celsius_mk(section: Section, key: str, low: str, high: str) -> int:
    return section.scaled(key, low, high, "0.001") + ZERO_CELSIUS_MK


def device_of(section: Section, key: str, devices: Devices) -> DeviceConfig | None:
    name = section.text(key, NAME)
    if name and name not in devices:
        section.fault(key, f"no device {name!r}", nearest(name, devices))
    return devices.get(name)


def _frozen_ms(section: Section) -> int:
    return section.scaled("frozen_seconds", "0", _FROZEN_S, "0.001", Decimal(0))


def _check_range(section: Section, source: Source, unit: str, scale: int, zero: int) -> None:
    """Told in the file's own unit, before the run's own check tells it in integers."""
    low, high = ((value - zero) / scale for value in (source.low, source.high))
    if low >= high:
        section.fault(f"low_{unit}", f"{low:g} is not below high_{unit} {high:g}", "swap or mend")
    elif not source.low <= source.substitute <= source.high:
        section.fault(
            f"substitute_{unit}",
            f"{(source.substitute - zero) / scale:g} lies outside {low:g} to {high:g}",
            "give a value that the transmitter could show",
        )


def read_point(section: Section, device: DeviceConfig | None, quantity: str) -> str:
    """A polled point whose unit belongs to the quantity, "pressure" or "temperature"."""
    name = section.text("point", POINT)
    if device is None or not name:
        return name
    if name not in device.points:
        section.fault(
            "point", f"{device.name} is not polled for {name!r}", nearest(name, device.points)
        )
        return name
    units = next((p.possible_units for p in device.profile.points if p.name == name), ("",))
    refused = [error for unit in units if (error := _unit_fault(quantity, unit))]
    if len(refused) == len(units):
        section.fault("point", refused[0], f"name a point that shows {quantity}")
    return name


def _unit_fault(quantity: str, unit: str) -> str:
    try:
        to_pascal(1.0, unit) if quantity == "pressure" else to_kelvin(1.0, unit)
    except UnitError as error:
        return str(error)
    return ""
