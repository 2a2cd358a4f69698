"""The journal thread: alone it owns the writing connection, the pipelines, `seq` and pruning.

A tick takes the waiting scans, makes leaves of them and steps the runs, and commits all of it in
one transaction. If that fails nothing has moved: the scans still wait, and the same tick is tried
again while the buses go on polling into the bounded queue.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from edge_agent.bus.poller import PolledScan
from edge_agent.clock import mono_ms
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.eviction import change_rows
from edge_agent.journal.healing import diagnose
from edge_agent.journal.journal import CommitFailed, DiskFull, JournalDamaged
from edge_agent.journal.memory import RowChange
from edge_agent.recorder.alarm_log import tell_alarms
from edge_agent.recorder.epoch_desk import EpochDesk
from edge_agent.recorder.room import Room
from edge_agent.recorder.tick_work import NO_WORK, Request, TickMaker, TickWork
from edge_agent.recording.device_recording import Fact, News, Said
from edge_agent.recording.inbox import Inbox
from edge_agent.recording.losses import record_damaged
from edge_agent.recording.order_recording import is_waiting
from protocols.evidence.facts import Moment
from protocols.evidence.leaf import Log

if TYPE_CHECKING:
    from sqlite3 import Connection  # noqa: TID251  # what the journal's shell reads with

    from edge_agent.bus.poller import Now
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.journal import Journal
    from edge_agent.journal.memory import Memory, Settled
    from edge_agent.recording.epoch_opening import Opening
    from edge_agent.recording.key_recording import KeyDesk, Wish
    from edge_agent.recording.reopening import Also
    from protocols.evidence.leaf import Log
    from protocols.evidence.order import Order

T = TypeVar("T")
RETRY_S: Final = 0.5
REPORT_MS: Final = 60_000  # a failure that goes on is told again so often
_log = logging.getLogger(__name__)


class Recorder(threading.Thread):
    """`deliver` takes scans, `settle` receipted batches, `obey` orders of central.

    `tell` what was learned of devices beside, `note` facts. `finish` closes the runs and ends it.
    `last_turn_mono_ms` moves with every try of a commit, whether it succeeds or not; at long work
    (a new epoch, all rows of a log looked at) a single step may take minutes. `has_tried`: the
    first tick was; `first_facts` are recorded with it.
    """

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
        self.committed_ms: int | None = None  # when that was; monotonic
        self.failing = ""  # why the journal takes nothing, while it does not
        self.on_commit: Callable[[bool, Mapping[Log, int]], None] = lambda urgent, sizes: None
        self.last_turn_mono_ms = mono_ms()
        self.is_at_long_work = False
        self.has_begun = threading.Event()  # the first tick is durable
        self.has_tried = threading.Event()
        self._journal = journal
        self._config = config
        self._salts = salts
        self._clock = clock
        self._inbox: Inbox[PolledScan | News, Request] = Inbox(config.journal.queue_scans)
        self._give_up = threading.Event()
        self._finished = threading.Event()
        self._last = Request()
        self._reported_ms: int | None = None
        self._epochs = EpochDesk(self, journal, config, salts, clock, self._patience)
        self._room = Room(journal)
        self._maker = TickMaker(config, salts, clock, version, self._room)

    @property
    def waiting_scans(self) -> int:
        """Scans and news in the queue. From any thread, as all these."""
        return self._inbox.waiting()

    @property
    def room(self) -> Room:
        """What is known of the disk."""
        return self._room

    def receipted(self, log: Log) -> int:
        """Leaves of the log's epoch that have a receipt."""
        return self._epochs.receipted(log)

    @property
    def receipt_time_s(self) -> int:
        """Of the newest receipt that is stored, by central's clock; 0: none."""
        return self._epochs.receipt_time_s

    @property
    def key_desk(self) -> KeyDesk | None:
        """Who records rotations of the log key, where there is one."""
        return self._maker.key_desk

    @key_desk.setter
    def key_desk(self, desk: KeyDesk) -> None:
        self._maker.key_desk = desk

    @property
    def first_facts(self) -> Sequence[Fact]:
        """Of the first tick, such as why the process before this one ended."""
        return self._maker.first_facts

    @first_facts.setter
    def first_facts(self, facts: Sequence[Fact]) -> None:
        self._maker.first_facts = facts

    def deliver(self, scan: PolledScan) -> bool:
        """False where the queue is full: the poll is counted, and logged when there is room."""
        return self._inbox.put(scan, Moment(scan.instant.boot_no, scan.instant.mono_ms))

    def tell(self, news: News) -> bool:
        """False where the queue is full: whoever found it keeps it and tries again."""
        return self._inbox.offer(news)

    def note(self, facts: Sequence[Fact | Said], timeout_s: float) -> bool:
        """Events of others; True when they are durable."""
        return self._request(Request(facts=facts), timeout_s)

    def record(self, facts: Sequence[Fact | Said]) -> threading.Event | None:
        """The same without waiting: set when they are durable; None where too much waits."""
        request = Request(facts=facts)
        return request.done if self._inbox.order(request) else None

    def settle(self, settled: Settled, timeout_s: float) -> bool:
        """Let the rows become their receipted batch; True when that is durable."""
        return self._request(Request(settled=settled), timeout_s)

    def obey(self, order: Order, note: bytes, timeout_s: float) -> bool:
        """Take a verified order of central; True when that is durable."""
        return self._request(Request(order=(order, note)), timeout_s)

    def open_epoch(self, opening: Opening, timeout_s: float) -> bool:
        """Begin a new epoch; True when it goes on there. An epoch above `opening.above` is one."""
        return self._request(Request(opening=opening), timeout_s)

    def rotate(self, wish: Wish) -> bool:
        """Ask for a new log key; False where too many requests wait. It takes its time."""
        return self._inbox.order(Request(wish=wish))

    def damaged(self, log: Log, seqs: Sequence[int], timeout_s: float) -> bool:
        """Somebody found rows that are not what was recorded: all rows are looked at, and those
        become holes with a LOSS leaf. True when the log is whole again, or was, or a new epoch was
        opened; what is asked of it may then be tried once more.
        """
        _log.error("%s: damaged rows: %s", log.value, ", ".join(map(str, seqs[:10])))
        request = Request(damaged=log)
        return self._request(request, timeout_s) and request.is_whole

    def finish(self, timeout_s: float) -> bool:
        """Close the runs and say so in the log; True when that is durable. Settling goes on."""
        return self._request(self._last, timeout_s)

    @property
    def has_stopped(self) -> bool:
        """What `finish` asked for is durable, be it that it took longer than it was waited for."""
        return self._last.done.is_set()

    def end(self) -> None:
        """End the thread; what could not be committed by now is given up, and said."""
        self._finished.set()
        self._give_up.set()
        self._inbox.wake()

    def run(self) -> None:
        going_on = self.begin()
        self.has_tried.set()
        if going_on:
            self.has_begun.set()
        while going_on and not self._finished.is_set():
            self._inbox.wait(self._config.journal.commit_s)
            going_on = self.turn()
        if going_on:
            self.turn()

    def begin(self) -> bool:
        """The first tick: start, and what the configuration changed. False where given up.

        Before it, what a kill left of the opening of an epoch.
        """
        with self.at_long_work():
            return self._epochs.guarded(lambda: self._epochs.begin() and self._record_start())

    def _record_start(self) -> bool:
        if self.key_desk is not None:
            self.key_desk.begin(self.look)
        start = self._maker.start(self.memory)
        return self._commit(start, NO_WORK, remake=lambda: self._maker.start(self.memory))

    def _request(self, request: Request, timeout_s: float) -> bool:
        return self._inbox.order(request) and request.done.wait(timeout_s)

    def turn(self) -> bool:
        """One tick: all that waits, in one transaction. False where it had to be given up."""
        self._beat()
        work = self._inbox.look(self._config.journal.queue_scans)
        # apart: what is recorded must not be recorded again where the rest finds damage
        recorded = self._epochs.guarded(lambda: self._record(work))
        return recorded and self._epochs.guarded(lambda: self._do_rest(work.orders))

    def _record(self, work: TickWork) -> bool:
        is_empty = not (work.scans or work.dropped or work.orders)
        if is_empty and not is_waiting(self.memory.orders.values()):
            return True
        draft = self._draft(work)
        remake = partial(self._draft, work)
        return (is_empty and draft.is_empty) or self._commit(draft, work, remake=remake)

    def _do_rest(self, requests: Sequence[Request]) -> bool:
        """Rows that are damaged, new epochs, old history. False where it had to be given up."""
        for request in requests:
            if request.damaged is not None and not request.done.is_set():
                with self.at_long_work():
                    request.is_whole = self._heal(request.damaged)
                request.done.set()
            if request.opening is not None and not request.done.is_set():
                with self.at_long_work():
                    if not self._epochs.open(request.opening):
                        return False
                request.done.set()
        return self._epochs.carry_history()

    def _draft(self, work: TickWork) -> Draft:
        return self._maker.tick(self.memory, work)

    def _heal(self, log: Log) -> bool:
        """Bring a log's rows to its frontier; False where that was given up.

        Raises JournalDamaged where it cannot be: then the log goes on in a new epoch.
        """
        found = self.look(lambda connection: (diagnose(connection, log),))
        if found is None:
            return False
        (change,) = found
        if change is None:
            raise JournalDamaged(f"{log.value}: its rows do not lead to its frontier")
        draft = Draft(self.memory, self._salts)
        for gone in change.gone:
            _log.error("%s: leaves %d to %d are damaged", log.value, gone.first, gone.end - 1)
            record_damaged(draft, gone, self._clock.now())
        return change == RowChange() or self.store(draft, partial(change_rows, change=change))

    def _patience(self, error: Exception) -> bool:
        """Say it, wait a little; False where it is to be given up."""
        self._report(error, 0)
        self._beat()
        self.has_tried.set()
        return not self._give_up.wait(RETRY_S)

    def _beat(self) -> None:
        self.last_turn_mono_ms = mono_ms()

    @contextlib.contextmanager
    def at_long_work(self) -> Iterator[None]:
        """What is done within is bounded, but may take minutes without a commit."""
        before, self.is_at_long_work = self.is_at_long_work, True
        try:
            yield
        finally:
            self._beat()  # first: else it would look late for a moment
            self.is_at_long_work = before

    @property
    def is_ending(self) -> bool:
        """What can wait for the next start does."""
        return self._give_up.is_set()

    def store(self, draft: Draft, also: Also | None = None) -> bool:
        """Commit a draft beside the queue. False where it had to be given up."""
        return self._commit(draft, NO_WORK, also)

    def look(self, read: Callable[[Connection], T]) -> T | None:
        """What `read` finds in the journal. None where it had to be given up."""
        while True:
            self._beat()
            try:
                return self._journal.look(read)
            except CommitFailed as error:
                if not self._patience(error):
                    return None

    def _commit(
        self,
        draft: Draft,
        work: TickWork,
        also: Also | None = None,
        remake: Callable[[], Draft] | None = None,
    ) -> bool:
        """Until it is durable; False where it had to be given up.

        `remake`: the same work as a draft behind what had to be recorded first, to make room.
        """
        settled = tuple(each.settled for each in work.orders if each.settled is not None)
        while True:
            try:
                if not self._put(draft, settled, also):
                    return False
                break
            except DiskFull as error:
                if self._room.make():
                    continue
                change = self._room.evictable()
                if change is not None and remake is not None:
                    evicted = self._evict(change)
                    draft = remake()
                    if evicted:
                        continue
                if not self._wait(error, draft):
                    return False
        self._inbox.done(len(work.scans), work.dropped)
        for request in work.orders:
            if request.opening is None and request.damaged is None:
                request.done.set()
        return True

    def _put(self, draft: Draft, settled: tuple[Settled, ...], also: Also | None) -> bool:
        """The same tick until it is known to be stored. Raises DiskFull; False where given up."""
        tick = draft.tick()
        while True:
            self._beat()
            try:
                self._journal.commit(tick, settled, also)
                break
            except DiskFull:
                raise
            except CommitFailed as error:
                if not self._wait(error, draft):
                    return False
        if self._reported_ms is not None:
            _log.warning("the journal takes leaves again")
            self._reported_ms = None
            self.failing = ""
        tell_alarms(self.memory.alarms, tick.after.alarms)
        self.memory = tick.after
        self.committed_ms = self._clock.now().mono_ms
        self._epochs.settled(settled)
        if self.key_desk is not None:
            self.key_desk.committed(tick.after, settled)
        self.on_commit(draft.urgent, {log: head.size for log, head in tick.after.heads.items()})
        return True

    def _evict(self, change: RowChange) -> bool:
        """Unsent scans go, and the loss is recorded; False where there is no room, or given up."""
        if self.key_desk is not None:
            self.key_desk.withdrawn()
        draft = Draft(self.memory, self._salts)
        also = self._room.record(draft, change, self._clock.now())
        try:
            stored = self._put(draft, (), also)
        except DiskFull:
            return False
        if stored:
            self._room.evicted(self._clock.now())
        return stored

    def _wait(self, error: CommitFailed, draft: Draft) -> bool:
        """Before another try; False at the end of the process."""
        self._report(error, len(draft.leaves))
        self._beat()
        self.has_tried.set()
        if self._give_up.wait(RETRY_S):
            _log.error("given up: %d leaves were not stored", len(draft.leaves))
            return False
        return True

    def _report(self, error: Exception, leaves: int) -> None:
        self.failing = str(error)
        now_ms = self._clock.now().mono_ms
        if self._reported_ms is None or now_ms - self._reported_ms >= REPORT_MS:
            self._reported_ms = now_ms
            _log.error(
                "the journal takes nothing: %s; %d leaves and %d scans wait in memory; "
                "free disk space, or look at the kernel's log for the disk",
                error,
                leaves,
                self._inbox.waiting(),
            )
