"""A device of a profile on a real TCP port of its own, as `edge-sim serve` would serve it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from protocols.modbus.answer import Checked, check_answer
from protocols.registers.profile import Profile
from simulators.fault_plan import parse_faults
from simulators.faults import FaultyExchange
from simulators.framing import TCP
from simulators.plausible import Given, Now, Plausible
from simulators.served_device import ServedDevice
from simulators.tcp_bus import TcpBus, TcpKind

NOON_MS = 1_785_585_600_000  # 2026-08-01T12:00:00Z
UNIT = 1
HOUR_MS = 3_600_000


class Served:
    """The device, and its clock less UTC; `utc_ms` None: the machine's own time."""

    def __init__(
        self, profile: Profile, given: Mapping[str, Given] | None = None, seed: int = 1
    ) -> None:
        self.device = ServedDevice(profile, UNIT, Plausible(profile, seed, given or {}))
        self.offset_ms = 0
        self.utc_ms: int | None = NOON_MS
        self.silent = False
        self.asked = 0

    def now(self) -> Now:
        """Totals began when the clock of the test began, a day before noon."""
        utc_ms = time.time_ns() // 1_000_000 if self.utc_ms is None else self.utc_ms
        elapsed_ms = utc_ms - NOON_MS + 24 * HOUR_MS
        return Now(elapsed_ms, elapsed_ms, utc_ms + self.offset_ms)

    def answer(self, unit: int, pdu: bytes) -> bytes | None:
        self.asked += 1
        return None if self.silent else self.device.answer(unit, pdu, self.now())

    def exchange(self, asked) -> Checked:  # type: ignore[no-untyped-def]
        """Without a port: the answer that a link would give."""
        pdu = self.answer(asked.unit, asked.pdu)
        assert pdu is not None
        return check_answer(asked, asked.unit, pdu)


@contextmanager
def serving(served: Served) -> Iterator[int]:
    """The port it answers on."""
    stop = threading.Event()
    exchange = FaultyExchange(TCP, served.answer, parse_faults(""), 1, lambda: 0)
    bus = TcpBus("127.0.0.1", 0, exchange, stop, TcpKind(TCP))
    bus.start()
    try:
        yield bus.port
    finally:
        stop.set()
        bus.join(5)
