"""One thread a bus: polls its devices at a fixed rate, delivers every scan, keeps the port."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.config import BusConfig, DeviceConfig
from edge_agent.link import Answer, Link, PortGone
from edge_agent.poller import DevicePoller, Now, PolledScan
from protocols.metering.quality import Quality
from protocols.modbus.frames import Request

__all__ = ["BusThread", "PolledScan"]

MIN_REOPEN_MS: Final = 1_000
MAX_REOPEN_MS: Final = 15_000
MAX_WAIT_MS: Final = 1_000
"""A turn of the thread waits no longer, so that its heartbeat says something."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Slot:
    """A device's place in the schedule: a grid of `poll_ms` from the thread's start."""

    poller: DevicePoller
    due_ms: int

    def next_due_ms(self, now_ms: int) -> int:
        """The next point of the grid, so that nothing drifts.

        One poll may be caught up late, older ones are missed; a backoff counts from now.
        """
        period = self.poller.device.poll_ms
        periods = (now_ms - self.due_ms) // period
        backoff = self.poller.delay_ms() - period
        if backoff:
            periods += -(-backoff // period) + 1
        return self.due_ms + max(1, periods) * period


class BusThread(threading.Thread):
    """Owns the port. Polls by due time, then priority, so that no device starves another.

    `last_turn_mono_ms` moves with every request and at least each second; `close_port` frees a
    stuck thread. `dropped` counts scans that `deliver` refused, `missed` polls that came too late.
    """

    def __init__(
        self,
        bus: BusConfig,
        devices: Sequence[DeviceConfig],
        clock: Now,
        deliver: Callable[[PolledScan], bool],
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"bus-{bus.name}", daemon=True)
        self.bus = bus
        self.dropped = 0
        self.missed = 0
        self.last_turn_mono_ms = clock.now().mono_ms
        self._clock = clock
        self._deliver = deliver
        self._stop_event = stop
        self._link = Link(bus)
        self._reopen_ms = 0
        self._reopen_delay_ms = MIN_REOPEN_MS
        self._gone_reason = ""
        self._slots = [
            _Slot(DevicePoller(device, serial_line=bus.kind == "rtu"), self.last_turn_mono_ms)
            for device in devices
            if device.bus == bus.name
        ]

    def run(self) -> None:
        """Until `stop`; a failure of a device or port is a scan, anything else ends the thread."""
        try:
            while not self._stop_event.is_set():
                self._turn()
        finally:
            self._link.close()

    def close_port(self) -> None:
        """From the main thread, when the heartbeat stands still."""
        self._link.abandon()

    def _turn(self) -> None:
        now_ms = self._beat()
        slot = min(
            self._slots,
            key=lambda slot: (slot.due_ms, slot.poller.device.priority),
            default=None,
        )
        wait_ms = MAX_WAIT_MS if slot is None else min(slot.due_ms - now_ms, MAX_WAIT_MS)
        if slot is None or wait_ms > 0:
            self._stop_event.wait(wait_ms / 1000.0)
            return
        scan = self._poll(slot.poller, now_ms)
        due_ms = slot.next_due_ms(self._beat())
        if not slot.poller.failures:
            self.missed += (due_ms - slot.due_ms) // slot.poller.device.poll_ms - 1
        slot.due_ms = due_ms
        if not self._deliver(scan):
            self.dropped += 1

    def _beat(self) -> int:
        self.last_turn_mono_ms = self._clock.now().mono_ms
        return self.last_turn_mono_ms

    def _poll(self, poller: DevicePoller, now_ms: int) -> PolledScan:
        if now_ms < self._reopen_ms:
            return poller.port_gone(self._clock)
        scan = poller.poll(self._exchange, self._clock)
        if scan.quality == Quality.BAD_PORT:
            self._reopen_ms = self._beat() + self._reopen_delay_ms
            self._reopen_delay_ms = min(2 * self._reopen_delay_ms, MAX_REOPEN_MS)
        return scan

    def _exchange(self, request: Request) -> Answer:
        self._beat()
        answer = self._link.exchange(request)
        reason = answer.reason if isinstance(answer, PortGone) else ""
        if not reason:
            self._reopen_delay_ms = MIN_REOPEN_MS
        if reason != self._gone_reason:
            self._gone_reason = reason
            if reason:
                _log.error("bus %s: %s", self.bus.name, reason)
            else:
                _log.info("bus %s: port is back", self.bus.name)
        return answer
