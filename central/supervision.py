"""What systemd is told (sd_notify(3)): ready, alive while event loop and ledger turn, stopping.

A turn of the ledger counts that was tried: a full disk is no reason for a restart. The event loop
tells by its own turning: it is who sends.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final

FEEDS: Final = 4
"""So often within the watchdog's time."""
LEDGER_DEADLINE_S: Final = 600.0
"""One step of the ledger: a batch of a slow disk. It looks at least so often."""
_log = logging.getLogger("central")


def monotonic_s() -> float:
    """Seconds of a clock that no one sets."""
    return time.monotonic()


class Supervisor:
    """Without $NOTIFY_SOCKET nothing is sent. No send waits; one that fails is told once."""

    def __init__(self, address: str = "", watchdog_s: float = 0.0) -> None:
        self._address = address
        self._watchdog_s = watchdog_s
        self._failed = False

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Supervisor:
        """As it told this process."""
        usec = environ.get("WATCHDOG_USEC", "")
        is_mine = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        watches = is_mine and usec.isascii() and usec.isdigit() and len(usec) < 19
        return cls(environ.get("NOTIFY_SOCKET", ""), int(usec) / 1e6 if watches else 0.0)

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={' '.join(status.split())}")

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=uploads that are running finish")

    async def feed(self, ledger_turn_s: Callable[[], float]) -> None:
        """Until it is cancelled; not while the ledger stands still."""
        if not self._watchdog_s:
            return
        was_stuck = False
        while True:
            stands_s = monotonic_s() - ledger_turn_s()
            is_stuck = stands_s > LEDGER_DEADLINE_S
            if is_stuck and not was_stuck:
                _log.critical(
                    "the ledger has made no turn for %.0f s: the watchdog is not fed", stands_s
                )
            was_stuck = is_stuck
            if not is_stuck:
                self._send("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_s / FEEDS)

    def _send(self, text: str) -> None:
        if not self._address:
            return
        name = self._address
        place = "\0" + name[1:] if name.startswith("@") else name
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), place)
        except OSError as error:
            if not self._failed:
                self._failed = True
                _log.warning("the supervisor at %s is not told: %s", name, error)
