"""Whose port it is, whatever name leads to it."""

from pathlib import Path

import pytest

from edge_agent.bus_tools.borrow import CannotUse, borrowed, bus_named, owner_of, same_port
from edge_agent.config.model import BusConfig
from tests.edge_agent.gateway import config_of


@pytest.fixture
def config(tmp_path: Path):
    """line-1 is a link to a port, lan a TCP peer."""
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "line-1").symlink_to(tmp_path / "ttyUSB0")
    return config_of(tmp_path)


def test_a_port_by_another_name(config, tmp_path: Path) -> None:
    """A link, a pattern and the port itself are one."""
    for name in ("ttyUSB0", "line-1", "ttyUSB*", "line-?"):
        assert owner_of(config, BusConfig("x", "rtu", port=str(tmp_path / name))) == "line-1"
    assert owner_of(config, BusConfig("x", "rtu", port=str(tmp_path / "ttyUSB1"))) == ""
    assert owner_of(config, BusConfig("x", "tcp", host="127.0.0.1", tcp_port=1)) == "lan"
    assert owner_of(config, BusConfig("x", "tcp", host="127.0.0.1", tcp_port=2)) == ""
    assert owner_of(config, BusConfig("x", "rtu-over-tcp", host="127.1", tcp_port=1)) == "lan"
    assert owner_of(config, BusConfig("x", "tcp", host="127.0.0.2", tcp_port=1)) == ""
    assert owner_of(None, BusConfig("x", "rtu", port="p")) == ""
    assert same_port("/none/*", "/none/*")
    assert not same_port("/none/*", "/none")


def test_a_bus_by_its_name(config) -> None:
    """Or those that there are."""
    assert bus_named(config, "lan").kind == "tcp"
    with pytest.raises(CannotUse, match="no bus 'x'; there are: line-1, lan"):
        bus_named(config, "x")


def test_without_an_agent_nothing_is_lent(config) -> None:
    """The port is the tool's."""
    with borrowed(config, config.buses[0], 10, "test") as is_lent:
        assert not is_lent
