"""Serial ports and TCP peers as they are on this machine; only looked at, nothing is sent.

Who holds a port: /proc/<pid>/fd of all processes that we may look into, without the agent's own.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.bus.port import PortGone, find_port
from edge_agent.doctor.host import Peer, PortFacts

if TYPE_CHECKING:
    from edge_agent.config.model import BusConfig

CONNECT_S: Final = 2.0
CLOSED_WITHIN_S: Final = 0.3
"""A peer that has no room for us closes at once."""
MOST_PROCESSES: Final = 4096
MOST_FILES: Final = 1024
MOST_HOLDERS: Final = 4
PSEUDO: Final = range(136, 144)  # majors of /dev/pts


def look_at_port(bus: BusConfig, agent_uid: int, root: Path = Path("/")) -> PortFacts:
    """`agent_uid`: of the user that runs the agent, whose rights count, not ours."""
    path = find_port(bus.port)
    if isinstance(path, PortGone):
        return PortFacts("", reason=path.reason)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return PortFacts(path, exists=False)
    except OSError as error:
        return PortFacts(path, reason=str(error), may_open=False)
    user = _user(agent_uid)
    return PortFacts(
        path,
        is_port=stat.S_ISCHR(found.st_mode) and is_terminal(found.st_rdev, _drivers(root)),
        may_open=may_open(found, agent_uid),
        user=user,
        group=_group(found.st_gid),
        holders=tuple(_holders(found, root))[:MOST_HOLDERS],
    )


def may_open(found: os.stat_result, uid: int) -> bool:
    """Whether a user may read and write it, by owner, groups and others (no ACL is asked)."""
    if uid == 0:
        return True
    mode = found.st_mode
    if found.st_uid == uid:
        return mode & 0o600 == 0o600
    if found.st_gid in _groups(uid):
        return mode & 0o060 == 0o060
    return mode & 0o006 == 0o006


def look_at_peer(bus: BusConfig, connect_s: float = CONNECT_S) -> Peer:
    """One connection, closed again; only where the agent has none: a device may serve one client.

    What is not refused and not closed within a moment is taken.
    """
    try:
        found = socket.getaddrinfo(bus.host, bus.tcp_port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: a label that is too long
        return Peer.NO_NAME
    address = str(found[0][4][0])
    try:
        with socket.create_connection((address, bus.tcp_port), timeout=connect_s) as opened:
            opened.settimeout(CLOSED_WITHIN_S)
            try:
                return Peer.CLOSES if not opened.recv(1) else Peer.TAKES
            except TimeoutError:
                return Peer.TAKES
            except ConnectionError:
                return Peer.CLOSES
    except ConnectionRefusedError:
        return Peer.REFUSES
    except TimeoutError:
        return Peer.SILENT
    except OSError:
        return Peer.NO_ROUTE


def is_terminal(rdev: int, drivers: str) -> bool:
    """By /proc/tty/drivers (name, node, major, minors, type): opening a port moves its lines."""
    found = [line.split() for line in drivers.splitlines()]
    known = [fields[2:4] for fields in found if len(fields) >= 4 and fields[2].isdigit()]
    if not known:
        return True  # the kernel does not tell
    return any(
        int(major) == os.major(rdev) and _within(os.minor(rdev), minors) for major, minors in known
    )


def _within(minor: int, minors: str) -> bool:
    low, _, high = minors.partition("-")
    return low.isdigit() and int(low) <= minor <= int(high if high.isdigit() else low)


def _drivers(root: Path) -> str:
    with contextlib.suppress(OSError):
        return (root / "proc/tty/drivers").read_text(encoding="ascii", errors="replace")[:65_536]
    return ""


def is_same(first: os.stat_result, second: os.stat_result) -> bool:
    """One device by two names. Pseudo terminals are numbered anew in each container: of those the
    file system they are in counts too."""
    if not stat.S_ISCHR(second.st_mode) or first.st_rdev != second.st_rdev:
        return False
    return os.major(first.st_rdev) not in PSEUDO or first.st_dev == second.st_dev


def _holders(port: os.stat_result, root: Path) -> Iterator[str]:
    for process in list(root.glob("proc/[0-9]*"))[:MOST_PROCESSES]:
        if int(process.name) == os.getpid() or not _holds(process, port):
            continue
        name = _name(process)
        if not name.startswith("edge-agent"):
            yield f"{name} (pid {process.name})"


def _holds(process: Path, port: os.stat_result) -> bool:
    with contextlib.suppress(OSError):  # it ended, or is not ours to look into
        for link in list((process / "fd").iterdir())[:MOST_FILES]:
            with contextlib.suppress(OSError):
                if is_same(port, os.stat(link)):
                    return True
    return False


def _name(process: Path) -> str:
    """The program, by its command line: a script's own name rather than its interpreter's."""
    with contextlib.suppress(OSError):
        words = (process / "cmdline").read_bytes()[:4096].split(b"\0")
        names = [os.fsdecode(word).rpartition("/")[2] for word in words if word]
        if names and names[0].startswith("python") and len(names) > 1:
            script = names[0] if names[1].startswith("-") else names[1]
            return "edge-agent" if "edge_agent.cli" in names[1:3] else script
        return names[0] if names else "?"
    return "?"


def _groups(uid: int) -> list[int]:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return []
    return os.getgrouplist(entry.pw_name, entry.pw_gid)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
