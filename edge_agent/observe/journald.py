"""Log lines of the running agent: to systemd's journal with fields, else to standard error.

The native protocol (systemd, JOURNAL_NATIVE_PROTOCOL): a datagram an entry, `NAME=value` lines, a
value with line breaks by its length. A journal that takes nothing never holds up a bus: the socket
does not wait, and what was lost is counted and told.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from edge_agent.clock import mono_ms
from edge_agent.observe.repeats import Repeats

SOCKET: Final = Path("/run/systemd/journal/socket")
IDENTIFIER: Final = "edge-agent"
MAX_VALUE: Final = 8192  # bytes of a value; an entry fits one datagram
_PRIORITY: Final = {
    logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7,
}  # fmt: skip
_BUS_THREAD: Final = "bus-"
_FIELDS: Final = {"device": "GAS_DEVICE", "code": "GAS_CODE", "subject": "GAS_SUBJECT"}
"""What a call may say by `extra=`, and the field that it becomes; the bus is its thread's."""


def is_journal(environment: Mapping[str, str], descriptor: int) -> bool:
    """Whether systemd reads what is written there: JOURNAL_STREAM is its device and inode."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """A log line as the journal's fields."""
    message = record.getMessage()
    if record.exc_info:
        message += "\n" + logging.Formatter().formatException(record.exc_info)
    level = max((one for one in _PRIORITY if one <= record.levelno), default=logging.DEBUG)
    fields = {
        "MESSAGE": message,
        "PRIORITY": f"{_PRIORITY[level]}",
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "LOGGER": record.name,
        "CODE_FILE": record.pathname,
        "CODE_LINE": f"{record.lineno}",
        "CODE_FUNC": record.funcName or "",
        "THREAD": record.threadName or "",
    }
    if (record.threadName or "").startswith(_BUS_THREAD):
        fields["GAS_BUS"] = (record.threadName or "").removeprefix(_BUS_THREAD)
    for name, field in _FIELDS.items():
        if (value := getattr(record, name, None)) is not None:
            fields[field] = f"{value}"
    return fields


def encode(fields: Mapping[str, str]) -> bytes:
    """One entry of the native protocol."""
    entry = b""
    for name, value in fields.items():
        data = value.encode("utf-8", "backslashreplace")[:MAX_VALUE]
        if b"\n" in data:
            entry += name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
        else:
            entry += name.encode() + b"=" + data + b"\n"
    return entry


class JournaldHandler(logging.Handler):
    """Sends to the journal's socket. Raises OSError where there is none."""

    def __init__(self, path: Path = SOCKET) -> None:
        super().__init__()
        self._path = path
        self._lost = 0
        path.stat()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def emit(self, record: logging.LogRecord) -> None:
        fields = fields_of(record)
        if self._lost:
            fields["GAS_LINES_LOST"] = f"{self._lost}"
        try:
            # to the path each time: the journal may have been started again
            self._socket.sendto(encode(fields), str(self._path))
            self._lost = 0
        except OSError:  # full or gone: what counts is in the gateway's own log, by leaves
            self._lost += 1

    def close(self) -> None:
        self._socket.close()
        super().close()


class Folded(logging.Handler):
    """Passes on to another handler what `Repeats` lets through."""

    def __init__(self, target: logging.Handler) -> None:
        super().__init__()
        self._target = target
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        for line in self._repeats.take(record, mono_ms()):
            self._target.handle(line)

    def tell_due(self) -> None:
        """Counts that are due, though nothing else is said."""
        self._tell(self._repeats.due)

    def flush(self) -> None:
        self._target.flush()

    def close(self) -> None:
        self._tell(self._repeats.rest)
        self._target.close()
        super().close()

    def _tell(self, which: Callable[[int], list[logging.LogRecord]]) -> None:
        self.acquire()
        try:
            for line in which(mono_ms()):
                self._target.handle(line)
        finally:
            self.release()


def log_of_agent() -> Folded | None:
    """Standard error's handler gives way to one that folds, and that goes to the journal under
    systemd. None where somebody else has set up logging.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
            target: logging.Handler = handler
            if is_journal(os.environ, sys.stderr.fileno()):
                try:
                    target = JournaldHandler()
                except OSError:
                    target = handler  # standard error goes there too, line by line
            folded = Folded(target)
            root.removeHandler(handler)
            root.addHandler(folded)
            return folded
    return None
