"""Reads gateway.toml. Every fault is reported at once, by field name and with the remedy."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from edge_agent.config.central import read_central
from edge_agent.config.control import read_control
from edge_agent.config.devices import NO_UNIT, meter_names, read_bus, read_device
from edge_agent.config.fields import Fault, Faults, Section
from edge_agent.config.model import (
    AgentConfig,
    BusConfig,
    Change,
    DeviceConfig,
    JournalConfig,
    SiteConfig,
)
from edge_agent.config.observe import read_observe
from edge_agent.config.regulators import read_regulators
from edge_agent.config.remote import read_remote
from edge_agent.config.runs import read_runs
from edge_agent.journal.schema import PAGE_SIZE
from edge_agent.permission import why_closed
from edge_agent.regular_file import read_regular
from protocols.metering.atmosphere import ALTITUDE_M, atmosphere_dpa, atmosphere_fault
from protocols.metering.gas_day import GasDayError, zone_of
from protocols.metering.refusal import OutOfRange
from protocols.software import metrological_hash

MAX_FILE_BYTES: Final = 1_000_000
MAX_DOTS: Final = 500
MAX_DEPTH: Final = 16
MAX_DIGITS: Final = 40
MAX_BUSES: Final = 32
MAX_DEVICES: Final = 256
_GATEWAY: Final = r"[a-z0-9][a-z0-9.-]{0,62}"


class ConfigErrors(Exception):  # noqa: N818  # all of them is the point
    """All faults of one configuration file."""

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{path}: {fault}" for fault in faults))


def load_config(path: Path) -> AgentConfig:
    """Read and check the file. Raises ConfigErrors with every fault."""
    try:
        data = read_config_bytes(path)
    except OSError as error:
        raise ConfigErrors(
            path,
            [Fault("file", error.strerror or str(error), why_closed(path) or "check the path")],
        ) from error
    return read_config(data, path)


def read_config_bytes(path: Path) -> bytes:
    """What the file holds, or one byte more than it may: `read_config` tells. Raises OSError."""
    return read_regular(path, MAX_FILE_BYTES)


def read_config(data: bytes, path: Path) -> AgentConfig:
    """The configuration of a file's bytes, as if it stood at `path`. Raises ConfigErrors."""
    return replace(parse_config(read_table(data, path), path), software=metrological_hash().hex())


def read_table(data: bytes, path: Path) -> dict[str, Any]:
    """The file's bytes as a table, not checked any further. Raises ConfigErrors."""
    if len(data) > MAX_FILE_BYTES:
        fault = Fault("file", f"longer than {MAX_FILE_BYTES} bytes", "check the path")
        raise ConfigErrors(path, [fault])
    for number, line in enumerate(data.splitlines(), 1):
        if line.count(b".") > MAX_DOTS:  # a key of so many parts takes the parser minutes
            problem = f"line {number} has more than {MAX_DOTS} dots"
            raise ConfigErrors(path, [Fault("file", problem, "put it on several lines")])
    try:
        table = tomllib.loads(data.decode("utf-8"), parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # also no UTF-8, a number of 5000 digits
        raise ConfigErrors(path, [Fault("file", f"no TOML: {error}", "mend the line")]) from error
    unwritable = bulk_fault(table)
    if unwritable is not None:
        raise ConfigErrors(path, [unwritable])
    return table


def bulk_fault(table: dict[str, Any]) -> Fault | None:
    """The first number that cannot be written out (`1e999999999` is a gigabyte of zeros, 0xfff...
    has no decimal for Python), and tables deeper than any of ours: whoever shows them would fail.
    """
    waiting: list[tuple[str, Any, int]] = [("", table, 0)]
    while waiting:
        full, value, depth = waiting.pop()
        name = full[:80]
        if depth > MAX_DEPTH:
            return Fault(name, f"is deeper than {MAX_DEPTH} tables", "write it flat")
        if isinstance(value, dict):
            waiting += [
                (f"{name}.{key}" if name else key, each, depth + 1) for key, each in value.items()
            ]
        elif isinstance(value, list):
            waiting += [(f"{name}[#{n}]", each, depth + 1) for n, each in enumerate(value, 1)]
        elif _has_too_many_digits(value):
            return Fault(name, f"has more than {MAX_DIGITS} digits", "write a shorter number")
    return None


def _has_too_many_digits(value: object) -> bool:
    if isinstance(value, Decimal) and value.is_finite():
        _, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int)
        return max(len(digits), abs(exponent), abs(value.adjusted())) > MAX_DIGITS
    return isinstance(value, int) and abs(value) >= 10**MAX_DIGITS


def parse_config(table: dict[str, Any], path: Path) -> AgentConfig:
    """The configuration of a parsed file, whose relative paths begin at it. Raises ConfigErrors."""
    faults = Faults()
    top = Section(table, "", faults)
    gateway, state_dir = _gateway(top.section("gateway"), path.parent)
    change = _change(top.section("change", required=False))
    site = _site(top.section("site"))
    central = read_central(top.section("central"), path.parent, site.zone)
    journal = _journal(top.section("journal", required=False))
    control = read_control(top.section("control", required=False), state_dir, path.parent)
    observe = read_observe(top.section("observe", required=False))
    remote = read_remote(top.section("remote", required=False))
    buses = [read_bus(entry, path.parent) for entry in top.sections("bus", "name", MAX_BUSES)]
    sections = top.sections("device", "name", MAX_DEVICES)
    meters = meter_names(table)
    read = [read_device(entry, buses, meters, path.parent) for entry in sections]
    devices = [device for device in read if device is not None]
    known = _by_name(sections, devices)
    runs, meter_changes, compositions, gas_hashes = read_runs(top, known, site)
    regulators = read_regulators(top, known, {run.run: run for run in runs}, site)
    top.done()
    for key, entries in (("bus", buses), ("device", read)):
        if not entries:
            faults.add(key, "there is none", f"describe each {key} under [[{key}]]")
    _check_uniqueness(faults, buses, devices)
    if not faults.all():
        _check_bus_time(faults, buses, devices)
    if faults.all():
        raise ConfigErrors(path, faults.all())
    return AgentConfig(
        gateway, state_dir, site, central, journal, tuple(buses), tuple(devices), runs,
        regulators, change, meter_changes, compositions, tuple(faults.warnings), control,
        remote, gas_hashes, observe=observe,
    )  # fmt: skip


