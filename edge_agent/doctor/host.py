"""What was found on this machine, as values: the shell (`look.py` and others) fills them in.

None means everywhere: it could not be told, and `Host.unknown` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from edge_agent.acts.kept import Kept
from edge_agent.link_test.step import Step
from edge_agent.observe.machine import Backup, Health
from protocols.metering.instant import ClockState
from protocols.modbus.diagnosis import Likely


class AgentState(StrEnum):
    """Whether an agent was asked, and what became of it."""

    RUNS = "runs"
    NONE = "none"  # nobody listens, nobody holds the state's lock
    DEAF = "deaf"  # the lock is held, but nobody listens
    REFUSES = "refuses"  # the socket is not ours to use


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system of the state directory. `error`: why it could not be looked at."""

    path: str
    free_bytes: int = 0
    total_bytes: int = 0
    free_inodes: int = 1
    total_inodes: int = 0
    is_read_only: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Aside:
    """A damaged journal that was put aside: why, and whether all that is readable was read."""

    path: str
    reason: str
    is_read: bool
    age_s: int


@dataclass(frozen=True, slots=True)
class State:
    """The state directory. `wrong`: files with their trouble: (path, code, words)."""

    wrong: tuple[tuple[str, str, str], ...] = ()
    aside: tuple[Aside, ...] = ()
    standstill: str = ""  # why nothing is sent any more
    journal_error: str = ""  # of the deep look: what of the journal cannot be read


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """`floor_s`: UTC that has passed for sure by central's receipts, 0 where unknown. `has_rtc`:
    None where the machine does not tell. `stepped_s`: the last step of this boot, by the log."""

    utc_s: int
    state: ClockState
    floor_s: int = 0
    has_rtc: bool | None = None
    was_set: bool = True
    stepped_s: int = 0


@dataclass(frozen=True, slots=True)
class PortFacts:
    """A serial port as it is on this machine. `path`: "" where a pattern fits none or several.

    `may_open`: by the user that runs the agent; `holders`: programs that hold it, not the agent.
    """

    path: str
    reason: str = ""
    exists: bool = True
    is_port: bool = True
    may_open: bool = True
    user: str = ""
    group: str = ""
    holders: tuple[str, ...] = ()


class Peer(StrEnum):
    """What a TCP peer did with a connection of ours."""

    TAKES = "takes"
    CLOSES = "closes"  # at once: it serves others, or not us
    REFUSES = "refuses"
    SILENT = "silent"
    NO_NAME = "no_name"
    NO_ROUTE = "no_route"


@dataclass(frozen=True, slots=True)
class Service:
    """The systemd unit, where there is one. `state`: active, failed, inactive, activating."""

    unit: str
    state: str
    result: str
    restarts: int


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the log that still matters: its code, of whom, its age and detail."""

    code: str
    subject: str
    age_s: int
    detail: str


@dataclass(frozen=True, slots=True)
class Host:
    """All of it."""

    agent: AgentState
    agent_error: str = ""
    config_path: str = ""
    config_faults: tuple[str, ...] = ()
    config_hash: str = ""  # of the file, where it can be read
    disk: Disk | None = None
    state: State = State()
    clock: ClockFacts | None = None
    ports: Mapping[str, PortFacts] = field(default_factory=dict)  # by bus
    peers: Mapping[str, Peer] = field(default_factory=dict)  # by bus
    causes: Mapping[str, tuple[Likely, ...]] = field(default_factory=dict)  # by bus
    link: tuple[Step, ...] = ()
    identity: tuple[int, int] | None = None  # of the client certificate: from, to, s since 1970
    sockets: tuple[tuple[str, str, str], ...] = ()  # path, its group, the configured one
    service: Service | None = None
    health: Health | None = None
    backups: tuple[Backup, ...] = ()
    events: tuple[Told, ...] = ()
    serials: Mapping[str, str] = field(default_factory=dict)  # as the devices say, deep
    acts: Kept = field(default_factory=Kept)  # due dates and maintenance that people stated
    today: date | None = None  # at the site
    unknown: tuple[str, ...] = ()  # what was not checked, with the reason
