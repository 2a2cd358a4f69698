"""One batch of one log: cut, seal, post, verify, and let the journal replace the rows.

Nothing is pruned without a receipt that verifies against our own checkpoint, so whatever goes wrong
here costs time only: the batch is cut again, and central says by 409 what it holds already.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.journal.memory import LOGS, Settled
from edge_agent.journal.reader import Cut, ReadDamaged, ReadFailed
from edge_agent.journal.rows import MOST_LEAVES, SENT_LEAVES
from edge_agent.keys.receipt_keys import keys_for
from edge_agent.uplink.failure import CENTRAL_LOG, Failure, failed, refused, unexpected_page
from edge_agent.uplink.sealing import SENT_BYTES, Batch, NotRecorded, Sealer
from edge_agent.uplink.transport import Answer, LinkFailure
from protocols.evidence.errors import EvidenceError, NotHeld
from protocols.evidence.upload import (
    MAX_HOLES,
    Conflict,
    check_conflict,
    check_receipt,
    decode_conflict,
    unsent_text,
)

if TYPE_CHECKING:
    from edge_agent.journal.reader import JournalReader
    from edge_agent.keys.keys import Keys
    from edge_agent.keys.receipt_keys import ReceiptKeys
    from edge_agent.uplink.lane import Lane
    from edge_agent.uplink.transport import Transport
    from protocols.evidence.leaf import Log
    from protocols.evidence.note import Verifier

PATH: Final = "/v1/upload"
SETTLE_TIMEOUT_S: Final = 30.0
OTHER_KEY: Final = (
    "central wants another key of this gateway: is this an old image of its disk, or was the key "
    "revoked? enroll it again (edge-agent enroll)"
)
MAX_SETBACKS: Final = 4  # without a receipt between them
_log = logging.getLogger(__name__)


class Progress(NamedTuple):
    """Central holds the log up to `size`."""

    size: int


class Looking(NamedTuple):
    """The rows of a backlog are still being looked at."""

    size: int


class Healed(NamedTuple):
    """The recorder looked at rows that are not what was recorded: cut again."""

    size: int


Outcome = Progress | Looking | Healed | Failure


class Exchange:
    """For the uplink's thread. `settle` lets rows become their batch; `damaged` tells the recorder
    which rows are not what was recorded; `heard` gets each answer that central gave to an upload.
    """

    def __init__(
        self,
        reader: JournalReader,
        transport: Transport,
        keys: Keys,
        receipts: Verifier | ReceiptKeys,
        settle: Callable[[Settled, float], bool],
    ) -> None:
        self._reader = reader
        self._transport = transport
        self._keys = keys
        self._receipts = receipts
        self._settle = settle
        self._sealer = Sealer(reader, keys)
        self.damaged: Callable[[Log, tuple[int, ...]], bool] | None = None
        self.heard: Callable[[Answer], None] = lambda answer: None
        self.most_bytes = SENT_BYTES  # of a batch's leaves
        self.receipt_time_s = 0  # of the last receipt, by central's clock

    def send(self, log: Log, lane: Lane) -> Outcome | None:
        """The next batch; None where all that was due is receipted."""
        try:
            cut = self._next_cut(log, lane)
            if cut is None or isinstance(cut, Looking):
                return cut
            if cut.damaged and cut.end == cut.before.size:
                return self._heal(log, cut.damaged, cut.before.size)
            return self._exchange(log, lane, cut)
        except NotRecorded as error:
            _log.error("%s", error)
            return self._heal(log, (), lane.receipted)
        except ReadDamaged as error:
            if lane.position is not None:  # an old batch: what waits to be sent is not touched
                return failed(error)
            _log.error("%s", error)
            return self._heal(log, (), lane.receipted)
        except (ReadFailed, EvidenceError) as error:
            return failed(error)

    def pending(self) -> int:
        """Leaves without a receipt; 1 where that cannot be read."""
        try:
            states = [self._reader.state(log) for log in LOGS]
        except ReadFailed:
            return 1
        return sum(state.frontier.size - state.receipted.size for state in states)

    def _next_cut(self, log: Log, lane: Lane) -> Cut | Looking | None:
        state = self._reader.state(log)
        lane.of(state.origin.epoch)
        if lane.position is not None and lane.position >= state.receipted.size:
            lane.position = None
        lane.receipted = state.receipted.size
        if lane.goal is None:
            lane.goal = state.frontier.size
        if lane.position is None and state.receipted.size >= lane.goal:
            return None
        first = state.receipted.size if lane.position is None else lane.position
        if self._sealer.must_wait(state.origin, first):
            return None
        if lane.position is None and self._sealer.looks_on(state, lane.goal):
            return Looking(first)
        most = self._sealer.most(state.origin, first, lane.most_leaves)
        cut = self._reader.cut(log, lane.position, most, self.most_bytes)
        if cut is None:
            raise NotHeld(
                f"{state.origin}: central holds only {lane.position} of {state.receipted.size} "
                "leaves that it gave receipts for, and this gateway dropped them"
            )
        if len(cut.holes) > MAX_HOLES:  # scattered damage: as many as one upload may have
            within = cut.holes[MAX_HOLES].first - cut.before.size
            cut = self._reader.cut(log, lane.position, within, self.most_bytes) or cut
        return cut

    def _exchange(self, log: Log, lane: Lane, cut: Cut) -> Progress | Failure:
        is_again = lane.position is not None
        sealer = self._sealer
        most = min(MOST_LEAVES, lane.too_many - 1)  # an older program sent more at once than we do
        batch = sealer.again(cut, most) if is_again else sealer.seal(cut)
        answer = self._transport.post(PATH, batch.data, self._unsent(log, batch.after.size))
        if isinstance(answer, LinkFailure):
            return Failure(answer.problem, answer.remedy, link=True)
        if answer.status in (200, 409):
            self.heard(answer)
        if answer.status == 200:
            if answer.content_type == "text/html":
                return unexpected_page()
            lane.setbacks = 0
            found = check_receipt(
                batch.checkpoint, answer.body, keys_for(self._receipts, answer.body)
            )
            receipt_of = (batch.checkpoint, answer.body, found.time_s)
            return self._progress(lane, cut, batch, receipt_of)
        if answer.status == 409:
            return self._resolve(log, lane, cut, decode_conflict(answer.body))
        if answer.status == 413:
            lane.halve(batch.after.size - batch.before.size)
        if answer.status == 401 and not self._keys.refused():
            return refused(answer)._replace(remedy=OTHER_KEY)
        return refused(answer)  # of two keys the other one is tried next, after a crash

    def _heal(self, log: Log, seqs: tuple[int, ...], size: int) -> Healed | Failure:
        """The recorder makes holes of what is damaged, and LOSS leaves; then it goes on behind."""
        which = f"rows {seqs[0]} to {seqs[-1]}" if seqs else "some rows"
        problem = f"{log.value}: {which} are not what was recorded there"
        if self.damaged is not None and self.damaged(log, seqs):
            _log.error("%s; they are recorded as lost", problem)
            return Healed(size)
        return Failure(problem, "look at the disk, and keep the journal for salvage")

    def _unsent(self, log: Log, size: int) -> str:
        """Leaves of each log that still wait when this batch has arrived, for the operator."""
        waiting = []
        for each in LOGS:
            state = self._reader.state(each)
            sent = max(size, state.receipted.size) if each is log else state.receipted.size
            waiting.append(max(0, state.frontier.size - sent))
        return unsent_text(*waiting)

    def _progress(
        self, lane: Lane, cut: Cut, batch: Batch, receipt_of: tuple[bytes, bytes, int]
    ) -> Progress | Failure:
        """Central holds the batch; where its leaves are rows still, they become the batch."""
        size = batch.after.size
        if lane.position is not None:  # sent again: it was pruned long ago
            lane.position = size
            return Progress(size)
        origin = cut.state.origin
        settled = Settled(
            origin.log, origin.epoch, batch.before, batch.after, batch.data, *receipt_of
        )
        self.receipt_time_s = settled.receipt_time_s
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
            self._keys.verifier_for(origin, conflict.size or 1),
            keys_for(self._receipts, conflict.receipt) if conflict.size else (),
        )
        first, receipted = cut.before.size, cut.state.receipted.size
        if receipt.size == first:
            return Failure(f"{origin}: central takes no leaves from where it ends", CENTRAL_LOG)
        if receipt.size < receipted:
            return self._go_back(lane, cut, receipt.size)
        lane.position = None
        receipt_of = (conflict.checkpoint, conflict.receipt, receipt.time_s)
        return self.catch_up(log, lane, receipt.size, receipt_of)

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

    def catch_up(
        self, log: Log, lane: Lane, size: int, receipt_of: tuple[bytes, bytes, int]
    ) -> Progress | Failure:
        """The rows up to `size` are receipted already: seal them as if they had been sent now.

        Raises ReadFailed, EvidenceError.
        """
        while True:
            state = self._reader.state(log)
            missing = size - state.receipted.size
            if missing <= 0:
                return Progress(state.receipted.size)
            cut = self._reader.cut(log, None, min(missing, SENT_LEAVES), self.most_bytes)
            if cut is None or cut.end == cut.before.size:
                raise ReadFailed(f"{state.origin}: rows below {size} are missing")
            if cut.end > size:  # of a hole only whole subtrees are held: no receipt is for a part
                raise NotHeld(f"{state.origin}: leaves {cut.before.size} to {cut.end} are one hole")
            done = self._progress(lane, cut, self._sealer.seal(cut), receipt_of)
            if isinstance(done, Failure):
                return done

    def _root_at(self, log: Log, size: int) -> bytes | None:
        frontier = self._reader.frontier_at(log, size)
        return None if frontier is None else frontier.root()