def _by_name(
    sections: Sequence[Section], devices: Sequence[DeviceConfig]
) -> dict[str, DeviceConfig | None]:
    """Also those that are described, but not well: a run that names them is not at fault."""
    known: dict[str, DeviceConfig | None] = {section.name: None for section in sections}
    return known | {device.name: device for device in devices}


def _gateway(section: Section, base: Path) -> tuple[str, Path]:
    gateway = section.text("id", _GATEWAY)
    state_dir = section.text("state_dir", default="state")
    section.done()
    return gateway, base / state_dir


def _change(section: Section) -> Change:
    text = r"[^\x00-\x1f\x7f]{0,100}"
    change = Change(section.text("by", text, ""), section.text("reason", text, ""))
    section.done()
    return change


def _atmosphere_dpa(section: Section) -> int:
    """Of the site: as measured or agreed, or else from its altitude by ISA."""
    declared = section.has("atmospheric_pressure_kpa") or not section.has("altitude_m")
    dpa = 0
    if declared:
        dpa = section.scaled("atmospheric_pressure_kpa", "30", "120", "0.0001")
    if not section.has("altitude_m"):
        return dpa
    low, high = (f"{limit:g}" for limit in ALTITUDE_M)
    altitude_m = float(section.number("altitude_m", low, high))
    standard = atmosphere_dpa(altitude_m)
    if isinstance(standard, OutOfRange):
        return dpa
    fault = atmosphere_fault(dpa, altitude_m) if declared and dpa else None
    if fault:
        section.fault("atmospheric_pressure_kpa", fault, "leave one of them out if unsure")
    return dpa or standard


def _site(section: Section) -> SiteConfig:
    zone = section.text("zone")
    try:
        zone_of(zone or "UTC")
    except GasDayError as error:
        section.fault("zone", str(error), "use a name of the tz database")
        zone = ""
    site = SiteConfig(
        name=section.text("name", r"[^\x00-\x1f\x7f]{1,100}"),
        zone=zone or "UTC",  # a placeholder where it is missing
        gas_day_start_hour=section.integer("gas_day_start_hour", 0, 23),
        atmosphere_dpa=_atmosphere_dpa(section),
        customer=section.text("customer", r"[^\x00-\x1f\x7f]{1,64}", ""),
    )
    section.done()
    return site


def _journal(section: Section) -> JournalConfig:
    journal = JournalConfig(
        commit_s=float(section.number("commit_seconds", "0.02", "60", 1)),
        queue_scans=section.integer("queue_scans", 10, 1_000_000, 1000),
        autocheckpoint_pages=section.integer("autocheckpoint_pages", 10, 100_000, 8000),
        retention_days=section.integer("retention_days", 1, 3650, 90),
        retention_megabytes=section.integer("retention_megabytes", 0, 1_000_000, 512),
        page_size=section.integer("page_size", 512, 65_536, PAGE_SIZE),
        max_megabytes=section.integer("max_megabytes", 0, 1_000_000, 0),
        reserve_megabytes=section.integer("reserve_megabytes", 0, 10_000, 8),
    )
    if journal.page_size & (journal.page_size - 1):
        section.fault("page_size", "is not a page size", "write 512, 1024, 2048 ... 65536")
    section.done()
    return journal


def _check_uniqueness(
    faults: Faults, buses: Sequence[BusConfig], devices: Sequence[DeviceConfig]
) -> None:
    ports = [bus.port if bus.is_serial else _peer(bus) for bus in buses]
    for what, names, remedy in (
        ("bus[{}]", [bus.name for bus in buses], "give each bus its own name"),
        ("bus.port {}", ports, "put the devices of a port under one bus"),
        ("device[{}]", [d.name for d in devices], "give each device its own name"),
        ("device.serial {}", [d.serial for d in devices], "copy it from the device's plate"),
        (
            "{}",
            [address for device in devices for address in _addresses(device)],
            "give each device of a bus its own address",
        ),
    ):
        for name, times in Counter(names).items():
            if name and times > 1:
                faults.add(what.format(name), f"is there {times} times", remedy)


def _peer(bus: BusConfig) -> str:
    return f"{bus.host}:{bus.tcp_port}" if bus.host else ""


def _addresses(device: DeviceConfig) -> list[str]:
    """All that it answers on: its registers may lie behind several unit ids."""
    if not device.bus or device.unit == NO_UNIT:
        return []
    units = range(device.unit, device.unit + device.profile.banks)
    return [f"bus[{device.bus}] unit {unit}" for unit in units]


def _check_bus_time(
    faults: Faults, buses: Sequence[BusConfig], devices: Sequence[DeviceConfig]
) -> None:
    from edge_agent.config.bus_time import schedule_faults

    for bus in buses:
        for fault in schedule_faults(bus, devices):
            told = fault.removeprefix(f"bus {bus.name}: ")
            faults.add(f"bus[{bus.name}]", told, "or move devices to another bus")
