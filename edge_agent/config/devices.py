"""Buses and devices of gateway.toml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from edge_agent.config.control import read_device_extras
from edge_agent.config.fields import Section, nearest
from edge_agent.config.model import BusConfig, DeviceConfig
from edge_agent.config.site_profile import read_profile
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.profile import Profile, ProfileError, ProfileErrors
from protocols.registers.register_map import RegisterMap

MAX_POINTS: Final = 64
MAX_PROFILE_FAULTS: Final = 10
MAX_REQUEST_S: Final = 25
"""Longer without a heartbeat, and the main thread takes the bus for stuck."""
NO_UNIT: Final = -1  # one that could not be read: a placeholder must not collide with another
GAPS_MS: Final[Mapping[str, int]] = {"rtu": 50, "rtu-over-tcp": 500, "ascii": 1000}
"""Default of the longest gap within an answer: adapters, networks, a person's terminal."""
_BAUDS: Final = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
_SERIAL: Final = r"[!-~]{1,32}"


def read_bus(section: Section, base: Path) -> BusConfig:
    name = section.text("name", _NAME)
    kind = section.choice("type", ("rtu", "tcp", "rtu-over-tcp", "ascii"))
    timeout_s = float(section.number("timeout_s", "0.02", "30", Decimal("0.5")))
    bus = BusConfig(name, kind, timeout_s=timeout_s)  # type: ignore[arg-type]  # one of the four
    bus = _serial(section, base, bus) if bus.is_serial else _peer(section, bus)
    if kind != "tcp":
        bus = _line(section, bus)
    if kind == "rtu-over-tcp" and section.has("baud"):
        turnaround_ms = float(section.number("turnaround_ms", "0", "5000", 25))
        bus = replace(bus, line_baud=_baud(section), turnaround_ms=turnaround_ms)
    longest_s = 3 * bus.timeout_s + (bus.quiet_s or 0.0)
    if longest_s > MAX_REQUEST_S:
        section.fault(
            "timeout_s",
            f"a lost answer may hold the bus for {longest_s:g} s",
            f"keep three times timeout_s and quiet_s within {MAX_REQUEST_S} s",
        )
    section.done()
    return bus


def _serial(section: Section, base: Path, bus: BusConfig) -> BusConfig:
    port = section.text("port")
    return replace(
        bus,
        port=str(base / port) if port else "",
        baud=_baud(section),
        parity=section.choice("parity", ("N", "E", "O"), "N"),
        stop_bits=section.integer("stop_bits", 1, 2, 1),
        data_bits=section.integer("data_bits", 7, 8, 8) if bus.kind == "ascii" else 8,
        turnaround_ms=float(section.number("turnaround_ms", "0", "5000", 25)),
    )


def _peer(section: Section, bus: BusConfig) -> BusConfig:
    return replace(
        bus,
        host=section.text("host", r"[!-~]+"),
        tcp_port=section.integer("tcp_port", 1, 65535, 502),
        idle_close_s=float(section.number("idle_close_seconds", "0", "86400", 60)),
    )


def _line(section: Section, bus: BusConfig) -> BusConfig:
    """How much a line without transactions may be waited for."""
    own_s = Decimal(str(bus.timeout_s))
    return replace(
        bus,
        gap_s=float(section.number("gap_ms", "1", "5000", GAPS_MS[bus.kind]) / 1000),
        quiet_s=float(section.number("quiet_s", "0.02", "30", own_s)),
        pause_s=float(section.number("pause_ms", "0", "5000", 0) / 1000),
    )


def _baud(section: Section) -> int:
    baud = section.integer("baud", 1200, 115_200, 9600)
    if baud not in _BAUDS:
        known = ", ".join(map(str, _BAUDS))
        section.fault("baud", f"{baud} is no usual rate", f"use one of {known}")
    return baud


