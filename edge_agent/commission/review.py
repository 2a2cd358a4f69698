"""The first readings, as a person compares them with the displays before he signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from edge_agent.bus.joining import Failed
from edge_agent.commission.figures import number
from edge_agent.commission.finding import NoPort, line
from edge_agent.commission.seen import Readings, Shown
from edge_agent.commission.sight import read_now
from edge_agent.config.model import AgentConfig
from edge_agent.language import Words
from edge_agent.terminal import wrapped
from protocols.metering.run_config import Role, RunConfig
from protocols.metering.units import UnitError, to_kelvin, to_pascal

_ZERO_CELSIUS_K = 273.15


def reread(config: AgentConfig, path: Path) -> Mapping[str, Readings]:
    """What every instrument of a run shows at this moment, by its name; one after the other.

    `path`: of the configuration that an agent may be running with.
    """
    wanted = {serial for run in config.runs for serial in _serials(run)}
    found: dict[str, Readings] = {}
    for bus in config.buses:
        devices = [one for one in config.devices_of(bus.name) if one.serial in wanted]
        try:
            with line(bus, path) as link:
                for device in devices:
                    read = read_now(device, device.points, link)
                    found[device.name] = (
                        Readings(failure=read.detail) if isinstance(read, Failed) else read
                    )
        except NoPort as error:
            found |= {device.name: Readings(failure=str(error)) for device in devices}
    return found


def review_lines(
    config: AgentConfig, readings: Mapping[str, Readings], words: Words
) -> Iterator[str]:
    """A few lines a run: its indexes in m3, pressure absolute, temperature in degrees Celsius."""
    names = {device.serial: device.name for device in config.devices}
    yield words("review")
    for run in config.runs:
        for serial in dict.fromkeys(_serials(run)):
            name = names.get(serial, "")
            found = readings.get(name, Readings(failure="-"))
            shown = found.failure or "; ".join(_shown(run, serial, found, words))
            yield from wrapped(f"{run.run}  {name}: {shown}", 2, 6)


def _shown(run: RunConfig, serial: str, found: Readings, words: Words) -> Iterator[str]:
    if serial == run.meter_serial:
        for total in run.totals:
            if total.role in (Role.LINE, Role.BASE):
                counts = number(found.values[total.point].number or "")
                exponent = run.line_exponent if total.role.of_line else run.base_exponent
                index = "-" if counts is None else f"{counts.scaleb(exponent):f} m3"
                yield f"{total.point} {index}"
    if serial == run.pressure.serial:
        yield _pressure(run, found.values.get(run.pressure.point), words)
    if serial == run.temperature.serial:
        yield _temperature(found.values.get(run.temperature.point))


def _pressure(run: RunConfig, value: Shown | None, words: Words) -> str:
    if value is None or value.number is None:
        return "P -"
    try:
        pascal = to_pascal(float(value.number), value.unit)
    except UnitError:
        return f"P {value.text}"
    if not run.pressure.gauge:
        return f"P {value.text} ({words('absolute')})"
    absolute = (pascal + run.atmosphere_dpa / 10) / 1000
    return f"P {value.text} ({words('gauge')}) = {absolute:.2f} kPa ({words('absolute')})"


def _temperature(value: Shown | None) -> str:
    if value is None or value.number is None:
        return "T -"
    try:
        celsius = to_kelvin(float(value.number), value.unit) - _ZERO_CELSIUS_K
    except UnitError:
        return f"T {value.text}"
    return f"T {celsius:.2f} °C"


def _serials(run: RunConfig) -> tuple[str, ...]:
    return tuple(
        serial
        for serial in (run.meter_serial, run.pressure.serial, run.temperature.serial)
        if serial
    )
