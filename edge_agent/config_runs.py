"""Meter runs, gases and regulators of gateway.toml.

Numbers become integers of the fixed units here, exactly: the file says kPa and degrees Celsius, a
run's configuration 0.1 Pa and mK.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from edge_agent.config import DeviceConfig, RegulatorConfig, SiteConfig
from edge_agent.config_fields import Section, nearest
from protocols.metering.run_config import Role, RunConfig, Source, Total
from protocols.metering.run_config_faults import faults
from protocols.metering.units import UnitError, to_kelvin, to_pascal
from protocols.registers.point import FLOATS, TYPE_WORDS

MAX_RUNS: Final = 64
MAX_GASES: Final = 64
MAX_REGULATORS: Final = 64
METHODS: Final = ("PT", "fixed-K", "SGERG-88")

# The symbols of EN 12405-1: a meter whose profile uses them needs no `totals` in the file.
TOTALS: Final = {
    Role.LINE: "vm",
    Role.LINE_ERROR: "vm_err",
    Role.BASE: "vb",
    Role.BASE_ERROR: "vb_err",
}
RESOLUTIONS: Final = {
    "line_resolution_point": "resolution_vm",
    "base_resolution_point": "resolution_vb",
}
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
_POINT: Final = r"[a-z][a-z0-9_]{0,31}"
_ZERO_CELSIUS_MK: Final = 273_150

Devices = Mapping[str, DeviceConfig | None]  # None: described, but not well


class Gas(NamedTuple):
    """Composition for SGERG-88, in RunConfig's units."""

    hs_j_m3: int = 0
    d_e9: int = 0
    x_co2_e9: int = 0
    x_h2_e9: int = 0


class Conversion(NamedTuple):
    """How a run's volume is converted."""

    method: str
    k_e9: int
    gas: Gas


def read_runs(top: Section, devices: Devices, site: SiteConfig) -> tuple[RunConfig, ...]:
    """All runs; their faults, and those of the gases, are reported."""
    gases: dict[str, Gas] = {}
    for section in top.sections("gas", "name", MAX_GASES):
        name, gas = _gas(section)
        if name and name in gases:
            section.fault("name", f"{name!r} is there twice", "give each gas its own name")
        gases[name] = gas
    runs: dict[str, RunConfig] = {}
    meters: dict[str, str] = {}
    for section in top.sections("run", "id", MAX_RUNS):
        run, meter = _run(section, devices, gases, site)
        if run.run and run.run in runs:
            section.fault("id", f"{run.run!r} is there twice", "give each run its own id")
        if meter and meter in meters:
            section.fault(
                "meter", f"{meter!r} belongs to run {meters[meter]} already", "bill a meter once"
            )
        meters[meter] = run.run
        runs[run.run] = run
    return tuple(runs.values())


def read_regulators(top: Section, devices: Devices) -> tuple[RegulatorConfig, ...]:
    regulators: dict[str, RegulatorConfig] = {}
    for section in top.sections("regulator", "id", MAX_REGULATORS):
        name = section.text("id", _NAME)
        outlet = section.section("outlet_pressure")
        device = _device(outlet, "device", devices)
        point = _point(outlet, device, "pressure")
        gauge = outlet.flag("gauge")
        outlet.done()
        section.done()
        if name and name in regulators:
            section.fault("id", f"{name!r} is there twice", "give each regulator its own id")
        regulators[name] = RegulatorConfig(name, device.serial if device else "", point, gauge)
    return tuple(regulators.values())


def _gas(section: Section) -> tuple[str, Gas]:
    name = section.text("name", _NAME)
    gas = Gas(
        hs_j_m3=section.scaled("hs_25_0_mj_m3", "1", "100", "0.000001"),
        d_e9=section.scaled("relative_density_0", "0.05", "2", "0.000000001"),
        x_co2_e9=section.scaled("x_co2", "0", "1", "0.000000001"),
        x_h2_e9=section.scaled("x_h2", "0", "1", "0.000000001"),
    )
    section.done()
    return name, gas


