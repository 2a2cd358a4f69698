"""The units under a real systemd: a Debian that boots in a container (systemd-nspawn). As root.

What a sandbox forbids shows only here. Skipped where there is no systemd-nspawn, or it cannot boot.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.config_store.history import Trial, decode
from protocols.modbus.frames import crc16
from tests.systemd.debian_root import ENVIRON, DebianRoot, make_root
from tests.systemd.test_deb import CONFIG, STATE, build, commission_by_hand, project_wheel

BOOT_S = 60.0
QUICK = "[Service]\nWatchdogSec=6\nTimeoutAbortSec=10\nRestartSec=1\n"

pytestmark = pytest.mark.long


class Booted:
    """A running system."""

    def __init__(self, root: DebianRoot, log: Path) -> None:
        self.root = root
        with log.open("wb") as told:
            self._nspawn = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", f"--directory={root.path}", "--keep-unit"),
                    # as on a gateway: the state of the clock may be read
                    *("--register=no", "--private-network", "--system-call-filter=clock_adjtime"),
                    *("--console=pipe", "/lib/systemd/systemd"),
                ],
                stdin=subprocess.DEVNULL, stdout=told, stderr=subprocess.STDOUT,
                start_new_session=True,  # it shall touch nobody's terminal
            )  # fmt: skip
        self.leader = 0

    def wait(self, ready: Callable[[], bool], within_s: float, what: str) -> None:
        until_s, pause = time.monotonic() + within_s, threading.Event()
        while not ready():
            assert time.monotonic() < until_s, f"not within {within_s} s: {what}"
            pause.wait(0.2)

    def is_up(self) -> bool:
        if self._nspawn.poll() is not None:
            pytest.skip("systemd-nspawn cannot boot here")
        place = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        for child in place.read_text().split():
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                self.leader = int(child)
        return bool(self.leader) and self.run("systemctl is-system-running", status=None).split()[
            :1
        ] in (["running"], ["degraded"])

    def run(self, script: str, status: int | None = 0) -> str:
        """A shell's output within."""
        environ = [f"{name}={value}" for name, value in ENVIRON.items()]
        done = subprocess.run(
            [
                *("nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p"),
                *("env", "-i", *environ, "SYSTEMD_PAGER=", "sh", "-c", script),
            ],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.run(f"systemctl show edge-agent --value --property {name}").strip()

    def close(self) -> None:
        """Its first process takes all others along; nspawn's own end would leave them running."""
        if self.leader:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.leader, signal.SIGKILL)
        try:
            self._nspawn.wait(10.0)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """With the package, a configuration made by hand, and a short watchdog."""
    if os.geteuid() != 0 or shutil.which("systemd-nspawn") is None:
        pytest.skip("systemd-nspawn, as root, is not there")
    place = tmp_path_factory.mktemp("booted")
    root = make_root("bookworm", place / "root")
    package = build(project_wheel(place / "wheel"), place / "package")
    root.put(package, "/root/agent.deb")
    root.run("dpkg", "--install", "/root/agent.deb")
    commission_by_hand(root, place)
    (root / STATE).chmod(0o700)  # as a package left it that kept everybody out
    dropin = root / "/etc/systemd/system/edge-agent.service.d"
    dropin.mkdir(parents=True)
    (dropin / "quick.conf").write_text(QUICK)
    system = Booted(root, place / "boot.log")
    try:
        system.wait(system.is_up, BOOT_S, "the boot")
        yield system
    finally:
        system.close()
        subprocess.run(["rm", "-rf", "--one-file-system", str(root.path)], check=True)


def ready(system: Booted, other_than: str = "0") -> bool:
    return system.show("ActiveState") == "active" and system.show("MainPID") not in (other_than,)


def test_it_runs_as_it_is_confined(booted: Booted) -> None:
    """Started at the boot; its sockets belong to their groups; who may look is told; the clock's
    state is known; nothing else of the machine can be written."""
    booted.wait(lambda: ready(booted), 30.0, "ready")
    assert booted.show("StatusText").startswith("polls ")
    sockets = booted.run("stat -c '%a %G' /run/edge-agent/*.sock").split("\n")
    assert sockets[:2] == ["660 gas-writers", "660 gas-readers"]
    booted.run("useradd --groups gas-readers fitter")
    told = booted.run("runuser -u fitter -- edge-agent status --json", status=None)
    status = json.loads(told)
    assert status["clock_state"] != "unknown"
    assert status["journal"]["failing"] == ""
    booted.run("runuser -u fitter -- edge-agent doctor >/dev/null", status=1)
    assert booted.run(f"stat -c '%a %U %G' {STATE}").strip() == "2750 edge-agent gas-readers"
    booted.run("runuser -u fitter -- edge-agent storage >/dev/null")
    assert "agent_started" in booted.run("runuser -u fitter -- edge-agent events --json")
    found = booted.run(f"runuser -u fitter -- find {STATE} -readable -type f 2>/dev/null", None)
    names = {line.rsplit("/", 1)[1] for line in found.split()}
    assert names == {"journal.db", "journal.db-shm", "journal.db-wal"}
    refused = booted.run("runuser -u nobody -- edge-agent events 2>&1", status=2)
    assert "/etc/edge-agent is for the group gas-readers" in refused
    pid = booted.show("MainPID")
    entering = f"nsenter -t {pid} -m"
    booted.run(f"{entering} touch {CONFIG}")
    assert "Read-only" in booted.run(f"{entering} touch /usr/x 2>&1", status=1)


