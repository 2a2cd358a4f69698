"""To a device without an agent: under the lock, by its port; never beside an agent."""

from pathlib import Path

import pytest

from edge_agent.bus.link import Link
from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.bus_tools.talk import device_named, talking
from edge_agent.state_lock import state_lock
from tests.edge_agent.gateway import config_of


def test_alone(tmp_path: Path) -> None:
    """The link itself, which is closed at the end."""
    config = config_of(tmp_path)
    with talking(config, device_named(config, "t-1")) as talk:
        assert isinstance(talk, Link)


def test_an_agent_that_cannot_be_asked(tmp_path: Path) -> None:
    """It holds the lock, but its socket is not for us: told, with the remedy."""
    config = config_of(tmp_path)
    device = device_named(config, "t-1")
    with (
        state_lock(config.state_dir),
        pytest.raises(CannotUse, match="you need the socket's group"),
        talking(config, device),
    ):
        raise AssertionError("two masters")


def test_no_such_device(tmp_path: Path) -> None:
    """Told with those that there are."""
    with pytest.raises(CannotUse, match="no device 'x'; there are: meter-1"):
        device_named(config_of(tmp_path), "x")
