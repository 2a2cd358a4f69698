"""What waits for a tick, and how it becomes one draft."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from edge_agent.bus.polled import PolledScan
from edge_agent.journal.draft import Draft, Salts
from edge_agent.recording.device_recording import Fact, News, Said, forget_devices
from edge_agent.recording.inbox import Work
from edge_agent.recording.losses import record_dropped
from edge_agent.recording.order_recording import change_gas, is_waiting, record_due, record_order
from edge_agent.recording.recording import MapHashes, record_scan, record_start, record_stop
from edge_agent.recording.statement_recording import record_told

if TYPE_CHECKING:
    from edge_agent.bus.poller import Now
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.memory import Memory, Settled
    from edge_agent.recorder.room import Room
    from edge_agent.recording.epoch_opening import Opening
    from edge_agent.recording.key_recording import KeyDesk, Wish
    from protocols.evidence.leaf import Log
    from protocols.evidence.order import Order

ON_ITS_WAY_MS: Final = 2_000  # a scan of before an order's time may still come


class Request:
    """What another thread asks for, and the event that says it is durable."""

    def __init__(
        self,
        settled: Settled | None = None,
        order: tuple[Order, bytes] | None = None,
        facts: Sequence[Fact | Said] = (),
        opening: Opening | None = None,
        wish: Wish | None = None,
        damaged: Log | None = None,
    ) -> None:
        self.settled = settled
        self.order = order  # of central, with its note
        self.facts = facts
        self.opening = opening  # of a new epoch
        self.wish = wish  # for a new log key
        self.has_begun = False
        self.damaged = damaged  # a log whose rows are to be looked at
        self.is_whole = False
        self.done = threading.Event()

    @property
    def is_stop(self) -> bool:
        """None of them: stop recording."""
        asked = (self.settled, self.order, self.facts, self.opening, self.wish, self.damaged)
        return not any(asked)


TickWork = Work[PolledScan | News, Request]
NO_WORK: Final[TickWork] = Work((), None, ())


@dataclass
class TickMaker:
    """Makes drafts behind what the last commit stored; a draft may be made again."""

    config: AgentConfig
    salts: Salts
    clock: Now
    version: str
    room: Room
    hashes: MapHashes = field(default_factory=MapHashes)
    key_desk: KeyDesk | None = None
    first_facts: Sequence[Fact] = ()  # of the first tick
    stopped: bool = False  # nothing comes into force behind the last leaf

    def start(self, memory: Memory) -> Draft:
        """The first tick: start, and what the configuration changed."""
        draft = Draft(memory, self.salts)
        now = self.clock.now()
        if self.key_desk is not None:
            self.key_desk.record_first(draft, now)
        record_start(draft, self.config, now, self.version)
        for fact in self.first_facts:
            record_told(draft, fact, now)
        record_due(draft, self.config, now)
        readable = frozenset(one.serial for one in self.config.devices if one.archives)
        forget_devices(draft, readable, now)
        return draft

    def tick(self, memory: Memory, work: TickWork) -> Draft:
        """All that waits, as leaves behind what the last commit stored."""
        draft = Draft(memory, self.salts)
        now = self.clock.now()
        self.room.look(draft, now)
        if work.dropped is not None:
            record_dropped(draft, work.dropped, now)
        for scan in work.scans:
            if isinstance(scan, PolledScan):
                record_due(draft, self.config, scan.instant)
                record_scan(draft, scan, self.hashes, self.config.regulators)
                change_gas(draft, scan)
            else:
                record_told(draft, scan, self.clock.now())
        if any(request.is_stop for request in work.orders):
            record_stop(draft, self.clock.now())
            self.stopped = True
        self._requests(draft, work)
        return draft

    def _requests(self, draft: Draft, work: TickWork) -> None:
        for request in work.orders:
            for fact in request.facts:
                record_told(draft, fact, fact.instant)
            if request.wish is not None and self.key_desk is not None:
                now, begun = self.clock.now(), request.has_begun
                request.has_begun = self.key_desk.wish(draft, request.wish, now, has_begun=begun)
            if request.order is not None:
                record_order(draft, *request.order, self.config, self.clock.now())
        if is_waiting(draft.orders.values()) and not self.stopped:
            record_due(draft, self.config, self.clock.now(), ON_ITS_WAY_MS)
        if self.key_desk is not None and not self.stopped:
            self.key_desk.record(draft, self.clock.now())
