"""The plant at wall speed: one lock around it, the machine's clock under it."""

import threading
import time
from typing import Any

from simulators.framing import Respond
from simulators.plant import Plant, Start
from simulators.respond import respond
from simulators.site import Site


def mono_ms() -> int:
    """CLOCK_BOOTTIME in ms, the clock that the agent's instants count by too."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class RunningPlant:
    """Thread-safe: each bus has a thread of its own."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._plant = Plant(site, Start(mono_ms(), time.time_ns() // 1_000_000))
        self._lock = threading.Lock()

    def responder(self, bus: str) -> Respond:
        """How the instruments of one bus answer, each with the values of the moment it is asked."""
        instruments = self.site.on_bus(bus)

        def answer(unit: int, pdu: bytes) -> bytes | None:
            with self._lock:
                moment = self._plant.advance_to(mono_ms())
                return respond(self._plant, instruments, moment, unit, pdu)

        return answer

    def advance(self) -> None:
        """Let the gas flow up to now, so that a poll finds little left to integrate."""
        with self._lock:
            self._plant.advance_to(mono_ms())

    def books(self) -> dict[str, Any]:
        """The books up to now."""
        with self._lock:
            self._plant.advance_to(mono_ms())
            return self._plant.books()
