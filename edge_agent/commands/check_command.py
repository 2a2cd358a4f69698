"""`edge-agent check`: what the configuration says, as the agent understands it, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, DeviceConfig
    from protocols.metering.run_config import RunConfig, Source

COLUMNS: Final = 80


def check_lines(config: AgentConfig) -> Iterator[str]:
    """A line or two for each bus, device, run and regulator; then the warnings."""
    yield from _wrapped(
        f"gateway {config.gateway}, site {config.site.name!r}, central {config.central.url}"
    )
    yield f"metrological software {config.software[:16]}"
    for bus in config.buses:
        where = bus.port if bus.is_serial else f"{bus.host}:{bus.tcp_port}"
        yield f"bus {bus.name}: {bus.kind} {where}"
        for device in config.devices_of(bus.name):
            yield from _wrapped(
                f"  {device.name}: unit {device.unit}, {device.profile.id}, serial "
                f"{device.serial}, {len(device.points)} points each {device.poll_ms / 1000:g} s"
            )
            yield from _beside(device)
    for gas, sum_e9, rule in config.compositions:
        yield f"gas {gas}: its parts make {sum_e9 / 1e9:.9f}, rule {rule}"
    for run in config.runs:
        yield from _run_lines(run)
    for regulator in config.regulators:
        gauge = (regulator.set_dpa - regulator.atmosphere_dpa) / 10_000
        yield f"regulator {regulator.regulator}: set to {gauge:g} kPa gauge"
    if config.control is not None:
        writes = "allowed" if config.control.writes else "off"
        yield from _wrapped(f"control: sockets in {config.control.directory}, writes {writes}")
    for warning in config.warnings:
        yield from _wrapped(f"warning: {warning}")
    yield "no faults"


def _beside(device: DeviceConfig) -> Iterator[str]:
    """What is read of it beside its polls."""
    parts = [f"archive {name} for a gap" for name in device.archives]
    if device.profile.clock is not None and device.clock_ms:
        limit = device.clock_limit_ms / 1000
        parts.append(f"clock each {device.clock_ms / 1000:g} s, {limit:g} s allowed")
    if parts:
        yield from _wrapped(f"    {', '.join(parts)}")


def _run_lines(run: RunConfig) -> Iterator[str]:
    yield from _wrapped(
        f"run {run.run}: meter {run.meter_serial}, P {_source(run.pressure)}, T"
        f" {_source(run.temperature)}, interval {run.interval_ms / 1000:g} s, configuration"
        f" {run.hash().hex()[:16]}"
    )
    yield from _wrapped(f"  {_conversion(run)}")


def _source(source: Source) -> str:
    return f"fixed at {source.substitute / 10_000:g} kPa" if source.is_fixed else source.serial


def _conversion(run: RunConfig) -> str:
    base_c = (run.base_temperature_mk - 273_150) / 1000
    parts = [f"{run.method} ({run.limits} range)"]
    if run.k_e9:
        parts.append(f"K {run.k_e9 / 1e9:g}")
    if run.gas.name:
        parts.append(f"gas {run.gas.name}")
    if run.gas_source is not None:
        parts.append(f"then by {run.gas_source.serial}")
    parts.append(f"base {base_c:g} degC, {run.base_pressure_dpa / 10_000:g} kPa")
    if run.gas.combustion:
        superior = run.gas.superior_j_m3 / 1e6
        parts.append(f"Hs {superior:.4f} MJ/m3 (burnt at {run.gas.combustion})")
    return ", ".join(parts)


def _wrapped(text: str) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(text, COLUMNS, subsequent_indent=indent, break_long_words=False)
