"""A port for a tool: lent by the running agent where that owns it, and given back in any case."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from edge_agent.bus.port import Names, PortGone, find_port
from edge_agent.control.client import NoAgent, ask_agent
from edge_agent.control.protocol import Call

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, BusConfig

MAX_SECONDS: Final = 3_600


class CannotUse(Exception):  # noqa: N818 - what was found is the name
    """A bus or port that cannot be used now; says why and the remedy."""


def ask_take(
    config: AgentConfig, bus: str, seconds: int, who: str, reason: str, *, pid: int = 0
) -> Mapping[str, object]:
    """The agent's answer. `pid`: of a program that has it, and with which the loan ends.

    Raises NoAgent, SocketError.
    """
    assert config.control is not None  # every file has the section or its defaults
    fields = {"bus": bus, "seconds": seconds, "who": who, "reason": reason, "pid": pid}
    return ask_agent(config.control.act_socket, Call("take", fields))


def ask_release(config: AgentConfig, bus: str, *, pid: int = 0) -> Mapping[str, object]:
    """The agent's answer. `pid`: only what that program took. Raises NoAgent, SocketError."""
    assert config.control is not None
    return ask_agent(config.control.act_socket, Call("release", {"bus": bus, "pid": pid}))


@contextlib.contextmanager
def borrowed(
    config: AgentConfig | None, bus: BusConfig, seconds: int, reason: str
) -> Iterator[bool]:
    """Whether an agent lent it. Raises CannotUse where it refuses, SocketError.

    SIGTERM ends the tool as Ctrl-C does: what is lent is given back.
    """
    name = owner_of(config, bus)
    owner = None if config is None or not name else config
    before = signal.signal(signal.SIGTERM, _interrupt)  # first: no moment may leave it lent
    is_ours = owner is not None  # to be given back, also where it is ended while it asks
    try:
        if owner is not None:
            is_ours = _take(owner, name, seconds, reason)
        yield is_ours
    except _NotLentError as error:
        is_ours = False
        raise CannotUse(str(error)) from error
    finally:
        signal.signal(signal.SIGTERM, before)
        if owner is not None and is_ours:
            with contextlib.suppress(NoAgent):
                ask_release(owner, name, pid=os.getpid())


class _NotLentError(Exception):
    """The agent refuses."""


def _take(config: AgentConfig, name: str, seconds: int, reason: str) -> bool:
    """False where no agent runs. Raises CannotUse where it would be lent for too short a time."""
    try:
        lent_s = min(MAX_SECONDS, max(1, seconds))
        answer = ask_take(config, name, lent_s, user(), reason, pid=os.getpid())
    except NoAgent:
        return False
    if not answer.get("ok"):
        raise _NotLentError(f"{answer.get('error')}")
    if seconds > MAX_SECONDS:
        raise CannotUse(
            f"this may take {seconds // 60} min, and a bus is lent for an hour at most:"
            " ask fewer units, rates or parities"
        )
    return True


def owner_of(config: AgentConfig | None, bus: BusConfig) -> str:
    """The name of the configured bus that uses this port or peer; "" where none does."""
    for one in config.buses if config is not None else ():
        if bus.is_serial and one.is_serial and same_port(one.port, bus.port):
            return one.name
        if not (bus.is_serial or one.is_serial) and _same_peer(one, bus):
            return one.name
    return ""


def same_port(one: str, other: str) -> bool:
    """Whether two names, links or patterns lead to the same port."""
    paths = [find_port(one), find_port(other)]
    if any(isinstance(path, PortGone) for path in paths):
        return one == other
    return len({os.path.realpath(str(path)) for path in paths}) == 1


def _same_peer(one: BusConfig, other: BusConfig) -> bool:
    """By whatever name: a device may serve one client only, and that is the agent."""
    if one.tcp_port != other.tcp_port:
        return False
    if one.host == other.host:
        return True
    addresses = [Names().look_up(host) for host in (one.host, other.host)]
    return addresses[0] is not None and addresses[0] == addresses[1]


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
