"""To one device, request by request: through the running agent, or by its port where none runs."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from edge_agent.bus.link import Answer, Link
from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.bus_tools.raw_route import RAW, from_json
from edge_agent.control.client import ask_agent
from edge_agent.control.protocol import Call
from edge_agent.state_lock import AlreadyRunning, state_lock

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, DeviceConfig
    from protocols.modbus.answer import Asked


class Talk(Protocol):
    """Asks; `frames` are the bytes of the newest exchange, sent and heard."""

    frames: tuple[bytes, bytes]

    def exchange(self, asked: Asked) -> Answer: ...


class AgentTalk:
    """By jobs on the agent's bus."""

    def __init__(self, config: AgentConfig, device: DeviceConfig) -> None:
        assert config.control is not None  # every file has the section or its defaults
        self.frames = (b"", b"")
        self._path = config.control.read_socket
        self._device = device

    def exchange(self, asked: Asked) -> Answer:
        """Raises SocketError, NoAgent where it has ended meanwhile."""
        from protocols.modbus.frames import Request

        assert isinstance(asked, Request)  # nothing here writes
        fields: dict[str, object] = {
            "device": self._device.name,
            "bank": asked.unit - self._device.unit,
            "function": asked.function,
            "address": asked.address,
            "count": asked.count,
            "register_bytes": asked.register_bytes,
        }
        told = from_json(ask_agent(self._path, Call(RAW, fields)))
        self.frames = told.frames
        return told.answer


@contextlib.contextmanager
def talking(config: AgentConfig, device: DeviceConfig) -> Iterator[Talk]:
    """Raises CannotUse where an agent runs that cannot be asked."""
    if _listens(config):
        yield AgentTalk(config, device)
        return
    bus = next(bus for bus in config.buses if bus.name == device.bus)
    try:
        with state_lock(config.state_dir):
            link = Link(bus)
            try:
                yield link
            finally:
                link.close()
    except AlreadyRunning as error:
        raise CannotUse(
            f"an agent runs on {config.state_dir}, but its socket does not let us ask:"
            " you need the socket's group (see [control])"
        ) from error


def device_named(config: AgentConfig, name: str) -> DeviceConfig:
    """Raises CannotUse where there is none."""
    for device in config.devices:
        if device.name == name:
            return device
    known = ", ".join(device.name for device in config.devices)
    raise CannotUse(f"no device {name!r}; there are: {known[:500]}")


def _listens(config: AgentConfig) -> bool:
    assert config.control is not None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(config.control.read_socket)) == 0
