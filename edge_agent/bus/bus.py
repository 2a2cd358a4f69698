"""One thread a bus: polls its devices at a fixed rate, delivers every scan, keeps the port."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from edge_agent.bus.counters import BusCounters
from edge_agent.bus.jobs import Jobs
from edge_agent.bus.learned import Learned
from edge_agent.bus.link import Answer, Link, NoAnswer, PortGone, timing_of
from edge_agent.bus.loan import Loan, Loans
from edge_agent.bus.poller import DevicePoller, Keeping, Line, Now, PolledScan
from edge_agent.bus.port import keep_time
from edge_agent.bus.schedule import Outcome, Rhythm, Schedule
from edge_agent.clock import mono_ms
from edge_agent.config.bus_time import line_of
from edge_agent.config.model import BusConfig, DeviceConfig
from protocols.metering.quality import Quality
from protocols.modbus.answer import Asked, Damaged
from protocols.modbus.plan import Block

__all__ = ["BusThread", "PolledScan"]

MIN_REOPEN_MS: Final = 1_000
MAX_REOPEN_MS: Final = 15_000
_log = logging.getLogger(__name__)


class BusThread(threading.Thread):
    """Owns the port. Who is polled when: `schedule.py`.

    `last_turn_mono_ms` moves with every request and at least each second; `close_port` frees a
    stuck thread. `dropped` counts scans that `deliver` refused, `missed` polls that came too late,
    `unasked_bytes` what came over the line while nothing was asked. `random` spreads the tries of
    silent devices; `learned` keeps what they refuse over restarts. `jobs`: what others want of it.
    `counters`: what became of its requests; `loans`: whether it is lent, and to whom.
    `gone_reason`: why its port cannot be used, "" where it can. `pollers` and these may be looked
    at from any thread.
    """

    def __init__(
        self,
        bus: BusConfig,
        devices: Sequence[DeviceConfig],
        clock: Now,
        deliver: Callable[[PolledScan], bool],
        stop: threading.Event,
        random: Callable[[], float] = lambda: 0.5,
        learned: Learned | None = None,
    ) -> None:
        super().__init__(name=f"bus-{bus.name}", daemon=True)
        self.bus = bus
        self.dropped = 0
        self.missed = 0
        self.unasked_bytes = 0
        self.jobs = Jobs()
        self.loans = Loans()
        self.last_turn_mono_ms = mono_ms()
        self._clock = clock
        self._deliver = deliver
        self._stop_event = stop
        mine = [device for device in devices if device.bus == bus.name]
        self.counters = BusCounters.of(bus, mine)
        self._counts = [self.counters.by_device[device.name] for device in mine]
        self._link = Link(_patient(bus, mine))
        self._reopen_ms = 0
        self._reopen_delay_ms = MIN_REOPEN_MS
        self.gone_reason = ""
        self._notice = ""
        self._told_other_master = False
        line = _line_of(bus)
        self.pollers = tuple(
            DevicePoller(device, line, _keeping_of(device, learned)) for device in mine
        )
        rhythms = [Rhythm(p.device.poll_ms, p.device.priority) for p in self.pollers]
        self._schedule = Schedule(rhythms, self.last_turn_mono_ms, random)

    def run(self) -> None:
        """Until `stop`; a failure of a device or port is a scan, anything else ends the thread."""
        if self.bus.is_serial:
            keep_time()
        try:
            while not self._stop_event.is_set():
                self._turn()
        finally:
            self.jobs.close(f"bus {self.bus.name} has ended")
            self.loans.end("the agent ends")
            self._link.close()

    @property
    def other_master(self) -> str:
        """What somebody else asked on this line, in words; "" where nobody did."""
        return self._link.other_master

    @property
    def frames(self) -> tuple[bytes, bytes]:
        """The newest request as it was sent, and what was heard; for jobs, within their step."""
        return self._link.frames

    def close_port(self) -> None:
        """From the main thread, when the heartbeat stands still."""
        self._link.abandon()

    def _turn(self) -> None:
        now_ms = self._beat()
        self.loans.look(now_ms, self._link.close)
        number = self._schedule.next(now_ms)
        if number is None:
            if not self.jobs.step(self._for_others, now_ms):
                self._link.release_idle()
                self.jobs.wait(self._schedule.wait_ms(now_ms) / 1000.0)
            return
        self._poll_one(number, now_ms)
        self.jobs.step(self._for_others, self._beat())

    def _poll_one(self, number: int, now_ms: int) -> None:
        poller = self.pollers[number]
        scan = self._poll(poller, now_ms)
        ended_ms = self._beat()
        self._counts[number].polled(ended_ms - now_ms)
        done = self._schedule.done(number, now_ms, ended_ms, poller.outcome)
        self.missed += done.missed
        if done.again:
            return  # busy: its last value stands until it answers, or its period is over
        if poller.outcome is Outcome.BUSY:
            poller.stayed_busy()
        if self._notice:
            scan, self._notice = scan._replace(notice=self._notice), ""
        if not self._deliver(scan):
            self.dropped += 1

    def _beat(self) -> int:
        self.last_turn_mono_ms = mono_ms()
        return self.last_turn_mono_ms

    def _poll(self, poller: DevicePoller, now_ms: int) -> PolledScan:
        if self.loans.current is not None or now_ms < self._reopen_ms:
            return poller.port_gone(self._clock)
        scan = poller.poll(self._exchange, self._clock)
        if scan.quality == Quality.BAD_PORT:
            self._reopen_ms = self._beat() + self._reopen_delay_ms
            self._reopen_delay_ms = min(2 * self._reopen_delay_ms, MAX_REOPEN_MS)
        self._look_for_strangers()
        return scan

    def _for_others(self, asked: Asked, *, learn: bool = True) -> Answer:
        """A job's request. After a lost one each device proves anew that it is in step."""
        loan = self.loans.current
        if loan is not None:
            return PortGone(lent_to(loan))
        if self._beat() < self._reopen_ms:
            return PortGone(self.gone_reason or f"bus {self.bus.name}: its port is gone")
        answer = self._exchange(asked, learn=learn)
        if isinstance(answer, NoAnswer | Damaged):
            for poller in self.pollers:
                poller.out_of_step()
        return answer

    def _exchange(self, asked: Asked, *, learn: bool = True) -> Answer:
        self._beat()
        answer = self._link.exchange(asked, learn=learn)
        reason = answer.reason if isinstance(answer, PortGone) else ""
        if not reason:
            self._reopen_delay_ms = MIN_REOPEN_MS
            about = self._link.asked or asked
            self.counters.count(about, answer, self._link.frames, self.last_turn_mono_ms)
        if reason != self.gone_reason:
            self.gone_reason = reason
            if reason:
                _log.error("bus %s: %s", self.bus.name, reason)
            else:
                _log.info("bus %s: port is back", self.bus.name)
        return answer

    def _look_for_strangers(self) -> None:
        """Who may have sent what nobody asked for must prove anew that it is in step.

        Another master is said once.
        """
        self.unasked_bytes = self._link.unasked
        if self._link.strangers:
            for poller in self.pollers:
                if self._link.strangers.intersection(poller.units):
                    poller.out_of_step()
            self._link.strangers.clear()
        if self._link.other_master and not self._told_other_master:
            self._told_other_master = True
            self._notice = f"bus {self.bus.name}: {self._link.other_master}"
            _log.error(
                "bus %s: another master talks on this line, it sent %s: requests of two masters"
                " destroy each other; take one of them off the line",
                self.bus.name,
                self._link.other_master,
            )


