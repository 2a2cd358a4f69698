"""Serial ports of this machine, by the names that stay: read from /dev, /sys and /proc."""

from __future__ import annotations

import contextlib
import grp
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.bus.port import PortGone, find_port

if TYPE_CHECKING:
    from edge_agent.config.model import BusConfig

MAX_PORTS: Final = 64
MAX_PROCESSES: Final = 4_096
MAX_FILES: Final = 1_024
_NO_UART: Final = "0"  # of /sys/class/tty/ttyS*/type: nothing is behind the number


class Roots(NamedTuple):
    """Where the kernel shows what it has."""

    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    proc: Path = Path("/proc")


class Port(NamedTuple):
    """One port. `bus`: of the configuration; `users`: programs that have it open, as far as this
    user may see; `group`: who may open it; `named`: as the configuration has it; `exists` False:
    the configuration's own, not there.
    """

    path: str
    driver: str
    by_path: str
    by_id: str
    bus: str
    users: tuple[str, ...]
    group: str
    may_open: bool
    named: str = ""
    exists: bool = True

    @property
    def stable(self) -> str:
        """The name to write into gateway.toml."""
        return self.by_path or self.by_id or self.path


def find_ports(roots: Roots, buses: Sequence[BusConfig]) -> tuple[Port, ...]:
    """The kernel's serial ports, then those that only the configuration names."""
    mine = {_real(bus.port): bus for bus in buses if bus.is_serial}
    paths = list(itertools.islice(_kernel_ports(roots), MAX_PORTS))
    own = [path for path in mine if path not in paths]
    users = _users(roots, {*paths, *own})
    found = [_port(roots, path, mine.get(path), users.get(path, ())) for path in paths]
    found += [_port(roots, path, mine[path], users.get(path, ())) for path in own]
    return tuple(found)


def _kernel_ports(roots: Roots) -> Iterator[str]:
    """Those with a driver and something behind it."""
    folder = roots.sys / "class/tty"
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not (entry / "device/driver").exists() or _text(entry / "type") == _NO_UART:
            continue
        path = roots.dev / entry.name
        if path.exists():
            yield str(path)


def _port(roots: Roots, path: str, bus: BusConfig | None, users: tuple[str, ...]) -> Port:
    exists = os.path.exists(path)
    driver = roots.sys / "class/tty" / Path(path).name / "device/driver"
    return Port(
        path=path if bus is None or exists else bus.port,
        driver=driver.resolve().name if driver.exists() else "",
        by_path=_link(roots.dev / "serial/by-path", path),
        by_id=_link(roots.dev / "serial/by-id", path),
        bus="" if bus is None else bus.name,
        users=users,
        group=_group(path) if exists else "",
        named="" if bus is None else bus.port,
        may_open=exists and os.access(path, os.R_OK | os.W_OK),
        exists=exists,
    )


def _real(name: str) -> str:
    found = find_port(name)
    return name if isinstance(found, PortGone) else os.path.realpath(found)


def _link(folder: Path, path: str) -> str:
    """The name in a folder of udev's that leads to the port."""
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if os.path.realpath(entry) == os.path.realpath(path):
            return str(entry)
    return ""


def _group(path: str) -> str:
    try:
        gid = os.stat(path).st_gid
        return grp.getgrgid(gid).gr_name
    except (OSError, KeyError):
        return ""


def _users(roots: Roots, paths: set[str]) -> dict[str, tuple[str, ...]]:
    """Who has which of these open. Processes of others are passed over where we may not look."""
    found: dict[str, list[str]] = {}
    processes = (entry for entry in roots.proc.iterdir() if entry.name.isdecimal())
    for process in itertools.islice(processes, MAX_PROCESSES):
        with contextlib.suppress(OSError):
            for file in itertools.islice((process / "fd").iterdir(), MAX_FILES):
                with contextlib.suppress(OSError):
                    target = os.readlink(file)
                    if target in paths:
                        told = f"{_text(process / 'comm')} ({process.name})"
                        if told not in found.setdefault(target, []):
                            found[target].append(told)
    return {path: tuple(sorted(names)) for path, names in found.items()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()[:40]
    except OSError:
        return ""
