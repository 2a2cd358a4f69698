"""What the journal thread knows between two ticks: immutable, and what the last commit stored.

A tick makes a new one beside it; if its commit fails, the new one is dropped and nothing has moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from edge_agent.journal.device_memory import DeviceMemory
from protocols.evidence.cbor import Body
from protocols.evidence.leaf import Log
from protocols.evidence.merkle import EMPTY, Frontier
from protocols.metering.gas_data import GasData
from protocols.metering.instant import Instant
from protocols.metering.regulator_state import RegulatorState
from protocols.metering.run import RunState
from protocols.metering.run_config import RunConfig

LOGS: Final = (Log.BILLING, Log.TELEMETRY)


class LogHead(NamedTuple):
    """Where a log ends."""

    epoch: int
    frontier: Frontier

    @property
    def size(self) -> int:
        """Number of leaves, which is the seq of the next one."""
        return self.frontier.size


class RunMemory(NamedTuple):
    """One meter run: its configuration, its pipeline's state, whether it is configured now."""

    config: RunConfig
    state: RunState
    active: bool


class AlarmTold(NamedTuple):
    """A condition that an event said is on: when, and the event's detail."""

    since: Instant
    detail: str


class ClockRelation(NamedTuple):
    """What the last CLOCK leaf said: UTC less CLOCK_BOOTTIME in ms, None where UTC is unknown."""

    boot_no: int
    offset_ms: int | None
    state: int


class OrderState(StrEnum):
    """How far an order of central is. LATE and UNSYNCHRONISED wait too, and were told as such."""

    WAITING = "waiting"
    LATE = "late"
    UNSYNCHRONISED = "unsynchronised"
    IN_FORCE = "in_force"


class HeldOrder(NamedTuple):
    """Gas data that central sent, with the signed note itself.

    `file_hash`: of the file's gas of that name when the order came into force; while the file says
    the same, the order holds.
    """

    number: int
    note: bytes
    gas: GasData
    state: OrderState = OrderState.WAITING
    file_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it. `configuration` is the body of the gateway's own configuration, None before the
    first start; `maps` are the (serial, hash) of the register maps that are in the log;
    `regulators` are the states of those that are watched; `orders`, by number, are those that wait
    or are in force, `order_number` is the highest that was ever received; `devices`: their clocks
    and archives. `stored_ms`: what was polled before it in this boot is stored, or told as lost;
    what was polled since may be in memory yet. `running`: an agent started and did not stop;
    `ended` is then, after a load, its boot and its `stored_ms`.
    """

    gateway: str
    boot_id: str
    boot_no: int
    heads: Mapping[Log, LogHead]
    runs: Mapping[str, RunMemory]
    maps: frozenset[tuple[str, bytes]] = frozenset()
    configuration: Body | None = None
    clock: ClockRelation | None = None
    regulators: Mapping[str, RegulatorState] = field(default_factory=dict)
    orders: Mapping[int, HeldOrder] = field(default_factory=dict)
    order_number: int = 0
    devices: DeviceMemory = field(default_factory=DeviceMemory)
    changing: frozenset[str] = frozenset()  # runs; not stored: a start changes them at once
    disk: frozenset[str] = frozenset()  # conditions of the disk that were told; not stored
    running: bool = False
    # conditions that went on since the start, by code and subject; not stored: the log has them
    alarms: Mapping[tuple[str, str], AlarmTold] = field(default_factory=dict, compare=False)
    ended: tuple[int, int] | None = field(default=None, compare=False)
    stored_ms: int = field(default=0, compare=False)

    def counts(self) -> tuple[int, ...]:
        """How many rows are remembered of each kind: a row that vanished is missed by it."""
        devices = self.devices
        kinds = (
            *(self.runs, self.maps, self.regulators, self.orders),
            *(devices.clocks, devices.gaps, devices.marks),
        )
        return tuple(len(kind) for kind in kinds)


def first_memory(gateway: str, boot_id: str, epoch: int = 0) -> Memory:
    """Of a journal that never recorded anything."""
    return Memory(gateway, boot_id, 0, {log: LogHead(epoch, EMPTY) for log in LOGS}, {})


class NewLeaf(NamedTuple):
    """A leaf's bytes at their place, and their hash."""

    log: Log
    seq: int
    data: bytes
    hash: bytes


class Tick(NamedTuple):
    """What one transaction stores: the leaves, and how the memory changes with them."""

    leaves: tuple[NewLeaf, ...]
    before: Memory
    after: Memory
    last_mono_ms: int


class Settled(NamedTuple):
    """A batch with its receipt, which its rows may become; the tree's frontiers around it."""

    log: Log
    epoch: int
    before: Frontier
    after: Frontier
    upload: bytes
    checkpoint: bytes
    receipt: bytes
    receipt_time_s: int


class Gone(NamedTuple):
    """Unreceipted leaves `first` .. `end` - 1 of a log, whose rows become a hole."""

    log: Log
    epoch: int
    first: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.first


class RowChange(NamedTuple):
    """What becomes of unreceipted rows beside what is appended: some go, their hashes stay.

    `hashes`: of rows of `log` whose leaf is whole and whose stored hash is not.
    """

    gone: tuple[Gone, ...] = ()
    log: Log = Log.TELEMETRY
    hashes: tuple[tuple[int, bytes], ...] = ()
