"""The clock's facts; systemd's word."""

from __future__ import annotations

import grp

import pytest

from edge_agent.config.model import ControlConfig
from edge_agent.doctor.machine_look import (
    look_at_clock,
    look_at_identity,
    look_at_service,
    look_at_sockets,
    parse_service,
)
from edge_agent.link_test.judge import Now
from protocols.metering.instant import ClockState
from tests.edge_agent.tls_central import make_certificates

NOW = Now(1_800_000_000, ClockState.SYNCHRONISED)
SHOWN = "Result=exit-code\nNRestarts=3\nLoadState=loaded\nActiveState=activating\n"


def test_a_battery_backed_clock(tmp_path) -> None:
    """A device of the kernel; none where it has the class without one; else not known."""
    assert look_at_clock(NOW, 0, tmp_path).has_rtc is None
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_text("Raspberry Pi 4")
    assert look_at_clock(NOW, 0, tmp_path).has_rtc is False
    (tmp_path / "sys/class/rtc/rtc0").mkdir(parents=True)
    assert look_at_clock(NOW, 0, tmp_path).has_rtc is True


def test_whether_it_was_ever_set(tmp_path) -> None:
    """A date before this program was written is none."""
    assert look_at_clock(NOW, 0, tmp_path).was_set
    assert not look_at_clock(NOW._replace(utc_s=0), 0, tmp_path).was_set


def test_our_own_certificate(tmp_path) -> None:
    """Its dates; nothing where there is none."""
    make_certificates(tmp_path, (-3, 4))
    begin_s, end_s = look_at_identity(tmp_path / "server.pem") or (0, 0)
    assert end_s - begin_s == 7 * 86_400
    assert look_at_identity(None) is None
    assert look_at_identity(tmp_path / "none.pem") is None
    (tmp_path / "empty.pem").touch()
    assert look_at_identity(tmp_path / "empty.pem") is None


def test_sockets(tmp_path) -> None:
    """Those that are there, where the configuration names a group."""
    control = ControlConfig(tmp_path, read_group="gas")
    assert look_at_sockets(control) == ()
    control.read_socket.touch()
    ((path, group, wanted),) = look_at_sockets(control)
    assert (path, wanted) == (str(control.read_socket), "gas")
    assert group == grp.getgrgid(control.read_socket.stat().st_gid).gr_name
    assert look_at_sockets(ControlConfig(tmp_path)) == ()


def test_a_unit() -> None:
    """What `systemctl show` prints; a unit that is not there is none."""
    found = parse_service(SHOWN, "edge-agent.service")
    assert found is not None
    assert (found.state, found.result, found.restarts) == ("activating", "exit-code", 3)
    for text in ("", SHOWN.replace("loaded", "not-found")):
        assert parse_service(text, "edge-agent.service") is None


@pytest.mark.parametrize("status", [0, 1])
def test_the_command_is_asked(tmp_path, status: int) -> None:
    """What it prints counts; without it there is no service."""
    script = tmp_path / "systemctl"
    script.write_text(f"#!/bin/sh\nprintf '{SHOWN}'\nexit {status}\n")
    script.chmod(0o755)
    assert look_at_service(str(script)) is not None
    assert look_at_service(str(tmp_path / "none")) is None
