"""Serial ports out of trees as the kernel and udev make them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edge_agent.bus_tools.ports import Roots, find_ports
from edge_agent.bus_tools.ports_command import ports_command
from edge_agent.config.model import BusConfig


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """ttyUSB0 with an FTDI driver, both of udev's links and a user; ttyS0 without a UART."""
    made = Roots(tmp_path / "dev", tmp_path / "sys", tmp_path / "proc")
    for name, driver, kind in (("ttyUSB0", "ftdi_sio", ""), ("ttyS0", "serial8250", "0")):
        (made.dev).mkdir(exist_ok=True)
        (made.dev / name).touch()
        drivers = made.sys / "bus/usb-serial/drivers" / driver
        drivers.mkdir(parents=True)
        entry = made.sys / "class/tty" / name
        (entry / "device").mkdir(parents=True)
        (entry / "device/driver").symlink_to(drivers)
        (entry / "type").write_text(kind)
    (made.sys / "class/tty/console").mkdir()
    for folder, name in (("by-path", "platform-usb-1.2"), ("by-id", "usb-FTDI_A10KXYZ")):
        (made.dev / "serial" / folder).mkdir(parents=True)
        (made.dev / "serial" / folder / name).symlink_to(made.dev / "ttyUSB0")
    for pid, target in (("812", "ttyUSB0"), ("813", "null")):
        (made.proc / pid / "fd").mkdir(parents=True)
        (made.proc / pid / "comm").write_text("edge-agent\n")
        (made.proc / pid / "fd/3").symlink_to(made.dev / target)
        (made.proc / pid / "fd/4").symlink_to(made.dev / target)
    (made.proc / "self").mkdir()
    return made


def test_a_port_by_its_stable_names(roots: Roots) -> None:
    """What has no UART is left out; who has it open is told once; whose bus it is."""
    link = roots.dev / "serial/by-path/platform-usb-1.2"
    (port,) = find_ports(roots, [BusConfig("line-1", "rtu", port=str(link))])
    assert port.path == str(roots.dev / "ttyUSB0")
    assert (port.driver, port.bus, port.users) == ("ftdi_sio", "line-1", ("edge-agent (812)",))
    assert (port.by_path, port.stable) == (str(link), str(link))
    assert port.by_id.endswith("usb-FTDI_A10KXYZ")
    assert port.may_open
    assert port.named == str(link)


def test_a_configured_port_that_is_missing(
    roots: Roots, capsys: pytest.CaptureFixture[str]
) -> None:
    """Is told as such, and is a finding; a pattern is shown as it is written."""
    missing = BusConfig("line-2", "rtu", port=str(roots.dev / "serial/by-id/*none*"))
    lan = BusConfig("lan", "tcp", host="10.0.0.2")
    found = find_ports(roots, [missing, lan])
    assert [(port.exists, port.bus) for port in found] == [(True, ""), (False, "line-2")]
    assert found[1].path == missing.port

    class Config:
        buses = (missing, lan)

    assert ports_command(Config(), as_json=False, roots=roots) == 1  # type: ignore[arg-type]
    told = capsys.readouterr().out
    assert "not there" in told
    assert "lan: tcp 10.0.0.2:502" in told
    assert ports_command(Config(), as_json=True, roots=roots) == 1  # type: ignore[arg-type]
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"schema", "ok", "ports", "tcp"}
    assert set(answer["ports"][0]) == {
        "path", "driver", "by_path", "by_id", "bus", "users", "group", "may_open", "named",
        "exists", "stable",
    }  # fmt: skip


def test_no_port_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine without /sys/class/tty, as a container: said, status 1."""
    (tmp_path / "proc").mkdir()
    roots = Roots(tmp_path / "dev", tmp_path / "sys", tmp_path / "proc")
    assert ports_command(None, as_json=False, roots=roots) == 1
    assert "No serial port here" in capsys.readouterr().out


def test_a_real_pty_and_who_has_it() -> None:
    """By the kernel's own /proc: this process."""
    master, slave = os.openpty()
    path = os.ttyname(slave)
    try:
        ports = find_ports(Roots(), [BusConfig("line", "rtu", port=path)])
    finally:
        os.close(master)
        os.close(slave)
    (mine,) = [port for port in ports if port.bus == "line"]
    assert any(str(os.getpid()) in user for user in mine.users)