def _run(
    section: Section, devices: Devices, gases: Mapping[str, Gas], site: SiteConfig
) -> tuple[RunConfig, str]:
    """The run's configuration, and its meter's name."""
    before = section.fault_count()
    meter = _device(section, "meter", devices)
    conversion = _conversion(section.section("conversion"), gases)
    pressure = _pressure(section.section("pressure"), devices)
    temperature = _temperature(section.section("temperature"), devices)
    base_pressure_dpa, base_temperature_mk = _base(section.section("base"))
    run = RunConfig(
        run=section.text("id", _NAME),
        meter_serial=meter.serial if meter else "",
        totals=_totals(section, meter),
        line_exponent=_exponent(section, "line_resolution_m3"),
        base_exponent=_exponent(section, "base_resolution_m3"),
        line_exponent_point=_resolution_point(section, "line_resolution_point", meter),
        base_exponent_point=_resolution_point(section, "base_resolution_point", meter),
        qmax_l_h=section.scaled("qmax_m3_h", "0.001", "1000000", "0.001"),
        pressure=pressure,
        temperature=temperature,
        atmosphere_dpa=site.atmosphere_dpa,
        method=conversion.method,
        k_e9=conversion.k_e9,
        hs_j_m3=conversion.gas.hs_j_m3,
        d_e9=conversion.gas.d_e9,
        x_co2_e9=conversion.gas.x_co2_e9,
        x_h2_e9=conversion.gas.x_h2_e9,
        base_pressure_dpa=base_pressure_dpa,
        base_temperature_mk=base_temperature_mk,
        interval_ms=section.scaled("interval_seconds", "1", "3600", "0.001"),
        stale_ms=section.scaled("stale_seconds", "1", "3600", "0.001"),
        zone=site.zone,
        gas_day_start_hour=site.gas_day_start_hour,
    )
    section.done()
    # A device that is at fault itself is told there, and has no serial here.
    known = all((run.meter_serial, run.pressure.serial, run.temperature.serial))
    if known and section.fault_count() == before:
        _check_run(section, run, devices)
        _check_counts(section, run, meter)
    return run, meter.name if meter else ""


def _check_counts(section: Section, run: RunConfig, meter: DeviceConfig | None) -> None:
    """A composite's counts are of the resolution that its profile says, whatever the file says."""
    for total in run.totals:
        composite = None if meter is None else meter.profile.composite(total.point)
        if composite is None:
            continue
        is_line = total.role in (Role.LINE, Role.LINE_ERROR)
        key = "line_resolution_m3" if is_line else "base_resolution_m3"
        exponent = run.line_exponent if is_line else run.base_exponent
        if Decimal(composite.resolution) != Decimal(1).scaleb(exponent):
            problem = f"{total.point} counts in steps of {composite.count_unit}"
            section.fault(key, problem, f"set it to {composite.resolution!r}")


def _check_run(section: Section, run: RunConfig, devices: Devices) -> None:
    """What only the whole run shows; asked when each of its fields is possible by itself."""
    for fault in faults(run):
        section.fault("", fault, "correct it")
    serials = {run.meter_serial, run.pressure.serial, run.temperature.serial}
    polls = [device.poll_ms for device in devices.values() if device and device.serial in serials]
    if run.stale_ms < max(polls):
        section.fault(
            "stale_seconds",
            f"{run.stale_ms} ms is shorter than a device's poll of {max(polls)} ms",
            "let a reading live for at least two polls",
        )
    if run.interval_ms < max(polls):
        section.fault(
            "interval_seconds",
            f"{run.interval_ms} ms is shorter than a device's poll of {max(polls)} ms",
            "poll more often, or make the interval longer",
        )


def _totals(section: Section, meter: DeviceConfig | None) -> tuple[Total, ...]:
    digits = section.integer("index_digits", 3, 15)
    named = section.has("totals")
    roles = section.section("totals", required=False)
    totals, named_line = [], False
    for role, default in TOTALS.items():
        polled = meter is not None and default in meter.points
        point = roles.text(role.value, _POINT, "" if named or not polled else default)
        if not point:
            continue
        named_line |= role is Role.LINE
        if meter is not None and _checked_counter(roles, role, point, meter, digits):
            totals.append(Total(point, role, 10**digits))
    if meter is not None and not named_line:
        roles.fault(Role.LINE.value, "is missing", "name the point that shows line volume")
    roles.done()
    return tuple(totals)


