"""[control], and a device's clock, archives and limits for writing."""

from __future__ import annotations

import grp
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edge_agent.commands.check_command import check_lines
from edge_agent.config.control import MAX_SOCKET_DIR
from edge_agent.config.file import ConfigErrors, parse_config
from edge_agent.config.model import DeviceConfig
from edge_agent.language import load_words
from tests.edge_agent.gateway import config_of, table, write_ca

WORDS = load_words("edge_agent.commands", chinese=False)
MINE = grp.getgrgid(os.getgid()).gr_name


def changed(device: dict[str, Any] | None = None, **control: Any) -> dict[str, Any]:
    """The test gateway with a UNIFLO in place of nobody, on a bus of its own unit ids."""
    made = table()
    made["device"].append(
        {"name": "uniflo", "bus": "line-1", "unit": 20, "profile": "flonidan-uniflo1200"}
        | {"serial": "U1", "poll_seconds": 10}
        | (device or {})
    )
    if control:
        made["control"] = control
    return made


def uniflo(directory: Path, **device: Any) -> DeviceConfig:
    found = config_of(directory, changed(device)).devices
    return next(one for one in found if one.name == "uniflo")


def faults_of(directory: Path, made: dict[str, Any]) -> list[str]:
    write_ca(directory)
    with pytest.raises(ConfigErrors) as caught:
        parse_config(made, directory / "gateway.toml")
    return [str(fault) for fault in caught.value.faults]


def test_by_default_nothing_is_written(tmp_path: Path) -> None:
    """Sockets lie in the state directory, of nobody's group; clocks are read each hour."""
    config = config_of(tmp_path, changed())
    assert config.control is not None
    assert config.control.writes is False
    assert config.control.read_socket == tmp_path / "state/control/read.sock"
    assert config.control.act_socket == tmp_path / "state/control/act.sock"
    device = uniflo(tmp_path)
    assert (device.clock_ms, device.clock_limit_ms, device.clock_zone) == (3_600_000, 60_000, "")
    assert device.archives == ("daily",)
    assert device.write_limits == {}


def test_the_packaged_gateway_has_its_sockets_where_its_groups_reach_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the package's state directory: in /run, of the package's groups where there are such;
    what the file says counts more."""
    monkeypatch.setattr("edge_agent.config.control.READERS", MINE)
    monkeypatch.setattr("edge_agent.config.control.WRITERS", "no-such-group")
    made = changed()
    made["gateway"]["state_dir"] = "/var/lib/edge-agent"
    control = config_of(tmp_path, made).control
    assert control is not None
    assert control.read_socket == Path("/run/edge-agent/read.sock")
    assert (control.read_group, control.act_group) == (MINE, "")
    made["control"] = {"dir": "sockets"}
    control = config_of(tmp_path, made).control
    assert control is not None
    assert control.directory == tmp_path / "sockets"
    assert (control.read_group, control.act_group) == ("", "")


def test_what_the_file_says_is_taken(tmp_path: Path) -> None:
    """Groups by name, directory from the file, seconds in ms, limits as decimals."""
    made = changed(
        {
            "clock_seconds": 600, "clock_limit_seconds": 5, "clock_zone": "Etc/GMT-8",
            "archives": ["interval", "daily"],
            "write_limits": {"press_low_limit": [1, Decimal("2.50")]},
        },
        dir="sockets", read_group=MINE, act_group=MINE, writes=True,
    )  # fmt: skip
    config = config_of(tmp_path, made)
    assert config.control is not None
    assert config.control.directory == tmp_path / "sockets"
    assert (config.control.read_group, config.control.act_group) == (MINE, MINE)
    assert config.control.writes
    device = config.devices[-1]
    assert (device.clock_ms, device.clock_limit_ms) == (600_000, 5_000)
    assert device.archives == ("interval", "daily")
    assert device.write_limits == {"press_low_limit": ("1", "2.50")}
    assert uniflo(tmp_path, read_archives=False).archives == ()
    assert uniflo(tmp_path, clock_seconds=0).clock_ms == 0


def test_many_archives_are_read_only_by_name(tmp_path: Path) -> None:
    """A flow computer of eight runs has tables of other runs too."""
    rockwell = {"profile": "rockwell-1758-flo", "name": "flo"}
    made = changed(rockwell)
    assert config_of(tmp_path, made).devices[-1].archives == ()
    made = changed(rockwell | {"archives": ["hourly_r3"]})
    assert config_of(tmp_path, made).devices[-1].archives == ("hourly_r3",)


@pytest.mark.parametrize(
    ("device", "fault"),
    [
        ({"clock_seconds": 9}, "clock_seconds: is below 10"),
        ({"clock_limit_seconds": 0}, "clock_limit_seconds: 0 is out of range"),
        ({"clock_zone": "Mars/Base"}, "clock_zone:"),
        ({"archives": ["hourly"]}, "archives: flonidan-uniflo1200 has no archive 'hourly'"),
        ({"archives": []}, "archives: has 0 entries"),
        ({"read_archives": 1}, "read_archives: is a number"),
        ({"write_limits": {"pressure": [1, 2]}}, "lets nobody write 'pressure'"),
        ({"write_limits": {"press_low_limit": [2, 1]}}, "press_low_limit has no two limits"),
        ({"write_limits": {"press_low_limit": [1]}}, "press_low_limit has no two limits"),
        ({"write_limits": {"press_low_limit": [True, 2]}}, "press_low_limit has no two limits"),
        ({"write_limits": {"press_low_limit": [Decimal("nan"), 2]}}, "has no two limits"),
    ],
)
def test_faults_of_a_device(tmp_path: Path, device: dict[str, Any], fault: str) -> None:
    """By field, with the remedy."""
    [told] = faults_of(tmp_path, changed(device))
    assert told.startswith("device[uniflo].")
    assert fault in told


@pytest.mark.parametrize(
    ("control", "fault"),
    [
        ({"writes": "yes"}, "control.writes: is a text"),
        ({"read_group": "no-such-group-here"}, "control.read_group: no group"),
        ({"act_group": "A B"}, "control.act_group:"),
        ({"dir": "d" * MAX_SOCKET_DIR}, "too long for a socket"),
        ({"write": True}, "control.write: is no known key; did you mean writes?"),
    ],
)
def test_faults_of_control(tmp_path: Path, control: dict[str, Any], fault: str) -> None:
    """By field, with the remedy."""
    [told] = faults_of(tmp_path, changed(**control))
    assert fault in told


def test_check_shows_what_is_read_and_written_beside_the_polls(tmp_path: Path) -> None:
    """So that nobody is surprised by a request or a write."""
    config = config_of(tmp_path, changed({"archives": ["daily"]}, writes=True))
    lines = list(check_lines(config, WORDS))
    assert "    archive daily for a gap, clock each 3600 s, 60 s allowed" in lines
    assert any(line.startswith("control: sockets in") for line in lines)
    told = " ".join(lines)
    assert "writes allowed" in told
    assert "writes off" in " ".join(check_lines(config_of(tmp_path, changed()), WORDS))
