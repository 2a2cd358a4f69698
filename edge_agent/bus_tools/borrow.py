"""A port for a tool: lent by the running agent where that owns it, and given back in any case."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from edge_agent.bus.port import PortGone, find_port
from edge_agent.control.client import NoAgent, ask_agent
from edge_agent.control.protocol import Call

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, BusConfig

MAX_SECONDS: Final = 3_600


class CannotUse(Exception):  # noqa: N818 - what was found is the name
    """A bus or port that cannot be used now; says why and the remedy."""


def ask_take(
    config: AgentConfig, bus: str, seconds: int, who: str, reason: str
) -> Mapping[str, object]:
    """The agent's answer. Raises NoAgent, SocketError."""
    assert config.control is not None  # every file has the section or its defaults
    fields = {"bus": bus, "seconds": seconds, "who": who, "reason": reason}
    return ask_agent(config.control.act_socket, Call("take", fields))


def ask_release(config: AgentConfig, bus: str) -> Mapping[str, object]:
    """The agent's answer. Raises NoAgent, SocketError."""
    assert config.control is not None
    return ask_agent(config.control.act_socket, Call("release", {"bus": bus}))


@contextlib.contextmanager
def borrowed(
    config: AgentConfig | None, bus: BusConfig, seconds: int, reason: str
) -> Iterator[bool]:
    """Whether an agent lent it. Raises CannotUse where it refuses, SocketError.

    SIGTERM ends the tool as Ctrl-C does: what is lent is given back.
    """
    name = owner_of(config, bus)
    is_lent = False
    if config is not None and name:
        with contextlib.suppress(NoAgent):
            answer = ask_take(config, name, min(MAX_SECONDS, max(1, seconds)), user(), reason)
            is_lent = bool(answer.get("ok"))
            if is_lent and seconds > MAX_SECONDS:
                ask_release(config, name)
                raise CannotUse(
                    f"this may take {seconds // 60} min, and a bus is lent for an hour at most:"
                    " ask fewer units, rates or parities"
                )
            if not is_lent:
                raise CannotUse(f"{answer.get('error')}")
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield is_lent
    finally:
        signal.signal(signal.SIGTERM, before)
        if config is not None and is_lent:
            with contextlib.suppress(NoAgent):
                ask_release(config, name)


def owner_of(config: AgentConfig | None, bus: BusConfig) -> str:
    """The name of the configured bus that uses this port or peer; "" where none does."""
    for one in config.buses if config is not None else ():
        if bus.is_serial and one.is_serial and same_port(one.port, bus.port):
            return one.name
        if not bus.is_serial and (one.host, one.tcp_port) == (bus.host, bus.tcp_port):
            return one.name
    return ""


def same_port(one: str, other: str) -> bool:
    """Whether two names, links or patterns lead to the same port."""
    paths = [find_port(one), find_port(other)]
    if any(isinstance(path, PortGone) for path in paths):
        return one == other
    return len({os.path.realpath(str(path)) for path in paths}) == 1


def user() -> str:
    """Who runs this program, for the log; a claim like any other."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def bus_named(config: AgentConfig, name: str) -> BusConfig:
    """Raises CannotUse where there is none."""
    for bus in config.buses:
        if bus.name == name:
            return bus
    known = ", ".join(bus.name for bus in config.buses)
    raise CannotUse(f"no bus {name!r}; there are: {known}")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
