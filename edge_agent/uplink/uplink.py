"""The uplink: when which log is sent, and whether it may be.

Central is asked for its heads before the first upload: a journal that was set back begins a new
epoch rather than contradict what it signed. Each log goes in its own order, billing before
telemetry; a backlog goes batch after batch, as the rate and the windows of the day allow. One batch
is `batch_exchange.py`'s part.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from edge_agent.clock import mono_ms
from edge_agent.journal.memory import LOGS
from edge_agent.journal.rows import MOST_LEAVES, SENT_LEAVES
from edge_agent.uplink.batch_exchange import Exchange, Healed, Looking, Progress
from edge_agent.uplink.failure import Failure
from edge_agent.uplink.lane import Backoff, Lane
from edge_agent.uplink.link_use import LinkUse
from edge_agent.uplink.standing import Standing
from protocols.evidence.leaf import Log

if TYPE_CHECKING:
    from edge_agent.journal.memory import Settled
    from edge_agent.journal.reader import JournalReader
    from edge_agent.keys.keys import Keys
    from edge_agent.keys.receipt_keys import ReceiptKeys
    from edge_agent.uplink.certificate_renewal import Renewal
    from edge_agent.uplink.gate import Gate
    from edge_agent.uplink.offer_fetch import OfferFetch
    from edge_agent.uplink.order_fetch import OrderFetch
    from edge_agent.uplink.receipt_file import ReceiptBox
    from edge_agent.uplink.transport import Answer, Transport
    from protocols.evidence.note import Verifier

DRAIN_RETRY_S: Final = 0.5
ABORT_S: Final = 0.5  # a call whose connection was shut down comes back at once
REPORT_S: Final = 600.0
_log = logging.getLogger(__name__)


class Uplink(threading.Thread):
    """`notify` after each commit; `drain` to send what is left and end.

    `gate` asks central before the first upload, and stands in the way where it must; without one
    nothing is asked. `use` is how much of the link may be used, and when. `last_turn_mono_ms` moves
    with every turn, sent or not; while nothing is due it is the end of the wait.
    """

    def __init__(
        self,
        reader: JournalReader,
        transport: Transport,
        keys: Keys,
        receipts: Verifier | ReceiptKeys,
        settle: Callable[[Settled, float], bool],
        batch_s: float,
        monotonic_s: Callable[[], float],
        jitter: Callable[[], float],
        orders: OrderFetch | None = None,
        gate: Gate | None = None,
        use: LinkUse | None = None,
    ) -> None:
        super().__init__(name="uplink", daemon=True)
        self._transport = transport
        self.exchange = Exchange(reader, transport, keys, receipts, settle)
        self.exchange.heard = self._hear
        self._monotonic_s = monotonic_s
        self._jitter = jitter
        self._orders = orders
        self.offers: OfferFetch | None = None
        self.renewal: Renewal | None = None  # of the client certificate, where one is presented
        self._gate = gate
        self._gate_backoff = Backoff()
        self._use = use or LinkUse()
        now = monotonic_s()
        self._lanes = {log: Lane(batch_s, now, most_leaves=SENT_LEAVES) for log in LOGS}
        self._wake = threading.Event()
        self._urgent = threading.Event()
        self._flush = threading.Event()  # somebody waits to see that it goes through
        self._sizes: Mapping[Log, int] = {}
        self._drain_until: float | None = None
        self._told: tuple[str, float] | None = None
        self._idle = False  # nothing can be sent now, whatever waits
        self.last_turn_mono_ms = mono_ms()
        self.standing = Standing()
        self.box: ReceiptBox | None = None  # receipts that were carried by hand

    def notify(self, urgent: bool, sizes: Mapping[Log, int]) -> None:
        """From the journal thread, after a commit: a batch is full, or something is urgent."""
        full = any(size - self._lanes[log].receipted >= MOST_LEAVES for log, size in sizes.items())
        self._sizes = sizes
        if urgent:
            self._urgent.set()
        if urgent or full:
            self._wake.set()

    def flush(self) -> None:
        """From any thread: what waits is due now; rate and windows hold as ever."""
        self._flush.set()
        self._wake.set()

    @property
    def receipted(self) -> dict[Log, int]:
        """How far verified receipts go; from any thread."""
        return {log: lane.receipted for log, lane in self._lanes.items()}

    def now_s(self) -> float:
        """By the clock of `standing`."""
        return self._monotonic_s()

    def look_at_box(self) -> None:
        """From any thread: take up receipts that were carried by hand, if there are any."""
        if self.box is not None and self.box.is_filled():
            self._wake.set()

    def drain(self, deadline_s: float) -> bool:
        """Send what is pending and end the thread; True where everything has its receipt."""
        self._drain_until = self._monotonic_s() + deadline_s
        self._wake.set()
        self.join(deadline_s)
        if self.is_alive():
            self._transport.abort()
            self.join(ABORT_S)
        return not self.is_alive() and self.exchange.pending() == 0

    def run(self) -> None:
        try:
            while not self._is_over():
                self.last_turn_mono_ms = mono_ms()
                wait_s = min(self.turn(), threading.TIMEOUT_MAX)
                if wait_s > 0 and not self._is_over():
                    self.last_turn_mono_ms = mono_ms() + round(1000 * wait_s)
                    self._wake.wait(wait_s)
                self._wake.clear()
        finally:
            if self.box is not None:
                self.box.close()

    def _is_over(self) -> bool:
        if self._drain_until is None:
            return False
        now = self._monotonic_s()
        return now >= self._drain_until or self._idle or self.exchange.pending() == 0

    @property
    def reaches_central(self) -> bool:
        """It was reached since the start, and nothing fails now."""
        return (self._gate is None or self._gate.is_open) and self._told is None

    @property
    def is_closed(self) -> bool:
        """By the windows of the day."""
        return self._use.closed_s(urgent=False) > 0

    @property
    def _is_draining(self) -> bool:
        return self._drain_until is not None

    def turn(self) -> float:
        """Send at most one batch; how long nothing will be due. Bounded, whatever waits."""
        if self.box is not None and not self._is_draining and self.box.turn():
            return 0.0
        now = self._monotonic_s()
        billing = self._lanes[Log.BILLING]
        if self._urgent.is_set():
            self._urgent.clear()
            billing.hasten(now)
        if self._flush.is_set():
            self._flush.clear()
            self._gate_backoff.retry_at = min(self._gate_backoff.retry_at, now)
            for lane in self._lanes.values():
                lane.expedite(now)
        closed_s = self._use.closed_s(urgent=False)
        self.standing.is_closed = closed_s > 0
        self._idle = self._use.closed_s(urgent=billing.urgent) > 0
        if self._idle:
            self._transport.close()
            return closed_s
        if self.renewal is not None and not self._is_draining:
            self.renewal.look(now)
        wait_s = self._pass_gate(now)
        if wait_s is None:
            wait_s = self._send_due(now, only_urgent=closed_s > 0)
        self._use.charge(self._monotonic_s(), self._transport.bytes_used)
        return min(wait_s, DRAIN_RETRY_S) if self._is_draining else wait_s

    def _pass_gate(self, now: float) -> float | None:
        """None where uploads may go; else how long they may not."""
        gate = self._gate
        if gate is None or gate.is_open:
            return None
        self.standing.stands_still = gate.stands_still
        if gate.stands_still:
            self._idle = True
            return REPORT_S
        if now < self._gate_backoff.retry_at and not self._is_draining:
            return self._gate_backoff.retry_at - now
        self.standing.tried(now)
        failure = gate.knock(self._lanes, now)
        now = self._monotonic_s()
        if failure is None:
            self._gate_backoff.succeeded(now)
            self.standing.failure = None
            return 0.0
        delay_s = self._gate_backoff.failed(now, self._jitter(), failure.retry_after_s)
        self._tell("leaves", failure, delay_s, now)
        return delay_s

    def _send_due(self, now: float, *, only_urgent: bool) -> float:
        if self._orders is not None and not self._is_draining and not only_urgent:
            self._orders.fetch(now)
        if self.offers is not None and not self._is_draining and not only_urgent:
            self.offers.fetch(now)
        waits = []
        for log, lane in self._lanes.items():
            is_first = log is Log.BILLING
            if only_urgent and not (is_first and lane.urgent):
                continue
            if self._sizes.get(log, 0) - lane.receipted >= MOST_LEAVES:
                lane.due_at = min(lane.due_at, now)
            if self._is_draining:
                lane.due_at = min(lane.due_at, now)
                lane.retry_at = min(lane.retry_at, now + DRAIN_RETRY_S)
            rate_s = 0.0 if self._is_draining else self._use.wait_s(now, first=is_first)
            if lane.is_due(now) and rate_s <= 0 and self._send(log, lane):
                return 0.0  # and billing first again
            waits.append(max(rate_s, lane.wait_s(self._monotonic_s())))
        if self._orders is not None:
            waits.append(self._orders.wait_s(self._monotonic_s()))
        if self.offers is not None:
            waits.append(self.offers.wait_s(self._monotonic_s()))
        return min(waits, default=REPORT_S)

    def _send(self, log: Log, lane: Lane) -> bool:
        """One batch of one log; True where a batch went and the log is to be looked at again."""
        began = self._monotonic_s()
        outcome = self.exchange.send(log, lane)
        now = self._monotonic_s()
        if outcome is None:
            lane.reached(now)
            return False
        self.standing.tried(began)
        if isinstance(outcome, Looking):
            return True
        if isinstance(outcome, Healed):
            lane.failed(now, self._jitter())
            return False
        if isinstance(outcome, Progress):
            lane.succeeded(now)
            self.standing.received(now, self.exchange.receipt_time_s, log.value)
            self._tell_recovery()
            return True
        delay_s = lane.failed(now, self._jitter(), outcome.retry_after_s)
        if outcome.doubt and self._gate is not None:
            self._gate.doubt()
        if outcome.link:  # down for both logs, to be tried again together: then billing is first
            for other in self._lanes.values():
                other.retry_at = max(other.retry_at, lane.retry_at)
        self._tell(log.value, outcome, delay_s, now)
        return False

    def _hear(self, answer: Answer) -> None:
        if self._orders is not None:
            self._orders.tell(answer.newest_order)
        if self.offers is not None:
            self.offers.tell(answer.newest_offer)

    def _tell(self, what: str, failure: Failure, delay_s: float, now: float) -> None:
        """Each new problem at once, the same one every ten minutes."""
        self.standing.failed(failure)
        if self._told is None or self._told[0] != failure.problem or now - self._told[1] > REPORT_S:
            self._told = (failure.problem, now)
            _log.warning(
                "%s not sent: %s; %s; nothing is lost, next try in %.1f s",
                *(what, failure.problem, failure.remedy, delay_s),
            )

    def _tell_recovery(self) -> None:
        if self._told is not None:
            self._told = None
            _log.info("central takes leaves again")