LINE = """
import os, pty, shutil
ours, theirs = pty.openpty()
name = os.ttyname(theirs)
shutil.chown(name, group="dialout")
os.chmod(name, 0o660)
os.symlink(name, "/etc/edge-agent/line-1")
with open("/root/heard", "wb", 0) as heard:
    while True:
        heard.write(os.read(ours, 256))
"""


def trial_of(booted: Booted) -> Trial | None:
    """Of the configuration."""
    return decode((booted.root / f"{STATE}/config/index.json").read_bytes()).trial


def test_it_has_its_serial_line(booted: Booted) -> None:
    """A port of the group dialout is opened and asked."""
    booted.wait(lambda: ready(booted), 30.0, "ready")
    heard = booted.root / "/root/heard"
    (booted.root / "/root/line.py").write_text(LINE)
    booted.run("python3 /root/line.py >/root/line.log 2>&1 &")
    booted.wait(lambda: heard.exists() and heard.stat().st_size >= 8, 60.0, "a request")
    asked = heard.read_bytes()[:8]
    assert crc16(asked[:6]) == int.from_bytes(asked[6:], "little")


def test_an_upgrade_amid_a_loan_and_a_trial(booted: Booted) -> None:
    """The loan ends with the agent that gave it; what is on trial is in force with the next one,
    which keeps it, as nothing that worked before fails."""
    booted.wait(lambda: ready(booted), 30.0, "ready")
    text = (booted.root / CONFIG).read_text()
    candidate = text.replace("batch_seconds = 300", "batch_seconds = 60")
    assert candidate != text
    (booted.root / "/root/new.toml").write_text(candidate)
    who = "--who Li --reason test"
    booted.run(f"edge-agent bus take lan --for 10m {who} 2>&1")
    pid = booted.show("MainPID")
    booted.run(f"edge-agent config apply /root/new.toml --yes --no-wait {who} 2>&1")
    assert trial_of(booted)
    booted.run("dpkg --install /root/agent.deb")
    booted.wait(lambda: ready(booted, pid), 30.0, "a new process after the upgrade")
    status = json.loads(booted.run("edge-agent status --json", status=None))
    assert [bus["state"] for bus in status["buses"] if bus["name"] == "lan"] != ["lent"]
    assert (booted.root / CONFIG).read_text() == candidate
    booted.wait(lambda: trial_of(booted) is None, 60.0, "the trial's end")
    assert (booted.root / CONFIG).read_text() == candidate


def test_killed_and_hung(booted: Booted) -> None:
    """SIGKILL, then a process that stands still: systemd starts it again, and the event says what
    systemd knows of each end. With the watchdog's SIGTERM comes a SIGCONT: it ends in order."""
    booted.wait(lambda: ready(booted), 30.0, "ready")
    for blow, within_s in (("KILL", 30.0), ("STOP", 60.0)):
        pid = booted.show("MainPID")
        booted.run(f"kill -{blow} {pid}")
        booted.wait(lambda pid=pid: ready(booted, pid), within_s, f"a restart after {blow}")
    log = booted.run("journalctl -u edge-agent --no-pager -o cat")
    assert "ended by itself: signal; systemd: killed (killed KILL)" in log, log
    assert "ended by itself: watchdog; systemd: the watchdog was not fed (exited 0)" in log, log


def test_a_stop_and_an_upgrade(booted: Booted) -> None:
    """A stop takes at most 5 s though central is not there; an upgrade starts it again."""
    booted.wait(lambda: ready(booted), 30.0, "ready")
    began_s = time.monotonic()
    booted.run("systemctl stop edge-agent")
    assert time.monotonic() - began_s < 6.0
    assert booted.show("Result") == "success"
    booted.run("systemctl start edge-agent")
    pid = booted.show("MainPID")
    booted.run("dpkg --install /root/agent.deb")
    booted.wait(lambda: ready(booted, pid), 30.0, "a new process after the upgrade")
