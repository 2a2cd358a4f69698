"""The clock and the service, as the kernel and systemd tell of them."""

from __future__ import annotations

import grp
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.clock import EARLIEST_UTC_MS, LATEST_UTC_MS
from edge_agent.doctor.host import ClockFacts, Service
from edge_agent.keys.keys import KeyFileError
from edge_agent.link_test.judge import Now
from edge_agent.uplink.tls_identity import read_identity

if TYPE_CHECKING:
    from edge_agent.config.model import ControlConfig

UNIT: Final = "edge-agent.service"
ASK_S: Final = 5.0
MAX_ANSWER: Final = 10_000


def look_at_clock(now: Now, stepped_s: int, root: Path = Path("/")) -> ClockFacts:
    """`stepped_s`: the last step by the log. An RTC is one that the kernel has a device for."""
    rtc = root / "sys/class/rtc"
    has_rtc = any(rtc.iterdir()) if rtc.is_dir() else _is_told(root)
    was_set = EARLIEST_UTC_MS <= 1000 * now.utc_s <= LATEST_UTC_MS
    return ClockFacts(now.utc_s, now.state, now.floor_s, has_rtc, was_set, stepped_s)


def _is_told(root: Path) -> bool | None:
    """Without the class nothing is known, but on a machine whose kernel has a device tree: there
    a battery-backed clock would be a device of it."""
    return False if (root / "proc/device-tree/model").exists() else None


def look_at_identity(certificate: Path | None) -> tuple[int, int] | None:
    """From when to when the client certificate is valid; None where there is none to look at."""
    if certificate is None:
        return None
    try:
        found = read_identity(certificate.read_bytes()[:MAX_ANSWER])
    except (OSError, KeyFileError):  # a file that cannot be read is a fault of the configuration
        return None
    return found.not_before_s, found.not_after_s


def look_at_sockets(control: ControlConfig) -> tuple[tuple[str, str, str], ...]:
    """Those that are there, with their group and the one that the configuration names."""
    found = []
    for path, group in (
        (control.read_socket, control.read_group),
        (control.act_socket, control.act_group),
    ):
        try:
            gid = path.stat().st_gid
        except OSError:  # not there, or not ours to look at
            continue
        if group:
            found.append((str(path), _group(gid), group))
    return tuple(found)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def look_at_service(command: str = "systemctl", unit: str = UNIT) -> Service | None:
    """None where there is no systemd, or it knows no such unit."""
    if shutil.which(command) is None:
        return None
    names = "ActiveState,Result,NRestarts,LoadState"
    try:
        done = subprocess.run(
            [command, "show", unit, f"--property={names}"],
            capture_output=True,
            timeout=ASK_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_service(done.stdout[:MAX_ANSWER].decode("utf-8", "replace"), unit)


def parse_service(text: str, unit: str) -> Service | None:
    """What `systemctl show` prints: NAME=VALUE a line."""
    found = dict(line.partition("=")[::2] for line in text.splitlines())
    if found.get("LoadState") != "loaded":
        return None
    restarts = found.get("NRestarts", "")
    count = int(restarts) if restarts.isdigit() and len(restarts) < 10 else 0
    return Service(unit, found.get("ActiveState", ""), found.get("Result", ""), count)
