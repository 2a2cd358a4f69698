"""What a technician may do: [control], and a device's clock, archives and limits for writing."""

from __future__ import annotations

import grp
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from edge_agent.config.fields import Section, nearest
from edge_agent.config.model import ControlConfig
from edge_agent.packaged import READERS, SOCKETS, WRITERS, usual_sockets
from protocols.metering.gas_day import GasDayError, zone_of
from protocols.registers.archive import Archive
from protocols.registers.profile import Profile

MAX_ARCHIVES: Final = 4
"""So many are read by default; a flow computer with more has tables of other runs too."""
MAX_SOCKET_DIR: Final = 90  # sun_path has 108 bytes
READABLE: Final = ("enron", "ring")


def read_control(section: Section, state_dir: Path, base: Path) -> ControlConfig:
    where = section.text("dir", default="")
    usual = usual_sockets(state_dir)
    is_packaged = not where and usual == SOCKETS
    read_group, act_group = map(_if_there, (READERS, WRITERS)) if is_packaged else ("", "")
    control = ControlConfig(
        directory=base / where if where else usual,
        read_group=_group(section, "read_group") or read_group,
        act_group=_group(section, "act_group") or act_group,
        writes=section.flag("writes", default=False),
    )
    if where and len(str(control.directory.absolute()).encode()) > MAX_SOCKET_DIR:
        section.fault(
            "dir",
            f"{control.directory} is longer than {MAX_SOCKET_DIR} bytes, too long for a socket",
            "name a shorter one, such as /run/gas-gateway",
        )
    section.done()
    return control


def _if_there(group: str) -> str:
    try:
        grp.getgrnam(group)
    except KeyError:
        return ""
    return group


def _group(section: Section, key: str) -> str:
    name = section.text(key, r"[a-z_][a-z0-9_-]{0,31}", "")
    if name:
        try:
            grp.getgrnam(name)
        except KeyError:
            section.fault(key, f"no group {name!r} on this machine", "make it, or name another")
    return name


def read_device_extras(section: Section, profile: Profile | None) -> dict[str, Any]:
    """The fields of DeviceConfig for what is done with a device beside its polls."""
    extras: dict[str, Any] = {
        "clock_zone": _zone(section),
        "clock_ms": section.scaled("clock_seconds", "0", "86400", "0.001", 3600),
        "clock_limit_ms": section.scaled("clock_limit_seconds", "1", "86400", "0.001", 60),
    }
    wanted = section.flag("read_archives", default=True)
    names = section.texts("archives", MAX_ARCHIVES, ("",))
    limits = section.table("write_limits", {})
    if profile is None:
        return extras
    if extras["clock_ms"] and extras["clock_ms"] < 10_000:
        section.fault("clock_seconds", "is below 10", "write 0 for never, or 10 to 86400")
    extras["archives"] = _archives(section, profile, names) if wanted else ()
    extras["write_limits"] = _limits(section, profile, limits)
    return extras


def _zone(section: Section) -> str:
    zone = section.text("clock_zone", default="")
    try:
        zone_of(zone or "UTC")
    except GasDayError as error:
        section.fault("clock_zone", str(error), "use a name of the tz database, or UTC")
        return ""
    return zone


def _archives(section: Section, profile: Profile, names: tuple[str, ...]) -> tuple[str, ...]:
    known = {one.name: one for one in profile.archives if _is_readable(one)}
    if names == ("",):
        periodic = tuple(name for name, one in known.items() if one.period_s)
        return periodic if len(periodic) <= MAX_ARCHIVES else ()
    for name in names:
        if name not in known:
            section.fault(
                "archives", f"{profile.id} has no archive {name[:40]!r}", nearest(name, known)
            )
    return names


def _is_readable(archive: Archive) -> bool:
    return archive.method in READABLE and archive.clock is not None


def _limits(
    section: Section, profile: Profile, table: dict[str, Any]
) -> dict[str, tuple[str, str]]:
    limits = {}
    for name, pair in table.items():
        if name not in profile.writes:
            section.fault(
                "write_limits",
                f"{profile.id} lets nobody write {name[:40]!r}",
                nearest(name, profile.writes),
            )
        elif not (
            isinstance(pair, list)
            and len(pair) == 2
            and all(type(number) in (int, Decimal) and _finite(number) for number in pair)
            and pair[0] <= pair[1]
        ):
            section.fault(
                "write_limits", f"{name} has no two limits", f"write {name} = [low, high]"
            )
        else:
            limits[name] = (f"{Decimal(pair[0]):f}", f"{Decimal(pair[1]):f}")
    return limits


def _finite(number: int | Decimal) -> bool:
    return Decimal(number).is_finite()
