"""The journal thread: alone it owns the writing connection, the pipelines, `seq` and pruning.

A tick takes the waiting scans, makes leaves of them and steps the runs, and commits all of it in
one transaction. If that fails nothing has moved: the scans still wait, and the same tick is tried
again while the buses go on polling into the bounded queue.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from edge_agent.draft import Draft, Salts
from edge_agent.inbox import Inbox, Work
from edge_agent.journal import CommitFailed
from edge_agent.recording import (
    MapHashes,
    record_lost_scans,
    record_scan,
    record_start,
    record_stop,
)

if TYPE_CHECKING:
    from edge_agent.config import AgentConfig
    from edge_agent.journal import Journal
    from edge_agent.memory import Memory, Settled, Tick
    from edge_agent.poller import Now, PolledScan
    from protocols.evidence.leaf import Log

RETRY_S: Final = 0.5
REPORT_MS: Final = 60_000  # a failure that goes on is told again so often
_log = logging.getLogger(__name__)


class _Order:
    """A request of another thread, and the event that says it is durable."""

    def __init__(self, settled: Settled | None) -> None:
        self.settled = settled  # None: stop recording
        self.done = threading.Event()


class Recorder(threading.Thread):
    """`deliver` takes scans, `settle` receipted batches, `finish` closes the runs and ends it."""

    def __init__(
        self,
        journal: Journal,
        memory: Memory,
        config: AgentConfig,
        salts: Salts,
        clock: Now,
        version: str,
    ) -> None:
        super().__init__(name="recorder", daemon=True)
        self.memory = memory  # of the last commit
        self.on_commit: Callable[[bool, Mapping[Log, int]], None] = lambda urgent, sizes: None
        self._journal = journal
        self._config = config
        self._salts = salts
        self._clock = clock
        self._version = version
        self._hashes = MapHashes()
        self._inbox: Inbox[PolledScan, _Order] = Inbox(config.journal.queue_scans)
        self._give_up = threading.Event()
        self._finished = threading.Event()
        self._reported_ms: int | None = None

    def deliver(self, scan: PolledScan) -> bool:
        """False where the queue is full: the poll is counted, and logged when there is room."""
        return self._inbox.put(scan)

    def settle(self, settled: Settled, timeout_s: float) -> bool:
        """Let the rows become their receipted batch; True when that is durable."""
        return self._order(settled, timeout_s)

    def finish(self, timeout_s: float) -> bool:
        """Close the runs and say so in the log; True when that is durable. Settling goes on."""
        return self._order(None, timeout_s)

    def end(self) -> None:
        """End the thread; what could not be committed by now is given up, and said."""
        self._finished.set()
        self._give_up.set()
        self._inbox.wake()

    def run(self) -> None:
        going_on = self.begin()
        while going_on and not self._finished.is_set():
            self._inbox.wait(self._config.journal.commit_s)
            going_on = self.turn()
        if going_on:
            self.turn()

    def begin(self) -> bool:
        """The first tick: start, and what the configuration changed. False where given up."""
        draft = Draft(self.memory, self._salts)
        record_start(draft, self._config, self._clock.now(), self._version)
        return self._commit(draft, Work((), 0, ()))

    def _order(self, settled: Settled | None, timeout_s: float) -> bool:
        order = _Order(settled)
        return self._inbox.order(order) and order.done.wait(timeout_s)

    def turn(self) -> bool:
        """One tick: all that waits, in one transaction. False where it had to be given up."""
        work = self._inbox.look(self._config.journal.queue_scans)
        if not (work.scans or work.dropped or work.orders):
            return True
        draft = Draft(self.memory, self._salts)
        if work.dropped:
            record_lost_scans(draft, work.dropped, self._clock.now())
        for scan in work.scans:
            record_scan(draft, scan, self._hashes, self._config.regulators)
        if any(order.settled is None for order in work.orders):
            record_stop(draft, self._clock.now())
        return self._commit(draft, work)

    def _commit(self, draft: Draft, work: Work[PolledScan, _Order]) -> bool:
        tick = draft.tick()
        settled = tuple(order.settled for order in work.orders if order.settled is not None)
        while True:
            try:
                self._journal.commit(tick, settled)
                break
            except CommitFailed as error:
                self._report(error, tick)
                if self._give_up.wait(RETRY_S):
                    _log.error("given up: %d leaves were not stored", len(tick.leaves))
                    return False
        if self._reported_ms is not None:
            _log.warning("the journal takes leaves again")
            self._reported_ms = None
        self.memory = tick.after
        self._inbox.done(len(work.scans), work.dropped)
        for order in work.orders:
            order.done.set()
        self.on_commit(draft.urgent, {log: head.size for log, head in tick.after.heads.items()})
        return True

    def _report(self, error: CommitFailed, tick: Tick) -> None:
        now_ms = self._clock.now().mono_ms
        if self._reported_ms is None or now_ms - self._reported_ms >= REPORT_MS:
            self._reported_ms = now_ms
            _log.error(
                "the journal takes nothing: %s; %d leaves and %d scans wait in memory; "
                "free disk space, or look at the kernel's log for the disk",
                error,
                len(tick.leaves),
                self._inbox.waiting(),
            )
