"""Meter runs of gateway.toml.

Numbers become integers of the fixed units here, exactly: the file says kPa and degrees Celsius, a
run's configuration 0.1 Pa and mK.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from edge_agent.config.fields import Section, nearest
from edge_agent.config.gas import FileGas, composition_rules, read_conversion, read_gases
from edge_agent.config.model import CompositionRule, DeviceConfig, MeterChange, SiteConfig
from edge_agent.config.sources import (
    NAME,
    POINT,
    Devices,
    celsius_mk,
    device_of,
    read_barometer,
    read_chromatograph,
    read_pressure,
    read_temperature,
)
from protocols.metering.flow import CurvePoint
from protocols.metering.run_config import MAX_CURVE_POINTS, Role, RunConfig, Total
from protocols.metering.run_config_faults import faults
from protocols.registers.point import FLOATS, TYPE_WORDS

MAX_RUNS: Final = 64
_CUBIC_METRES: Final = ("m3", "Nm3")
"""An unscaled counter in one of these is of whole ones."""

# The symbols of EN 12405-1: a meter whose profile uses them needs no `totals` in the file.
TOTALS: Final = {
    Role.LINE: "vm",
    Role.LINE_ERROR: "vm_err",
    Role.BASE: "vb",
    Role.BASE_ERROR: "vb_err",
    Role.LINE_UNHALTABLE: "vm_total",
    Role.BASE_UNHALTABLE: "vb_total",
    Role.LINE_REVERSE: "vm_reverse",
}
RESOLUTIONS: Final = {
    "line_resolution_point": "resolution_vm",
    "base_resolution_point": "resolution_vb",
}


class Runs(NamedTuple):
    """All runs of the file, the meter changes it tells of, and how its compositions were read."""

    runs: tuple[RunConfig, ...]
    meter_changes: tuple[MeterChange, ...]
    compositions: tuple[CompositionRule, ...]
    gas_hashes: tuple[tuple[str, bytes], ...]


def read_runs(top: Section, devices: Devices, site: SiteConfig) -> Runs:
    """All runs; their faults, and those of the gases, are reported."""
    gases = read_gases(top)
    changes: list[MeterChange] = []
    runs: dict[str, RunConfig] = {}
    meters: dict[str, str] = {}
    for section in top.sections("run", "id", MAX_RUNS):
        run, meter = _run(section, devices, gases, site, changes)
        if run.run and run.run in runs:
            section.fault("id", f"{run.run!r} is there twice", "give each run its own id")
        if meter and meter in meters:
            section.fault(
                "meter", f"{meter!r} belongs to run {meters[meter]} already", "bill a meter once"
            )
        meters[meter] = run.run
        runs[run.run] = run
    hashes = tuple((name, gas.hash()) for name, gas in gases.items())
    return Runs(tuple(runs.values()), tuple(changes), composition_rules(gases), hashes)


def _run(
    section: Section,
    devices: Devices,
    gases: Mapping[str, FileGas],
    site: SiteConfig,
    changes: list[MeterChange],
) -> tuple[RunConfig, str]:
    """The run's configuration, and its meter's name."""
    before = section.fault_count()
    meter = device_of(section, "meter", devices)
    base = _base(section.section("base"))
    analysed = section.has("chromatograph")
    conversion = read_conversion(section.section("conversion"), gases, base, analysed=analysed)
    pressure = read_pressure(section.section("pressure"), devices)
    temperature = read_temperature(section.section("temperature"), devices)
    barometer = gas_source = None
    if section.has("barometer"):
        barometer = read_barometer(section.section("barometer"), devices, site.atmosphere_dpa)
    if analysed:
        gas_source = read_chromatograph(section.section("chromatograph"), devices)
    run = RunConfig(
        run=section.text("id", NAME),
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
        gas=conversion.gas,
        base_pressure_dpa=base[0],
        base_temperature_mk=base[1],
        interval_ms=section.scaled("interval_seconds", "1", "3600", "0.001"),
        stale_ms=section.scaled("stale_seconds", "1", "3600", "0.001"),
        zone=site.zone,
        gas_day_start_hour=site.gas_day_start_hour,
        limits=conversion.limits,
        qmin_l_h=section.scaled("qmin_m3_h", "0", "1000000", "0.001", Decimal(0)),
        error_curve=_error_curve(section),
        barometer=barometer,
        gas_source=gas_source,
        deviation_e6=section.scaled("compare_base_percent", "0", "50", "0.0001", Decimal(0)),
        temporary=section.flag("temporary_meter", default=False),
    )
    if section.has("meter_change"):
        changes.append(_meter_change(section.section("meter_change"), run))
    section.done()
    # A device that is at fault itself is told there, and has no serial here.
    sources = (temperature, barometer, gas_source) + ((pressure,) if pressure.point else ())
    serials = [run.meter_serial, *(source.serial for source in sources if source is not None)]
    if all(serials) and conversion.is_good and section.fault_count() == before:
        _check_run(section, run, devices)
        _check_counts(section, run, meter)
    return run, meter.name if meter else ""


def _check_counts(section: Section, run: RunConfig, meter: DeviceConfig | None) -> None:
    """A total's counts are of the resolution that its profile says, whatever the file says."""
    for total in run.totals:
        resolution = None if meter is None else _resolution_of(meter, total.point)
        if resolution is None:
            continue
        is_line = total.role.of_line
        key = "line_resolution_m3" if is_line else "base_resolution_m3"
        exponent = run.line_exponent if is_line else run.base_exponent
        if Decimal(resolution[0]) != Decimal(1).scaleb(exponent):
            problem = f"{total.point} counts in steps of {resolution[1]}"
            section.fault(key, problem, f"set it to {resolution[0]!r}")