def lent_to(loan: Loan) -> str:
    """Why nobody else can ask on a bus that is lent, and the remedy."""
    return f"bus {loan.bus} is lent to {loan.who}: {loan.reason}; edge-agent bus release {loan.bus}"


def _patient(bus: BusConfig, devices: Sequence[DeviceConfig]) -> BusConfig:
    """With the gaps that its instruments are known to leave within an answer."""
    known_s = max((device.profile.link.frame_gap_ms / 1000 for device in devices), default=0.0)
    return replace(bus, gap_s=max(bus.gap_s, known_s))


def _line_of(bus: BusConfig) -> Line:
    """An answer is dated back by its time on the wire, and by the silence that was waited for."""
    if not bus.is_serial:
        return Line(transactions=bus.kind == "tcp")
    line, silence_ms = line_of(bus), 1000.0 * timing_of(bus).silence_s

    def wire_ms(block: Block) -> float:
        return line.answer_chars(block) * line.char_ms + silence_ms

    return Line(transactions=False, wire_ms=wire_ms)


def _keeping_of(device: DeviceConfig, learned: Learned | None) -> Keeping:
    if learned is None:
        return Keeping()
    serial, profile = device.serial, device.profile.id
    return Keeping(
        learned.refused(serial, profile),
        lambda names: learned.remember(serial, profile, names),
    )
