"""Makes room when the journal is full, and tells what the disk is like.

In the recorder's thread, between two tries of a tick. Every step gives something back or is the
last: so a full disk ends in waiting, with polls in the queue, and never in a loop.
"""

from __future__ import annotations

import logging
import sqlite3  # noqa: TID251  # rows of the journal, on its own connection
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from edge_agent.journal.disk_forecast import Sample, days_left, is_filling, with_sample
from edge_agent.journal.eviction import change_rows, oldest_unreceipted
from edge_agent.journal.journal import CommitFailed
from edge_agent.journal.memory import RowChange
from edge_agent.journal.space import checkpoint
from edge_agent.recording.losses import record_disk, record_evicted

if TYPE_CHECKING:
    from edge_agent.journal.draft import Draft
    from edge_agent.journal.journal import Journal
    from edge_agent.journal.space import Space
    from protocols.metering.instant import Instant

FULL: Final = "disk_full"
RESERVE: Final = "disk_reserve"
FILLING: Final = "disk_filling"
HOLD_MS: Final = 3_600_000  # evictions further apart are told apart
LOOK_MS: Final = 10_000  # how often it is asked whether there is room again
T = TypeVar("T")
Also = Callable[[sqlite3.Connection], None]
_log = logging.getLogger(__name__)


class Room:
    """Of one journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._samples: tuple[Sample, ...] = ()
        self._looked_ms: int | None = None
        self._evicted_ms: int | None = None  # when something unsent had to go

    @property
    def days_left(self) -> float | None:
        """Until something unsent has to go, at the rate of the last day. From any thread."""
        return days_left(self._samples)

    @property
    def space(self) -> Space:
        """How large the journal may become."""
        return self._journal.space

    def make(self) -> bool:
        """Without any loss: ballast, receipted batches, and last the reserve where nothing else is
        left. True where a tick may be tried again.
        """
        return self._tried(self._make, otherwise=False)

    def evictable(self) -> RowChange | None:
        """Unsent telemetry that has to go now; None where none may, or where it would not help."""
        return self._tried(self._evictable, otherwise=None)

    def _tried(self, step: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """A disk that fails beside is tried again with the tick. Raises JournalDamaged."""
        try:
            return self._journal.look(step)
        except CommitFailed as error:
            _log.warning("no room is made: %s", error)
            return otherwise

    def _make(self, connection: sqlite3.Connection) -> bool:
        journal, space = self._journal, self._journal.space
        if space.is_tight:
            space.relax(connection)
            if not space.is_tight:
                return True
        if space.tighten(connection):
            _log.error("%s: its file system is full; the ballast is given up", journal.path)
            return True
        checkpoint(connection)
        if not space.is_enough(connection) and journal.drop_receipted():
            checkpoint(connection)
            return True
        if self._evictable(connection) is not None:
            return False
        if space.open_reserve(connection):
            _log.error("%s: nothing but unsent billing is left; the reserve is used", journal.path)
            return True
        return False

    def _evictable(self, connection: sqlite3.Connection) -> RowChange | None:
        if self._journal.space.is_enough(connection):
            return None
        gone = oldest_unreceipted(connection)
        return None if gone is None else RowChange((gone,))

    def record(self, draft: Draft, change: RowChange, instant: Instant) -> Also:
        """The loss in a draft of its own; what its transaction has to do beside."""
        for gone in change.gone:
            record_evicted(draft, gone, instant)
        record_disk(draft, self._conditions(draft) | {FULL: "unsent scans go"}, instant)
        return partial(change_rows, change=change)

    def evicted(self, instant: Instant) -> None:
        """That was committed."""
        self._evicted_ms = instant.mono_ms
        checkpoint(self._journal.connection)

    def look(self, draft: Draft, instant: Instant) -> None:
        """Now and then: whether there is room again, and for how long; events where that is new."""
        now_ms = instant.mono_ms
        if self._looked_ms is not None and 0 <= now_ms - self._looked_ms < LOOK_MS:
            return
        self._looked_ms = now_ms
        self._tried(partial(self._look, now_ms), otherwise=None)
        record_disk(draft, self._conditions(draft), instant)

    def _look(self, now_ms: int, connection: sqlite3.Connection) -> None:
        space = self._journal.space
        was_full = self._evicted_ms is not None or space.is_tight or space.in_reserve
        if was_full and space.relax(connection):
            over_ms = now_ms - (self._evicted_ms or 0)
            self._evicted_ms = None if over_ms >= HOLD_MS else self._evicted_ms
        usage = space.usage(connection, self._journal.sealed_bytes)
        # the files' own growth takes no room of theirs: a new journal's log grows to its size
        on_disk = usage.disk_free + usage.files - usage.unsent
        sample = Sample(now_ms, usage.limit - usage.unsent, on_disk)
        self._samples = with_sample(self._samples, sample)

    def _conditions(self, draft: Draft) -> dict[str, str]:
        """What is to be told now, by its event's code, with the detail."""
        space = self._journal.space
        found = {}
        if self._evicted_ms is not None or space.is_tight:
            free = f"{space.disk_free()} bytes free on its file system"
            found[FULL] = f"the journal has no room; {free}"
        if space.in_reserve:
            found[RESERVE] = "nothing but unsent billing is left to keep; free disk space"
        days = days_left(self._samples)
        if days is not None and is_filling(days, FILLING in draft.disk):
            found[FILLING] = f"full in {days:.1f} days at the rate of the last day"
        return found
