"""Everything that a diagnosis needs, collected: agent, file, machine, ports, the way to central.

What cannot be looked at is said in `Host.unknown`, with the reason; nothing is guessed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.acts.due_command import date_of
from edge_agent.acts.kept import Kept, of_json
from edge_agent.acts.routes import Notices
from edge_agent.control.client import Conversation, NoAgent, SocketError
from edge_agent.control.protocol import Call
from edge_agent.doctor.causes import BUS_CAUSES, parse_causes
from edge_agent.doctor.config_look import find_config
from edge_agent.doctor.disk_look import look_at_disk, look_at_state, may_look
from edge_agent.doctor.events_look import STEP, recent_events
from edge_agent.doctor.host import AgentState, Host, Peer, PortFacts, State, Told
from edge_agent.doctor.machine_look import (
    look_at_clock,
    look_at_identity,
    look_at_service,
    look_at_sockets,
)
from edge_agent.doctor.own_look import look_alone
from edge_agent.doctor.ports_look import look_at_peer, look_at_port
from edge_agent.doctor.serials_look import read_serials
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.reader import ReadFailed
from edge_agent.journal.sharing import why_not
from edge_agent.link_test.command import now_of, own_of
from edge_agent.link_test.judge import Now
from edge_agent.link_test.modem import read_modem
from edge_agent.link_test.network import read_network
from edge_agent.link_test.step import Step
from edge_agent.link_test.tour import Surroundings, judge_windows, target_of, tour
from edge_agent.observe.machine import Machine
from edge_agent.state_lock import AlreadyRunning
from edge_agent.status.model import Snapshot, SnapshotError, snapshot_of
from edge_agent.uplink.resolver import Resolver
from protocols.modbus.diagnosis import Cause, Likely

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

Progress = Callable[[str], None]
ANSWER_S: Final = 10.0
_SERIAL: Final = ("rtu", "ascii")
_TRIED: Final = (Cause.LINE_DEAD, Cause.NOISE)
"""Over a network these may come of a peer that serves one client only: it is tried."""


NO_CAUSES: Final[Mapping[str, tuple[Likely, ...]]] = {}


class Wanted(NamedTuple):
    """`deep`: what takes long or asks the devices; `bus`: only this one, and not the link."""

    deep: bool = False
    bus: str = ""
    root: Path = Path("/")


class Asked(NamedTuple):
    """What became of asking the agent."""

    state: AgentState
    error: str = ""
    snapshot: Snapshot | None = None
    causes: Mapping[str, tuple[Likely, ...]] = NO_CAUSES
    acts: Kept = Kept()


class Looked(NamedTuple):
    """All that `diagnose` takes."""

    snapshot: Snapshot | None
    config: AgentConfig | None
    host: Host


def look(path: Path, wanted: Wanted, progress: Progress) -> Looked:
    """`path`: of gateway.toml; `progress` hears of each part before it is looked at."""
    found = find_config(path)
    config = found.config
    if config is None:  # it does not even say where to ask
        host = Host(AgentState.RUNS, config_path=str(path), config_faults=found.faults)
        return Looked(None, None, host)
    progress("agent")
    asked = ask(config)
    unknown: list[str] = []
    if asked.state is AgentState.NONE:
        progress("bus")
        asked = _alone(config, asked, unknown)
    snapshot = asked.snapshot
    progress("disk")
    now = now_of(config)
    state = _state(config.state_dir, now, wanted, unknown)
    events = _events(config, now, unknown)
    machine = Machine(config.state_dir, wanted.root)
    ports, peers = _ports(config, asked, wanted)
    link: tuple[Step, ...] = ()
    if not wanted.bus:
        progress("link")
        link = look_at_link(config, now)
    host = Host(
        agent=asked.state,
        agent_error=asked.error,
        config_path=str(path),
        config_faults=found.faults,
        config_hash="" if found.is_earlier else config.hash().hex(),
        disk=look_at_disk(config.state_dir),
        state=state,
        clock=look_at_clock(now, _step_s(events), wanted.root),
        ports=ports,
        peers=peers,
        causes=asked.causes,
        link=link,
        identity=look_at_identity(config.central.client_certificate),
        sockets=look_at_sockets(config.control) if config.control else (),
        service=look_at_service(),
        health=machine.health(),
        backups=machine.backups(),
        events=events,
        serials=read_serials(config, progress, unknown) if wanted.deep else {},
        acts=asked.acts if asked.state is AgentState.RUNS else Notices(config.state_dir).read(),
        today=date_of(config),
        unknown=tuple(unknown),
    )
    return Looked(snapshot, config, host)


# ---- the agent ----------------------------------------------------------------------------------


def _acts(answer: Mapping[str, object]) -> Kept:
    """Of an agent that knows nothing of it: nothing."""
    try:
        return of_json(answer)
    except ValueError:
        return Kept()


def ask(config: AgentConfig, answer_s: float = ANSWER_S) -> Asked:
    """Its snapshot and the causes that it sees; one that hangs is not waited for long."""
    control = config.control
    assert control is not None  # every file has the section or its defaults
    try:
        with Conversation(control.read_socket, answer_s) as agent:
            snapshot = snapshot_of(agent.ask(Call("status")))
            causes = parse_causes(agent.ask(Call(BUS_CAUSES)))
            acts = _acts(agent.ask(Call("acts")))
    except NoAgent:
        if _is_locked(config.state_dir):
            return Asked(AgentState.DEAF, f"nobody listens at {control.read_socket}")
        return Asked(AgentState.NONE)
    except SocketError as error:
        is_ours = not isinstance(error.__cause__, PermissionError)
        return Asked(AgentState.DEAF if is_ours else AgentState.REFUSES, str(error))
    except (SnapshotError, ValueError) as error:
        return Asked(AgentState.DEAF, str(error))
    return Asked(AgentState.RUNS, "", snapshot, causes, acts)


def _is_locked(state_dir: Path) -> bool:
    """Whether somebody holds the state's lock; it is not taken."""
    try:
        descriptor = os.open(state_dir / "agent.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _alone(config: AgentConfig, asked: Asked, unknown: list[str]) -> Asked:
    """What can be told without an agent; where not even that may be done, the reason."""
    if not config.state_dir.is_dir():
        return asked  # nothing was ever here: it is a finding of its own
    try:
        snapshot, causes = look_alone(config)
    except AlreadyRunning as error:
        return Asked(AgentState.DEAF, str(error))
    except OSError as error:
        where = f"{error.strerror}: {error.filename or config.state_dir}"
        unknown.append(f"buses: {where if error.strerror else error}")
        return asked
    return asked._replace(snapshot=snapshot, causes=causes)


# ---- the machine --------------------------------------------------------------------------------


def _state(state_dir: Path, now: Now, wanted: Wanted, unknown: list[str]) -> State:
    if not may_look(state_dir):
        unknown.append(why_not(state_dir / FILE_NAME))
        return State()
    return look_at_state(state_dir, now.utc_s, deep=wanted.deep)


def _events(config: AgentConfig, now: Now, unknown: list[str]) -> tuple[Told, ...]:
    if not may_look(config.state_dir):
        return ()
    try:
        return recent_events(config.state_dir / FILE_NAME, config.gateway, now.utc_s)
    except (ReadFailed, OSError) as error:
        unknown.append(f"events: {error}")
        return ()


def _step_s(events: tuple[Told, ...]) -> int:
    return next((int(event.detail) for event in reversed(events) if event.code == STEP), 0)


def _ports(
    config: AgentConfig, asked: Asked, wanted: Wanted
) -> tuple[Mapping[str, PortFacts], Mapping[str, Peer]]:
    """Serial ports always; TCP peers where the agent has no use of its connection."""
    uid = _agent_uid(config.state_dir)
    ports: dict[str, PortFacts] = {}
    peers: dict[str, Peer] = {}
    states = {} if asked.snapshot is None else {bus.name: bus for bus in asked.snapshot.buses}
    for bus in config.buses:
        if wanted.bus not in ("", bus.name):
            continue
        if bus.kind in _SERIAL:
            ports[bus.name] = look_at_port(bus, uid, wanted.root)
            continue
        seen = states.get(bus.name)
        causes = asked.causes.get(bus.name, ())
        if (seen is None or seen.state == "gone") or any(one.cause in _TRIED for one in causes):
            peers[bus.name] = look_at_peer(bus)
    return ports, peers


def _agent_uid(state_dir: Path) -> int:
    """Whose the state is runs the agent."""
    try:
        return state_dir.stat().st_uid
    except OSError:
        return os.geteuid()


def look_at_link(config: AgentConfig, now: Now) -> tuple[Step, ...]:
    """The way to central, walked once; outside the windows it is not walked."""
    window = judge_windows(config.central, 1000 * now.utc_s)
    if window is not None:
        return (window,)
    around = Surroundings(read_network(), read_modem(), now)
    return tuple(tour(target_of(config.central), own_of(config), around, Resolver()))