def read_device(
    section: Section, buses: Sequence[BusConfig], meters: frozenset[str], base: Path
) -> DeviceConfig | None:
    """None where its profile is not known; then only its other fields are checked."""
    name = section.text("name", _NAME)
    bus_name = section.text("bus", _NAME)
    bus = next((bus for bus in buses if bus.name == bus_name), None)
    if bus is None and bus_name:
        section.fault("bus", f"no bus {bus_name!r}", nearest(bus_name, [b.name for b in buses]))
    tcp = bus is not None and bus.kind == "tcp"
    profile = _profile(section, base)
    before = section.fault_count()
    banks = 1 if profile is None else profile.banks  # it answers on so many unit ids
    unit = section.integer("unit", 0 if tcp else 1, (255 if tcp else 247) + 1 - banks)
    if section.fault_count() > before:
        unit = NO_UNIT
    serial = section.text("serial", _SERIAL)
    poll_ms = section.scaled("poll_seconds", "0.1", "86400", "0.001")
    priority = section.integer("priority", 0, 9, int(name in meters))
    slow_points: tuple[str, ...] = ()
    slow_ms = 0
    if section.has("slow_points"):
        slow_points = section.texts("slow_points", MAX_POINTS)
        slow_ms = section.scaled("slow_seconds", "1", "86400", "0.001")
    rest: tuple[str, ...] = ("",)
    if profile is not None:
        rest = tuple(name for name in profile.default_points if name not in slow_points)
    points = section.texts("points", MAX_POINTS, rest)
    extras = read_device_extras(section, profile)
    section.done()
    if profile is None:
        return None
    device = DeviceConfig(
        name, bus_name, unit, profile, serial, points, poll_ms, priority, slow_points, slow_ms,
        **extras,
    )  # fmt: skip
    _check_points(section, device)
    _check_pace(section, device)
    return device


def _check_points(section: Section, device: DeviceConfig) -> None:
    """Each is there, once, and one scan can carry them."""
    profile = device.profile
    before = section.fault_count()
    for key, names in (("points", device.points), ("slow_points", device.slow_points)):
        for point in names:
            if point not in profile.names:
                remedy = nearest(point, profile.names)
                section.fault(key, f"{profile.id} has no point {point!r}", remedy)
    for point in set(device.points) & set(device.slow_points):
        section.fault("slow_points", f"{point} is in points too", "name it in one of them")
    if section.fault_count() == before:
        try:
            RegisterMap.of(profile, (*device.points, *device.slow_points))
        except ProfileError as error:
            section.fault("points", str(error), "poll fewer points, or others")


def _check_pace(section: Section, device: DeviceConfig) -> None:
    """A battery may not be emptied by polling; slow is slower."""
    least_ms = 1000 * device.profile.min_poll_s
    if device.poll_ms < least_ms:
        section.fault(
            "poll_seconds",
            f"{device.profile.id} may be polled each {device.profile.min_poll_s} s at most,"
            f" not each {device.poll_ms / 1000:g} s",
            "poll less often: its profile says why",
        )
    if device.slow_points and device.slow_ms <= device.poll_ms:
        section.fault("slow_seconds", "is not above poll_seconds", "poll these points more rarely")


def _profile(section: Section, base: Path) -> Profile | None:
    """A packaged profile by its id, or the site's own by the path of its file."""
    name = section.text("profile")
    if not name:
        return None
    if name.endswith(".toml"):
        return _site_profile(section, base / name)
    try:
        return load_profile(name)
    except ProfileError as error:
        known = profile_ids()
        problem = f"no profile {name[:40]!r}" if name not in known else str(error)
        section.fault("profile", problem, nearest(name, known))
        return None


def _site_profile(section: Section, path: Path) -> Profile | None:
    remedy = f"mend it; edge-agent profile check {path} tells all of it"
    try:
        profile = read_profile(path)
    except ProfileErrors as error:
        for message in error.messages[:MAX_PROFILE_FAULTS]:
            section.fault("profile", message, remedy)
        return None
    except OSError as error:
        section.fault("profile", f"{path}: {error.strerror}", "name a profile or a file of one")
        return None
    if profile.id in profile_ids():
        section.fault("profile", f"{path.name}: id {profile.id!r} is taken", "give it its own id")
        return None
    return profile


def meter_names(table: dict[str, Any]) -> frozenset[str]:
    """Devices that some run calls its meter: they are polled after the transmitters."""
    runs = table.get("run", [])
    entries = runs if isinstance(runs, list) else []
    names = (entry.get("meter") for entry in entries if isinstance(entry, dict))
    return frozenset(name for name in names if isinstance(name, str))
