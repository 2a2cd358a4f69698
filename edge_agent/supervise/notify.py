"""What systemd is told (sd_notify(3)): datagrams of `NAME=value` lines to $NOTIFY_SOCKET.

Without a supervisor nothing is sent. A datagram that cannot be sent is told once in the log: a
supervisor that is gone must not hold up a poll, so no send waits.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from typing import Final

MAX_STATUS: Final = 200
"""Characters of the one line that `systemctl status` shows."""
_log = logging.getLogger(__name__)


class Notifier:
    """For the main thread alone: systemd believes the main process, and one order of messages."""

    def __init__(self, address: str = "", watchdog_ms: int = 0) -> None:
        """`address`: a path, or `@name` of the abstract kind; `watchdog_ms`: 0 for none."""
        self.watchdog_ms = watchdog_ms
        self._address = address
        self._failed = False
        self._said = ""

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Notifier:
        """As the supervisor told this process; a child of it is not meant by $WATCHDOG_PID."""
        usec = environ.get("WATCHDOG_USEC", "")
        is_mine = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        is_number = usec.isascii() and usec.isdigit() and len(usec) < 19
        watchdog_ms = int(usec) // 1000 if is_number and is_mine else 0
        return cls(environ.get("NOTIFY_SOCKET", ""), watchdog_ms)

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def status(self, status: str) -> None:
        """Sent where it is another one."""
        if status != self._said:
            self._said = status
            self._send(f"STATUS={_line(status)}")

    def alive(self) -> None:
        """Feed the watchdog, where one watches."""
        if self.watchdog_ms:
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=closes the intervals, then ends")

    def reloading(self, now_mono_ms: int) -> None:
        """`now_mono_ms` of CLOCK_MONOTONIC, as systemd wants it."""
        self._send(
            f"RELOADING=1\nMONOTONIC_USEC={1000 * now_mono_ms}\nSTATUS=reads its configuration"
        )

    def extend(self, by_s: float) -> None:
        """A start or an end that makes progress may take so much longer."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(1_000_000 * by_s)}")

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


def _line(text: str) -> str:
    return " ".join(text.split())[:MAX_STATUS]
