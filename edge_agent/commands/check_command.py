"""`edge-agent check`: what the configuration says, as the agent understands it, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from edge_agent.terminal import wrapped

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, DeviceConfig
    from edge_agent.language import Words
    from protocols.metering.run_config import RunConfig, Source

FOLDER: Final = "edge_agent.commands"  # of the words


def check_lines(config: AgentConfig, words: Words) -> Iterator[str]:
    """A line or two for each bus, device, run and regulator; then the warnings."""
    site = repr(config.site.name)
    yield from _lines(words("gateway", gateway=config.gateway, site=site, url=config.central.url))
    yield words("software", hash=config.software[:16])
    for bus in config.buses:
        where = bus.port if bus.is_serial else f"{bus.host}:{bus.tcp_port}"
        yield words("bus", name=bus.name, kind=bus.kind, where=where)
        for device in config.devices_of(bus.name):
            yield from _device_lines(device, words)
    for gas, sum_e9, rule in config.compositions:
        yield words("gas", name=gas, sum=f"{sum_e9 / 1e9:.9f}", rule=rule)
    for run in config.runs:
        yield from _run_lines(run, words)
    for regulator in config.regulators:
        gauge = (regulator.set_dpa - regulator.atmosphere_dpa) / 10_000
        yield words("regulator", name=regulator.regulator, kpa=f"{gauge:g}")
    if config.control is not None:
        writes = words("writes.on" if config.control.writes else "writes.off")
        yield from _lines(words("control", folder=config.control.directory, writes=writes))
    for warning in config.warnings:
        yield from _lines(words("warning", text=warning))
    yield words("no_faults")


def _device_lines(device: DeviceConfig, words: Words) -> Iterator[str]:
    """Where it is and how often it is polled; what is read of it beside that."""
    told = words(
        "device", name=device.name, unit=device.unit, profile=device.profile.id,
        serial=device.serial, points=len(device.points), seconds=f"{device.poll_ms / 1000:g}",
    )  # fmt: skip
    yield from _lines(told, 2)
    parts = [words("archive", name=name) for name in device.archives]
    if device.profile.clock is not None and device.clock_ms:
        seconds, limit = (f"{ms / 1000:g}" for ms in (device.clock_ms, device.clock_limit_ms))
        parts.append(words("clock", seconds=seconds, limit=limit))
    if parts:
        yield from _lines(words("join").join(parts), 4)


def _run_lines(run: RunConfig, words: Words) -> Iterator[str]:
    told = words(
        "run", run=run.run, serial=run.meter_serial, pressure=_source(run.pressure, words),
        temperature=_source(run.temperature, words), seconds=f"{run.interval_ms / 1000:g}",
        hash=run.hash().hex()[:16],
    )  # fmt: skip
    yield from _lines(told)
    yield from _lines(_conversion(run, words), 2)


def _source(source: Source, words: Words) -> str:
    if source.is_fixed:
        return words("fixed", kpa=f"{source.substitute / 10_000:g}")
    return source.serial


def _conversion(run: RunConfig, words: Words) -> str:
    limits = words(f"limits.{run.limits}")
    parts = [words("method", method=run.method, limits=limits)]
    if run.k_e9:
        parts.append(f"K {run.k_e9 / 1e9:g}")
    if run.gas.name:
        parts.append(words("of_gas", name=run.gas.name))
    if run.gas_source is not None:
        parts.append(words("then_by", serial=run.gas_source.serial))
    base_c, kpa = (run.base_temperature_mk - 273_150) / 1000, run.base_pressure_dpa / 10_000
    parts.append(words("base", celsius=f"{base_c:g}", kpa=f"{kpa:g}"))
    if run.gas.combustion:
        superior = f"{run.gas.superior_j_m3 / 1e6:.4f}"
        parts.append(words("superior", superior=superior, combustion=run.gas.combustion))
    return words("join").join(parts)


def _lines(text: str, indent: int = 0) -> list[str]:
    return wrapped(text, indent, indent + 2)
