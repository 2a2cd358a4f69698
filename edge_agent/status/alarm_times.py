"""Since when an alarm is on that was told before the agent started: the log has it.

Searched from the newest leaf back, once for each alarm and bounded; what is not found so near stays
without a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.journal.newest import NewestReader
from edge_agent.journal.reader import ReadFailed
from protocols.evidence.leaf import Kind, Leaf, Log
from protocols.metering.events import OFF, ON

if TYPE_CHECKING:
    from edge_agent.status.model import Alarm

MOST_LOOKED: Final = 5_000  # leaves: two days of eight runs; the agent polls on meanwhile
MAX_DETAIL: Final = 500
Key = tuple[str, str]
Begun = tuple[int | None, str]


def begun_of(leaves: Iterable[Leaf], wanted: frozenset[Key]) -> dict[Key, Begun]:
    """When each of them went on last, UTC ms, and the event's detail; of leaves newest first."""
    found: dict[Key, Begun] = {}
    for leaf in leaves:
        if found.keys() == wanted:
            break
        if leaf.kind is not Kind.EVENT:
            continue
        match leaf.body:
            case (str(code), old, new, _who, str(detail)) if (old, new) == (OFF, ON):
                key = (code, leaf.subject)
                if key in wanted and key not in found:
                    found[key] = (leaf.utc_ms, detail[:MAX_DETAIL])
    return found


class AlarmTimes:
    """Of one journal; thread-safe. What was looked for once is not looked for again."""

    def __init__(self, journal: Path, gateway: str) -> None:
        self._journal = journal
        self._gateway = gateway
        self._known: dict[Key, Begun] = {}
        self._lock = threading.Lock()

    def told(self, alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
        """The same alarms, with their times and details as far as the log tells."""
        alarms = tuple(alarms)
        missing = frozenset((one.code, one.subject) for one in alarms if one.since_ms is None)
        if not missing:
            return alarms
        with self._lock:
            for key in self._known.keys() - missing:  # it is over: it may come again
                del self._known[key]
            unknown = missing - self._known.keys()
            if unknown:
                self._known |= dict.fromkeys(unknown, (None, "")) | self._search(unknown)
            known = dict(self._known)
        return tuple(_with_time(one, known.get((one.code, one.subject))) for one in alarms)

    def _search(self, wanted: frozenset[Key]) -> dict[Key, Begun]:
        try:
            reader = NewestReader(self._journal, self._gateway)
        except ReadFailed:
            return {}
        try:
            with closing(reader.leaves(Log.BILLING)) as leaves:
                limited = (leaf for leaf, _ in zip(leaves, range(MOST_LOOKED), strict=False))
                return begun_of(limited, wanted)
        except ReadFailed:
            return {}
        finally:
            reader.close()


def _with_time(alarm: Alarm, begun: Begun | None) -> Alarm:
    if alarm.since_ms is not None or begun is None:
        return alarm
    since_ms, detail = begun
    return replace(alarm, since_ms=since_ms, detail=alarm.detail or detail)
