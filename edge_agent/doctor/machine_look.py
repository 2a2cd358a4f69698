"""The clock and the service, as the kernel and systemd tell of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from edge_agent.clock import EARLIEST_UTC_MS, LATEST_UTC_MS
from edge_agent.doctor.host import ClockFacts, Service
from edge_agent.link_test.judge import Now

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
