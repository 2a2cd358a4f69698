"""The units as systemd itself reads and judges them, and that the package holds what they start."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
SYSTEM = Path("/usr/lib/systemd/system")
NAMES = ("edge-agent.service", "edge-agent-clock.service", "edge-central.service")
AGENT = UNITS / "edge-agent.service"
PROGRAMS = ("opt/gas-gateway/bin/edge-agent", "opt/gas-central/bin/edge-central")
# What is left open, by what needs it. The settings would close it, as far as they could be had.
SERIAL = {
    "PrivateDevices": "their ports",
    "DeviceAllow": "their ports",
    "SupplementaryGroups": "dialout, and the groups of the control sockets",
    "RestrictRealtime": "the lowest priority keeps a line's gaps of milliseconds",
    "SystemCallFilter_resources": "sched_setscheduler, for that priority",
}
WITHOUT_SERIAL = """
PrivateDevices=yes
DeviceAllow=
SupplementaryGroups=
RestrictRealtime=yes
SystemCallFilter=~@resources
"""
# Whether somebody steers the clock stands in every leaf. The kernel tells it by one call, which
# sets nothing without CAP_SYS_TIME.
CLOCK = {
    "ProtectClock": "clock_adjtime is read",
    "SystemCallFilter_clock": "clock_adjtime is read",
    "SystemCallFilter_privileged": "clock_adjtime is one of them",
}
WITHOUT_CLOCK = """
ProtectClock=yes
SystemCallFilter=~@clock
"""
READS_RTC = {"DeviceAllow": "ProtectClock allows that by itself"}
OTHERS = {
    "PrivateNetwork": "central and instruments",
    "RestrictAddressFamilies_AF_INET_INET6": "central and instruments",
    "IPAddressDeny": "their addresses are the site's",
    "RestrictAddressFamilies_AF_UNIX": "control sockets, systemd's socket",
    "PrivateUsers": "who asks at a control socket would be nobody, and the log says who it was",
    "ProcSubset": "the boot's number, memory and load",
    "RootDirectoryOrRootImage": "Debian's own Python runs it",
}

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here"
)


def settings(unit: Path, name: str) -> list[str]:
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def test_systemd_finds_nothing_to_say(tmp_path: Path) -> None:
    """`systemd-analyze verify` over all, with their programs where the packages put them."""
    shutil.copytree(SYSTEM, tmp_path / "usr/lib/systemd/system", symlinks=True)
    for name in NAMES:
        shutil.copy(UNITS / name, tmp_path / "usr/lib/systemd/system")
    for program in (*PROGRAMS, "bin/sh"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={tmp_path}", "--man=no", *NAMES],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if line.startswith(NAMES)]
    assert ours == []
    assert done.returncode == 0, done.stderr


def exposure(unit: Path) -> tuple[float, dict[str, str]]:
    """The level from 0 to 10, and what adds to it."""
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager"]
    told = subprocess.run(
        [*command, "--json=short", str(unit)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    rows = json.loads(told.stdout)
    found = {row["json_field"]: row["description"] for row in rows if row["exposure"]}
    level = subprocess.run(
        [*command, str(unit)], capture_output=True, text=True, timeout=60, check=False
    ).stdout.rsplit("exposure level", 1)[1]
    return float(level.split(":")[1].split()[0]), found


@pytest.mark.parametrize(
    ("closed", "most", "left"),
    [
        ("", 2.1, SERIAL | CLOCK | OTHERS),
        (WITHOUT_SERIAL, 1.6, CLOCK | OTHERS),
        (WITHOUT_SERIAL + WITHOUT_CLOCK, 1.4, OTHERS | READS_RTC),
    ],
    ids=["as it is", "without serial lines", "without them and the clock"],
)
def test_what_the_agent_is_exposed_to(
    tmp_path: Path, closed: str, most: float, left: dict[str, str]
) -> None:
    """Nothing that serial lines, the clock's state, the network and the sockets do not need: each
    item has its reason, and without its reason's group it is gone."""
    unit = tmp_path / AGENT.name
    text = AGENT.read_text(encoding="utf-8").replace("[Install]", f"{closed}\n[Install]")
    unit.write_text(text, encoding="utf-8")
    level, found = exposure(unit)
    # chown alone still counts as @privileged: the control sockets are given to their groups
    assert found.keys() <= left.keys() | {"SystemCallFilter_privileged"}
    assert level <= most


def test_the_clock_can_be_read_and_not_set() -> None:
    """The call that tells who steers it is allowed; no capability is, to set it by that call."""
    assert settings(AGENT, "CapabilityBoundingSet") == [""]
    assert settings(AGENT, "AmbientCapabilities") == [""]
    assert settings(AGENT, "NoNewPrivileges") == ["yes"]
    allowed = [line.split() for line in settings(AGENT, "SystemCallFilter")][-1]
    assert {"clock_adjtime", "adjtimex"} <= set(allowed)
    assert not {"clock_settime", "settimeofday", "@clock"} & set(allowed)


def test_what_central_is_exposed_to() -> None:
    """The network, and little else."""
    level, _ = exposure(UNITS / "edge-central.service")
    assert level <= 1.5


def test_what_the_clock_is_set_by() -> None:
    """The only part that runs as root, without a network."""
    level, _ = exposure(UNITS / "edge-agent-clock.service")
    assert level <= 2.0


@pytest.mark.parametrize("name", NAMES)
def test_programs_are_where_a_package_puts_them(name: str) -> None:
    """ExecStart's path is that of the package."""
    (command,) = settings(UNITS / name, "ExecStart")
    assert command.split()[0].removeprefix("/") in PROGRAMS


def test_the_agent_is_supervised() -> None:
    """Notified, watched, started again for ever; the stop has room for a slow card's commit."""
    assert settings(AGENT, "Type") == ["notify"]
    assert settings(AGENT, "Restart") == ["always"]
    assert settings(AGENT, "StartLimitIntervalSec") == ["0"]
    assert settings(AGENT, "WatchdogSignal") == ["SIGTERM"]
    assert int(settings(AGENT, "WatchdogSec")[0]) >= 30
    assert int(settings(AGENT, "TimeoutStopSec")[0]) > 3 + 2 + 15
    after = settings(AGENT, "After")[0].split()
    assert "time-set.target" in after
    assert "time-sync.target" not in after, "it would wait for NTP for ever"


def test_central_is_supervised() -> None:
    """Notified, watched, started again after a failure."""
    unit = UNITS / "edge-central.service"
    assert settings(unit, "Type") == ["notify"]
    assert int(settings(unit, "WatchdogSec")[0]) >= 30
    assert settings(unit, "Restart") == ["on-failure"]
