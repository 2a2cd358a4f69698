"""From an empty Debian to the first receipt, with what the README says and nothing else. As root.

Plant and central run outside, as they would elsewhere; the gateway is a Debian in a folder.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from simulators.certificates import make_certificates
from simulators.config_files import central_toml
from simulators.plant_process import PLANT_FILE
from tests.system.rig import PROGRAMS, Rig
from tests.systemd.debian_root import SUITES, DebianRoot, make_root
from tests.systemd.test_deb import STATE, build, project_wheel

GATEWAY = "gw-0042"
WHO = ("--who", "Li Wei", "--reason", "new site")
ANSWERS = """
[site]
name = "Boiler house 3"
customer = "100-2231"
zone = "Asia/Shanghai"
gas_day_start_hour = 8
altitude_m = 500
atmospheric_pressure_kpa = 95.5
[central]
url = "{url}"
token = "{token}"
[bus.line-1]
type = "rtu"
port = "/dev/gas/usb-1"
[device.meter-1]
unit = 1
profile = "sick-flowsic500"
serial = "21450301"
[device.p-1]
unit = 2
profile = "keller-33x"
serial = "330041"
[gas.grid]
hs_25_0_mj_m3 = 40.66
relative_density_0 = 0.581
x_co2 = 0.006
x_h2 = 0
[run.R1]
meter = "meter-1"
qmin_m3_h = 16
qmax_m3_h = 1000
method = "SGERG-88"
gas = "grid"
pressure_device = "p-1"
pressure_kind = "gauge"
pressure_range = "0-10 bar"
pressure_substitute_kpa_abs = 505
temperature_device = "meter-1"
[commission]
who = "Li Wei"
remark = "WO 17"
"""

pytestmark = pytest.mark.long


class Elsewhere(Rig):
    """The plant and central; the agent is not its own."""

    def _start_all(self) -> None:
        make_certificates(self.directory, datetime.datetime.now(datetime.UTC))
        self.command("edge-central", "init", "--store", "store")
        with socket.create_server(("127.0.0.1", 0)) as one, \
                socket.create_server(("127.0.0.1", 0)) as two:  # fmt: skip
            self.intake_port, self.page_port = one.getsockname()[1], two.getsockname()[1]
        (self.directory / "central.toml").write_text(
            central_toml("store", f"127.0.0.1:{self.intake_port}", f"127.0.0.1:{self.page_port}")
        )
        self.commands = {
            "plant": [str(PROGRAMS / "edge-sim"), "plant", "--dir", "plant"],
            "central": [str(PROGRAMS / "edge-central"), "serve", "--config", "central.toml"],
        }
        self.start("central")
        self.start("plant")
        self.wait("the plant", (self.directory / "plant" / PLANT_FILE).exists)
        self.wait("central's page", lambda: self.summary() is not None)

    def central_says(self, *arguments: str) -> str:
        return self.command("edge-central", *arguments[:2], "--store", "store", *arguments[2:])

    def approve(self) -> None:
        """An operator, as soon as there is something to approve."""

        def waiting() -> re.Match[str] | None:
            return re.search(r"WAITS for approval\t(\S+)", self.central_says("gateway", "list"))

        self.wait("a request", lambda: waiting() is not None, within_s=120.0)
        found = waiting()
        assert found
        self.central_says("gateway", "approve", GATEWAY, found[1], *WHO)


def plug_in(root: DebianRoot, line: Path) -> None:
    """The adapter, as udev names it and gives it to dialout."""
    terminal = line.resolve()
    shutil.chown(terminal, group=20)
    terminal.chmod(0o660)
    (root / "/dev/gas").mkdir()
    (root / "/dev/gas/usb-1").symlink_to(terminal)


@contextmanager
def service(root: DebianRoot, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`systemctl start edge-agent`: the unit's command as its user, with its directories."""
    root.run(
        "install", "-d", "-m", "755", "-o", "edge-agent", "-g", "edge-agent", "/run/edge-agent"
    )
    command = ["runuser", "-u", "edge-agent", "--", "edge-agent", "run"]
    with log.open("wb") as told:
        process = subprocess.Popen(
            [*root.entering(network=True), *command], stdin=subprocess.DEVNULL,
            stdout=told, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def qualities(root: DebianRoot) -> list[str]:
    """What a technician sees of the runs, who may look and no more."""
    told = root.run("edge-agent", "status", "--json", status=None, network=True, user="fitter")
    assert told.startswith("{"), told
    return [run["quality"] for run in json.loads(told).get("runs", [])]


def started(elsewhere: Elsewhere) -> bool:
    """Central has countersigned what the running agent recorded."""
    with closing(sqlite3.connect(elsewhere.store / "central.sqlite3")) as central:
        query = "SELECT count(*) FROM event WHERE code = 'agent_started'"
        count: int = central.execute(query).fetchone()[0]
    return count > 0


def last_child(pid: int) -> int:
    """The program itself, behind what enters the folder and changes the user."""
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        pid = int(children[0])
    return pid


@pytest.mark.parametrize("suite", SUITES)
def test_a_new_gateway(suite: str, tmp_path: Path) -> None:
    """Package, token, commissioning by a file of answers, approval, start: the first receipts,
    and a technician who may look sees a site on which everything works."""
    root = make_root(suite, tmp_path / suite)
    package = build(project_wheel(tmp_path / "wheel"), tmp_path / "package")
    root.put(package, "/root/agent.deb")
    root.run("dpkg", "--install", "/root/agent.deb")
    with Elsewhere(tmp_path) as elsewhere:
        plug_in(root, tmp_path / "plant/line-1")
        token = elsewhere.central_says(
            "gateway", "add", GATEWAY, "--token", "--ca", "ca.pem", *WHO
        ).split()[-1]
        url = f"https://127.0.0.1:{elsewhere.intake_port}"
        answers = root / "/home/site.toml"
        answers.write_text(ANSWERS.format(url=url, token=token), encoding="utf-8")
        operator = threading.Thread(target=elsewhere.approve)
        operator.start()
        told = root.run(
            "edge-agent", "commission", "--answers", "/home/site.toml", "--wait", "120",
            network=True, user="edge-agent",
        )  # fmt: skip
        operator.join()
        assert GATEWAY in told
        with service(root, tmp_path / "agent.log") as process:
            root.run("useradd", "--groups", "gas-readers", "fitter")
            elsewhere.wait("a good run", lambda: qualities(root) == ["good"])
            elsewhere.wait("receipts", lambda: started(elsewhere))
            told = root.run("edge-agent", "events", "--json", network=True, user="fitter")
            assert "agent_started" in told, "who may look reads the log"
            refused = root.run(
                "edge-agent", "key", "show", "--state", STATE, status=None, user="fitter"
            )
            assert "ermission" in refused, "who may look does not see the keys"
            os.kill(last_child(process.pid), signal.SIGTERM)
            process.wait(30.0)
    subprocess.run(["rm", "-rf", "--one-file-system", str(root.path)], check=True)