def _resolution_of(meter: DeviceConfig, name: str) -> tuple[str, str] | None:
    """What a count of the total stands for, and in words; None where only the meter knows."""
    composite = meter.profile.composite(name)
    if composite is not None:
        return composite.resolution, composite.count_unit
    point = next((point for point in meter.profile.points if point.name == name), None)
    if point is None or point.unit not in _CUBIC_METRES or point.scale != "1" or point.factor:
        return None
    return "1", "1 m3"


def _error_curve(section: Section) -> tuple[CurvePoint, ...]:
    """Calibration points: flow in m3/h, error in per cent."""
    points = []
    for flow_m3_h, percent in section.pairs("error_curve", MAX_CURVE_POINTS):
        if not (0 < flow_m3_h <= 1_000_000 and -50 < percent < 50):
            section.fault("error_curve", f"[{flow_m3_h}, {percent}] is no point of a meter's curve",
                          "write [flow in m3/h, error in per cent]")  # fmt: skip
            return ()
        flow_l_h = int((flow_m3_h * 1000).to_integral_value())
        points.append(CurvePoint(flow_l_h, int((percent * 10_000).to_integral_value())))
    return tuple(points)


def _meter_change(section: Section, run: RunConfig) -> MeterChange:
    """The end index of the meter taken out and the start index of the one put in, as read."""
    text = r"[^\x00-\x1f\x7f]{1,100}"
    unit = f"{Decimal(1).scaleb(run.line_exponent):f}"
    change = MeterChange(
        run.run,
        section.text("old_serial", r"[!-~]{1,32}"),
        section.scaled("old_end_index_m3", "0", "10000000000", unit),
        section.scaled("new_start_index_m3", "0", "10000000000", unit),
        section.text("at", text),
        section.text("by", text),
        section.text("reason", text),
    )
    if change.old_serial and change.old_serial == run.meter_serial:
        section.fault("old_serial", "is the meter that is in now", "write the one taken out")
    section.done()
    return change


def _check_run(section: Section, run: RunConfig, devices: Devices) -> None:
    """What only the whole run shows; asked when each of its fields is possible by itself."""
    for fault in faults(run):
        section.fault("", fault, "correct it")
    sources = (run.pressure, run.temperature, run.barometer)
    serials = {run.meter_serial, *(source.serial for source in sources if source)}
    polls = [device.poll_ms for device in devices.values() if device and device.serial in serials]
    _check_analyses(section, run, devices)
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


def _check_analyses(section: Section, run: RunConfig, devices: Devices) -> None:
    """A chromatograph takes minutes, and its analysis may live as long."""
    source = run.gas_source
    polls = [device.poll_ms for device in devices.values()
             if device and source and device.serial == source.serial]  # fmt: skip
    if source and source.stale_ms < max(polls):
        section.fault(
            "chromatograph.stale_seconds",
            f"{source.stale_ms} ms is shorter than its poll of {max(polls)} ms",
            "let an analysis live for at least two polls",
        )


def _totals(section: Section, meter: DeviceConfig | None) -> tuple[Total, ...]:
    digits = section.integer("index_digits", 3, 15)
    named = section.has("totals")
    roles = section.section("totals", required=False)
    totals, named_line = [], False
    for role, default in TOTALS.items():
        polled = meter is not None and default in meter.points
        point = roles.text(role.value, POINT, "" if named or not polled else default)
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
    point = section.text(key, POINT + "|", default)
    if point and meter is not None and point not in points:
        section.fault(key, f"{meter.name} is not polled for {point!r}", nearest(point, points))
    return point


def _base(section: Section) -> tuple[int, int]:
    pressure_dpa = section.scaled("pressure_kpa", "50", "200", "0.0001")
    temperature_mk = celsius_mk(section, "temperature_c", "-30", "60")
    section.done()
    return pressure_dpa, temperature_mk