def _checked_counter(
    section: Section, role: Role, name: str, meter: DeviceConfig, digits: int
) -> bool:
    if name not in meter.points:
        section.fault(
            role.value, f"{meter.name} is not polled for {name!r}", nearest(name, meter.points)
        )
        return False
    composite = meter.profile.composite(name)
    if composite is not None:
        modulus = composite.modulus
        if modulus is not None and 10**digits != modulus:
            begins_again = f"begins again at {modulus} counts, not at 10^{digits}"
            section.fault(role.value, f"{name} {begins_again}", "set index_digits to its digits")
        return modulus in (None, 10**digits)
    point = next((p for p in meter.profile.points if p.name == name), None)
    if point is None:  # told where the device lists it
        return False
    if point.kind != "counter" or point.type in FLOATS:
        section.fault(role.value, f"{name} is no whole counter", "name a counter of the profile")
        return False
    bits = 16 * TYPE_WORDS[point.type] - int(point.type.startswith("i"))
    if 10**digits > 1 << bits:
        section.fault(
            role.value,
            f"{name} has {bits} bits and cannot show {digits} digits",
            "set index_digits to the digits at which the register goes back to 0",
        )
        return False
    return True


def _exponent(section: Section, key: str) -> int:
    """The power of ten of a resolution like "0.001"."""
    text = section.text(key, r"[0-9.]{1,12}")
    powers = {f"{Decimal(1).scaleb(n):f}": n for n in range(-6, 4)}
    if text and text not in powers:
        section.fault(key, f"{text!r} is no resolution", f"use one of {', '.join(powers)}")
    return powers.get(text, 0)


def _resolution_point(section: Section, key: str, meter: DeviceConfig | None) -> str:
    points = meter.points if meter else ()
    default = RESOLUTIONS[key] if RESOLUTIONS[key] in points else ""
    point = section.text(key, _POINT + "|", default)
    if point and meter is not None and point not in points:
        section.fault(key, f"{meter.name} is not polled for {point!r}", nearest(point, points))
    return point


def _conversion(section: Section, gases: Mapping[str, Gas]) -> Conversion:
    method = section.choice("method", METHODS)
    k_e9, gas = 0, Gas()
    if method == "fixed-K":
        k_e9 = section.scaled("k", "0.1", "10", "0.000000001")
    if method == "SGERG-88":
        name = section.text("gas", _NAME)
        if name and name not in gases:
            section.fault("gas", f"no gas {name!r}", nearest(name, gases))
        gas = gases.get(name, gas)
    section.done()
    return Conversion(method, k_e9, gas)


def _base(section: Section) -> tuple[int, int]:
    pressure_dpa = section.scaled("pressure_kpa", "50", "200", "0.0001")
    temperature_mk = _celsius_mk(section, "temperature_c", "-30", "60")
    section.done()
    return pressure_dpa, temperature_mk


def _pressure(section: Section, devices: Devices) -> Source:
    device = _device(section, "device", devices)
    source = Source(
        device.serial if device else "",
        _point(section, device, "pressure"),
        section.flag("gauge"),
        section.scaled("substitute_kpa_abs", "1", "100000", "0.0001"),
        section.scaled("low_kpa_abs", "0.001", "100000", "0.0001"),
        section.scaled("high_kpa_abs", "1", "100000", "0.0001"),
    )
    _check_range(section, source, "kpa_abs", 10_000, 0)
    section.done()
    return source


def _temperature(section: Section, devices: Devices) -> Source:
    device = _device(section, "device", devices)
    source = Source(
        device.serial if device else "",
        _point(section, device, "temperature"),
        False,
        _celsius_mk(section, "substitute_c", "-100", "200"),
        _celsius_mk(section, "low_c", "-150", "200"),
        _celsius_mk(section, "high_c", "-100", "500"),
    )
    _check_range(section, source, "c", 1_000, _ZERO_CELSIUS_MK)
    section.done()
    return source


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


def _celsius_mk(section: Section, key: str, low: str, high: str) -> int:
    return section.scaled(key, low, high, "0.001") + _ZERO_CELSIUS_MK


def _device(section: Section, key: str, devices: Devices) -> DeviceConfig | None:
    name = section.text(key, _NAME)
    if name and name not in devices:
        section.fault(key, f"no device {name!r}", nearest(name, devices))
    return devices.get(name)


def _point(section: Section, device: DeviceConfig | None, quantity: str) -> str:
    """A polled point whose unit belongs to the quantity, "pressure" or "temperature"."""
    name = section.text("point", _POINT)
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
