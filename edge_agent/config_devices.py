"""Buses and devices of gateway.toml."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from edge_agent.config import BusConfig, DeviceConfig
from edge_agent.config_fields import Section, nearest
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.profile import Profile, ProfileError

MAX_POINTS: Final = 64
NO_UNIT: Final = -1  # one that could not be read: a placeholder must not collide with another
_BAUDS: Final = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
_SERIAL: Final = r"[!-~]{1,32}"


def read_bus(section: Section, base: Path) -> BusConfig:
    name = section.text("name", _NAME)
    kind = section.choice("type", ("rtu", "tcp"))
    timeout_s = float(section.number("timeout_s", "0.02", "30", Decimal("0.5")))
    if kind == "tcp":
        bus = BusConfig(
            name,
            "tcp",
            host=section.text("host", r"[!-~]+"),
            tcp_port=section.integer("tcp_port", 1, 65535, 502),
            timeout_s=timeout_s,
        )
    else:
        bus = BusConfig(
            name,
            "rtu",
            port=str(base / port) if (port := section.text("port")) else "",
            baud=_baud(section),
            parity=section.choice("parity", ("N", "E", "O"), "N"),
            stop_bits=section.integer("stop_bits", 1, 2, 1),
            timeout_s=timeout_s,
        )
    section.done()
    return bus


def _baud(section: Section) -> int:
    baud = section.integer("baud", 1200, 115_200, 9600)
    if baud not in _BAUDS:
        known = ", ".join(map(str, _BAUDS))
        section.fault("baud", f"{baud} is no usual rate", f"use one of {known}")
    return baud


def read_device(
    section: Section, buses: Sequence[BusConfig], meters: frozenset[str]
) -> DeviceConfig | None:
    """None where its profile is not known; then only its other fields are checked."""
    name = section.text("name", _NAME)
    bus_name = section.text("bus", _NAME)
    bus = next((bus for bus in buses if bus.name == bus_name), None)
    if bus is None and bus_name:
        section.fault("bus", f"no bus {bus_name!r}", nearest(bus_name, [b.name for b in buses]))
    tcp = bus is not None and bus.kind == "tcp"
    before = section.fault_count()
    unit = section.integer("unit", 0 if tcp else 1, 255 if tcp else 247)
    if section.fault_count() > before:
        unit = NO_UNIT
    profile = _profile(section)
    serial = section.text("serial", _SERIAL)
    poll_ms = section.scaled("poll_seconds", "0.1", "3600", "0.001")
    priority = section.integer("priority", 0, 9, int(name in meters))
    default = ("",) if profile is None else profile.default_points
    points = section.texts("points", MAX_POINTS, default)
    section.done()
    if profile is None:
        return None
    known = list(profile.names)
    for point in points:
        if point not in known:
            section.fault("points", f"{profile.id} has no point {point!r}", nearest(point, known))
    return DeviceConfig(name, bus_name, unit, profile, serial, points, poll_ms, priority)


def _profile(section: Section) -> Profile | None:
    name = section.text("profile")
    if not name:
        return None
    try:
        return load_profile(name)
    except ProfileError as error:
        known = profile_ids()
        problem = f"no profile {name[:40]!r}" if name not in known else str(error)
        section.fault("profile", problem, nearest(name, known))
        return None


def meter_names(table: dict[str, Any]) -> frozenset[str]:
    """Devices that some run calls its meter: they are polled after the transmitters."""
    runs = table.get("run", [])
    entries = runs if isinstance(runs, list) else []
    names = (entry.get("meter") for entry in entries if isinstance(entry, dict))
    return frozenset(name for name in names if isinstance(name, str))
