"""How often a log line is told: at once, then by a count each ten minutes. Pure.

A bus that is dead says so with each poll; a disk must not be filled by it. Lines are the same where
their template and their words are: numbers in them do not count. Beside that all lines together
have a limit a minute, so that texts that differ each time cannot fill it either. A line logged with
`extra={"is_told_each": True}` is never folded: who was served, what was done.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

FOLD_MS: Final = 600_000
MINUTE_MS: Final = 60_000
MOST_A_MINUTE: Final = 120
MOST_KEYS: Final = 512
Key = tuple[str, ...]


@dataclass(slots=True)
class _Told:
    """A line that was told, when, and how often it came since; `record`: the last of those."""

    at_ms: int
    again: int = 0
    record: logging.LogRecord | None = None


class Repeats:
    """For one thread at a time (a handler's lock sees to it)."""

    def __init__(self) -> None:
        self._told: dict[Key, _Told] = {}
        self._minute_ms = 0
        self._in_minute = 0
        self._left_out = 0

    def take(self, record: logging.LogRecord, now_ms: int) -> list[logging.LogRecord]:
        """What is to be told now that this line came: counts that are due, then it, or nothing."""
        due = self.due(now_ms)
        if record.levelno >= logging.CRITICAL or getattr(record, "is_told_each", False):
            return [*due, record]
        key = key_of(record)
        known = self._told.get(key)
        if known is not None:
            known.again += 1
            known.record = record
            return due
        if self._in_minute >= MOST_A_MINUTE:
            self._left_out += 1
            return due
        self._in_minute += 1
        if len(self._told) >= MOST_KEYS:  # the oldest: dict keeps the order in which they came
            due += _counted(self._told.pop(next(iter(self._told))), now_ms)
        self._told[key] = _Told(now_ms)
        return [*due, record]

    def due(self, now_ms: int) -> list[logging.LogRecord]:
        """Counts of lines whose ten minutes are over; a line that came no more is forgotten."""
        told: list[logging.LogRecord] = []
        for key, one in list(self._told.items()):
            if now_ms - one.at_ms < FOLD_MS:
                continue
            told += _counted(one, now_ms)
            del self._told[key]
            if one.again:
                self._told[key] = _Told(now_ms)
        if now_ms - self._minute_ms >= MINUTE_MS:
            if self._left_out:
                told.append(_line(f"{self._left_out} more lines were left out: too many a minute"))
            self._minute_ms, self._in_minute, self._left_out = now_ms, 0, 0
        return told

    def rest(self, now_ms: int) -> list[logging.LogRecord]:
        """At the end: counts that wait."""
        waiting = [line for one in self._told.values() for line in _counted(one, now_ms)]
        self._told.clear()
        return waiting


def key_of(record: logging.LogRecord) -> Key:
    """What makes two lines the same: where, how bad, the template, and its words."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    words = (f"{each}" for each in arguments if not isinstance(each, (int, float)))
    text = tuple("".join(c for c in word[:200] if not c.isdigit()) for word in words)
    return (record.name, str(record.levelno), f"{record.msg}"[:300], *text)


def _counted(one: _Told, now_ms: int) -> list[logging.LogRecord]:
    if one.record is None:
        return []
    minutes = max(1, round((now_ms - one.at_ms) / 60_000))
    times = "once more" if one.again == 1 else f"{one.again} times more"
    record = logging.makeLogRecord(one.record.__dict__)
    record.msg, record.args = f"{one.record.getMessage()} ({times} in {minutes} min)", ()
    return [record]


def _line(text: str) -> logging.LogRecord:
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, (), None)
