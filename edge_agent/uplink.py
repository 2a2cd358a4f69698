"""The uplink: seals batches, posts them, verifies receipts, and lets the journal replace the rows.

Each log in its own order, billing before telemetry; a backlog goes batch after batch. Nothing is
pruned without a receipt that verifies against our own checkpoint, so whatever goes wrong here costs
time only: the batch is cut again, and central says by 409 what it holds already.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.journal_reader import Cut, ReadFailed
from edge_agent.lane import Lane
from edge_agent.memory import LOGS, Settled
from edge_agent.transport import LinkFailure
from edge_agent.uplink_failure import CENTRAL_LOG, Failure, failed, refused
from protocols.evidence.errors import EvidenceError, NotHeld
from protocols.evidence.leaf import Log
from protocols.evidence.upload import (
    Conflict,
    Sealed,
    check_conflict,
    check_receipt,
    decode_conflict,
    encode_upload,
    seal,
    unsent_text,
)

if TYPE_CHECKING:
    from edge_agent.journal_reader import JournalReader
    from edge_agent.keys import Keys
    from edge_agent.order_fetch import OrderFetch
    from edge_agent.transport import Transport
    from protocols.evidence.note import Verifier

PATH: Final = "/v1/upload"
MOST_LEAVES: Final = 4096
MOST_BYTES: Final = 2_000_000  # of leaves, before they are packed
SETTLE_TIMEOUT_S: Final = 30.0
DRAIN_RETRY_S: Final = 0.5
REPORT_S: Final = 600.0
MAX_SETBACKS: Final = 4  # without a receipt between them
_log = logging.getLogger(__name__)


class Progress(NamedTuple):
    """Central holds the log up to `size`."""

    size: int


class Uplink(threading.Thread):
    """`notify` after each commit; `drain` to send what is left and end."""

    def __init__(
        self,
        reader: JournalReader,
        transport: Transport,
        keys: Keys,
        receipts: Verifier,
        settle: Callable[[Settled, float], bool],
        batch_s: float,
        monotonic_s: Callable[[], float],
        jitter: Callable[[], float],
        orders: OrderFetch | None = None,
    ) -> None:
        super().__init__(name="uplink", daemon=True)
        self._reader = reader
        self._transport = transport
        self._keys = keys
        self._receipts = receipts
        self._settle = settle
        self._monotonic_s = monotonic_s
        self._jitter = jitter
        self._orders = orders
        now = monotonic_s()
        self._lanes = {log: Lane(batch_s, now, most_leaves=MOST_LEAVES) for log in LOGS}
        self._wake = threading.Event()
        self._urgent = threading.Event()
        self._sizes: Mapping[Log, int] = {}
        self._drain_until: float | None = None
        self._told: tuple[str, float] | None = None

    def notify(self, urgent: bool, sizes: Mapping[Log, int]) -> None:
        """From the journal thread, after a commit: a batch is full, or something is urgent."""
        full = any(size - self._lanes[log].receipted >= MOST_LEAVES for log, size in sizes.items())
        self._sizes = sizes
        if urgent:
            self._urgent.set()
        if urgent or full:
            self._wake.set()

    def drain(self, deadline_s: float) -> bool:
        """Send what is pending and end the thread; True where everything has its receipt."""
        self._drain_until = self._monotonic_s() + deadline_s
        self._wake.set()
        self.join(deadline_s)
        if self.is_alive():
            self._transport.abort()
            self.join(1.0)
        return not self.is_alive() and self._pending() == 0

    def run(self) -> None:
        while not self._is_over():
            wait_s = self._turn()
            if wait_s > 0:
                self._wake.wait(wait_s)
            self._wake.clear()

    def _is_over(self) -> bool:
        if self._drain_until is None:
            return False
        return self._monotonic_s() >= self._drain_until or self._pending() == 0

    def _pending(self) -> int:
        try:
            states = [self._reader.state(log) for log in LOGS]
        except ReadFailed:
            return 1
        return sum(state.frontier.size - state.receipted.size for state in states)

    def _turn(self) -> float:
        """Fetch orders, send at most one batch; how long nothing will be due."""
        now = self._monotonic_s()
        draining = self._drain_until is not None
        if self._orders is not None and not draining:
            self._orders.fetch(now)
        if self._urgent.is_set():
            self._urgent.clear()
            self._lanes[Log.BILLING].hasten(now)
        for log, lane in self._lanes.items():
            if self._sizes.get(log, 0) - lane.receipted >= MOST_LEAVES:
                lane.due_at = min(lane.due_at, now)
            if draining:
                lane.due_at = min(lane.due_at, now)
                lane.retry_at = min(lane.retry_at, now + DRAIN_RETRY_S)
            if lane.is_due(now) and self._send(log, lane):
                return 0.0  # and billing first again
        wait_s = min(lane.wait_s(self._monotonic_s()) for lane in self._lanes.values())
        if self._orders is not None:
            wait_s = min(wait_s, self._orders.wait_s(self._monotonic_s()))
        return min(wait_s, DRAIN_RETRY_S) if draining else wait_s

    def _send(self, log: Log, lane: Lane) -> bool:
        """One batch of one log; True where a batch went and the log is to be looked at again."""
        try:
            cut = self._next_cut(log, lane)
            outcome = None if cut is None else self._exchange(log, lane, cut)
        except (ReadFailed, EvidenceError) as error:
            outcome = failed(error)
        now = self._monotonic_s()
        if outcome is None:
            lane.reached(now)
            return False
        if isinstance(outcome, Progress):
            lane.succeeded(now)
            self._tell_recovery()
            return True
        delay_s = lane.failed(now, self._jitter())
        if outcome.link:  # down for both logs, to be tried again together: then billing is first
            for other in self._lanes.values():
                other.retry_at = max(other.retry_at, lane.retry_at)
        self._tell(log, outcome, delay_s, now)
        return False

    def _next_cut(self, log: Log, lane: Lane) -> Cut | None:
        """The next batch; None where all that was due is receipted."""
        state = self._reader.state(log)
        if lane.position is not None and lane.position >= state.receipted.size:
            lane.position = None
        lane.receipted = state.receipted.size
        if lane.goal is None:
            lane.goal = state.frontier.size
        if lane.position is None and state.receipted.size >= lane.goal:
            return None
        cut = self._reader.cut(log, lane.position, lane.most_leaves, MOST_BYTES)
        if cut is None:
            raise NotHeld(
                f"{state.origin}: central holds only {lane.position} of {state.receipted.size} "
                "leaves that it gave receipts for, and this gateway dropped them"
            )
        return cut

    def _exchange(self, log: Log, lane: Lane, cut: Cut) -> Progress | Failure:
        sealed = self._seal(lane, cut)
        data = encode_upload(sealed.upload)
        answer = self._transport.post(PATH, data, self._unsent(log, sealed.frontier.size))
        if isinstance(answer, LinkFailure):
            return Failure(answer.problem, answer.remedy, link=True)
        if self._orders is not None and answer.status in (200, 409):
            self._orders.tell(answer.newest_order)
        if answer.status == 200:
            lane.setbacks = 0
            found = check_receipt(sealed.upload.checkpoint, answer.body, self._receipts)
            receipt_of = (sealed.upload.checkpoint, answer.body, found.time_s)
            return self._progress(lane, cut, sealed, data, receipt_of)
        if answer.status == 409:
            return self._resolve(log, lane, cut, decode_conflict(answer.body))
        if answer.status == 413:
            lane.most_leaves = max(1, len(cut.leaves) // 2)
        return refused(answer)

    def _unsent(self, log: Log, size: int) -> str:
        """Leaves of each log that still wait when this batch has arrived, for the operator."""
        waiting = []
        for each in LOGS:
            state = self._reader.state(each)
            sent = max(size, state.receipted.size) if each is log else state.receipted.size
            waiting.append(max(0, state.frontier.size - sent))
        return unsent_text(*waiting)

    def _seal(self, lane: Lane, cut: Cut) -> Sealed:
        """Sign only what was recorded: the rows must lead to the stored frontier."""
        origin, whole = cut.state.origin, cut.state.frontier
        if cut.damaged:
            raise ReadFailed(f"{origin}: row {cut.damaged[0]} is not the leaf that belongs there")
        try:
            sealed = seal(
                *(origin, cut.before, cut.leaves, self._keys.salt_secret, self._keys.signer),
                cut.holes,
            )
        except EvidenceError as error:
            raise ReadFailed(
                f"a stored leaf, or salt.secret, is not the right one: {error}"
            ) from error
        size = sealed.frontier.size
        if lane.position is None and size > lane.verified_size:
            # of a backlog all rows are looked at once, not with each batch
            ends_at = sealed.frontier
            if size != whole.size:
                found = self._reader.frontier_at(origin.log, whole.size)
                ends_at = sealed.frontier if found is None else found
            if ends_at != whole:
                raise ReadFailed(f"{origin}: a stored leaf is not the one that was recorded")
            lane.verified_size = whole.size
        return sealed

    def _progress(
        self,
        lane: Lane,
        cut: Cut,
        sealed: Sealed,
        data: bytes,
        receipt_of: tuple[bytes, bytes, int],
    ) -> Progress | Failure:
        """Central holds the batch; where its leaves are rows still, they become the batch."""
        size = sealed.frontier.size
        if lane.position is not None:  # sent again: it was pruned long ago
            lane.position = size
            return Progress(size)
        origin = cut.state.origin
        settled = Settled(origin.log, origin.epoch, cut.before, sealed.frontier, data, *receipt_of)
        if not self._settle(settled, SETTLE_TIMEOUT_S):
            return Failure(
                f"{origin}: the receipt for {size} leaves could not be stored", "look at the disk"
            )
        return Progress(size)

    def _resolve(self, log: Log, lane: Lane, cut: Cut, conflict: Conflict) -> Progress | Failure:
        """409: central holds more than we knew (an answer was lost) or less (it was restored)."""
        origin = cut.state.origin
        receipt = check_conflict(
            conflict,
            origin,
            lambda size: self._root_at(log, size),
            self._keys.signer.verifier,
            self._receipts,
        )
        first, receipted = cut.before.size, cut.state.receipted.size
        if receipt.size == first:
            return Failure(f"{origin}: central takes no leaves from where it ends", CENTRAL_LOG)
        if receipt.size < receipted:
            return self._go_back(lane, cut, receipt.size)
        lane.position = None
        receipt_of = (conflict.checkpoint, conflict.receipt, receipt.time_s)
        return self._catch_up(log, lane, receipt.size, receipt_of)

    def _go_back(self, lane: Lane, cut: Cut, size: int) -> Progress | Failure:
        """Central lost what it gave receipts for: again from where it ends, but not for ever."""
        origin, first = cut.state.origin, cut.before.size
        if size < first:
            lane.setbacks += 1
            _log.warning(
                "%s: central lost leaves %d to %d; they are sent again", origin, size, first
            )
        if lane.setbacks > MAX_SETBACKS:
            lane.setbacks = 0  # after a pause it may try again
            return Failure(f"{origin}: central loses again and again what it stored", CENTRAL_LOG)
        lane.position = size
        return Progress(size)

    def _catch_up(
        self, log: Log, lane: Lane, size: int, receipt_of: tuple[bytes, bytes, int]
    ) -> Progress | Failure:
        """The rows up to `size` are receipted already: seal them as if they had been sent now."""
        while True:
            state = self._reader.state(log)
            missing = size - state.receipted.size
            if missing <= 0:
                return Progress(state.receipted.size)
            cut = self._reader.cut(log, None, min(missing, MOST_LEAVES), MOST_BYTES)
            if cut is None or cut.end == cut.before.size:
                raise ReadFailed(f"{state.origin}: rows below {size} are missing")
            sealed = self._seal(lane, cut)
            done = self._progress(lane, cut, sealed, encode_upload(sealed.upload), receipt_of)
            if isinstance(done, Failure):
                return done

    def _root_at(self, log: Log, size: int) -> bytes | None:
        frontier = self._reader.frontier_at(log, size)
        return None if frontier is None else frontier.root()

    def _tell(self, log: Log, failure: Failure, delay_s: float, now: float) -> None:
        """Each new problem at once, the same one every ten minutes."""
        if self._told is None or self._told[0] != failure.problem or now - self._told[1] > REPORT_S:
            self._told = (failure.problem, now)
            _log.warning(
                "%s not sent: %s; %s; nothing is lost, next try in %.1f s",
                *(log.value, failure.problem, failure.remedy, delay_s),
            )

    def _tell_recovery(self) -> None:
        if self._told is not None:
            self._told = None
            _log.info("central takes leaves again")
