"""Carries an opening of an epoch out, on the journal, in the recorder's thread.

Each step is one transaction that also says how far the opening is, so it goes on after a kill where
it stood. Leaves are appended again in bounded pieces: a backlog of 90 days does not fit in memory.
Meanwhile no tick is made; polls wait in the queue, and what it cannot hold is counted.
"""

from __future__ import annotations

import logging
import sqlite3  # noqa: TID251  # rows of the journal, on its own connection
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.memory import Gone
from edge_agent.journal.opening_rows import (
    OldRow,
    Pending,
    Stage,
    begin_in_place,
    forget,
    load_pending,
    next_rows,
    store_pending,
)
from edge_agent.recording.clock_recording import record_clock
from edge_agent.recording.epoch_opening import (
    EPOCH_OPENED,
    Opening,
    at_epoch,
    begin_anew,
    close_runs,
    go_on,
    record_epoch,
)
from edge_agent.recording.losses import record_damaged
from edge_agent.recording.recording import AGENT
from protocols.evidence.errors import Malformed
from protocols.evidence.facts import STALE
from protocols.evidence.leaf import Leaf, Log, decode_leaf, leaf_hash

if TYPE_CHECKING:
    from edge_agent.bus.poller import Now
    from edge_agent.journal.memory import Memory

MOST_LEAVES: Final = 512  # of one transaction; 4,096 leave 4 MB with the process
MOST_BYTES: Final = 64_000
Also = Callable[[sqlite3.Connection], None]
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Desk(Protocol):
    """The recorder, as far as an opening needs it."""

    memory: Memory  # what the last commit stored

    def store(self, draft: Draft, also: Also | None = None) -> bool:
        """Commit a draft, with more in the same transaction; False where it had to be given up."""

    def look(self, read: Callable[[sqlite3.Connection], T]) -> T | None:
        """What `read` finds in the journal; None where it had to be given up."""

    @property
    def is_ending(self) -> bool:
        """The process is to end: what is left waits for the next start."""

    def at_long_work(self) -> AbstractContextManager[None]:
        """Within it a step may take minutes."""


class Reopening(NamedTuple):
    """At whose desk, with which salts and clock."""

    desk: Desk
    salts: Salts
    clock: Now

    def open_in_place(self, opening: Opening, epoch: int) -> bool:
        """Close the runs, then begin the epoch; `carry_on` does the rest. False where given up."""
        draft = Draft(self.desk.memory, self.salts)
        now = self.clock.now()
        record_clock(draft, now)
        close_runs(draft, now)
        if not draft.is_empty and not self.desk.store(draft, None):
            return False
        memory = self.desk.memory
        old_epoch = memory.heads[Log.BILLING].epoch
        _log.warning("epoch %d is opened after %d: %s", epoch, old_epoch, opening.reason.value)
        draft = Draft(at_epoch(memory, epoch), self.salts)
        record_epoch(draft, opening, old_epoch, now)
        if opening.reason in STALE:
            begin_anew(draft)
        return self.desk.store(draft, partial(begin_in_place, pending=Pending(old_epoch)))

    def carry_on(self, fill: Callable[[Pending], bool]) -> bool:
        """Whatever is left of an opening; `fill` reads the survivors of a damaged journal.

        False where it had to be given up.
        """
        while not self.desk.is_ending:
            found = self.desk.look(_waiting)
            if found is None:
                return False
            pending, rows = found
            if pending is None:
                return True
            if pending.stage is Stage.FILL:
                done = fill(pending)
            else:
                done = self._repeat(pending, rows) if rows else self._finish(pending)
            if not done:
                return False
        return False

    def _repeat(self, pending: Pending, rows: list[OldRow]) -> bool:
        """Append some again. A row that is not what was recorded is told as lost."""
        draft, now = Draft(self.desk.memory, self.salts), self.clock.now()
        gaps = self.desk.memory.devices.gaps
        moved = dict(pending.moved_gaps)
        for row in rows:
            leaf = whole_leaf(row)
            if leaf is None:
                gone = Gone(row.log, pending.old_epoch or 0, row.seq, row.seq + 1)
                record_damaged(draft, gone, now)
                continue
            seq = draft.repeat(leaf, row.hash, now)
            if row.log is Log.BILLING and leaf.seq in gaps and leaf.epoch == pending.old_epoch:
                moved[leaf.seq] = seq
        after = replace(pending, moved_gaps=moved, repeated=pending.repeated + len(rows))

        def also(connection: sqlite3.Connection) -> None:
            forget(connection, rows)
            store_pending(connection, after)

        return self.desk.store(draft, also)

    def _finish(self, pending: Pending) -> bool:
        """The runs go on in the new epoch. False where it had to be given up."""
        draft, now = Draft(self.desk.memory, self.salts), self.clock.now()
        record_clock(draft, now)
        go_on(draft, pending.moved_gaps, now)
        epoch = self.desk.memory.heads[Log.BILLING].epoch
        detail = f"{pending.repeated} leaves without a receipt were appended again"
        draft.event(now, EPOCH_OPENED, "", pending.old_epoch, epoch, AGENT, detail)
        draft.urgent = True
        _log.warning("epoch %d goes on: %s", epoch, detail)
        return self.desk.store(draft, partial(store_pending, pending=None))


def _waiting(connection: sqlite3.Connection) -> tuple[Pending | None, list[OldRow]]:
    return load_pending(connection), list(next_rows(connection, MOST_LEAVES, MOST_BYTES))


def whole_leaf(row: OldRow) -> Leaf | None:
    """The leaf where the row is as it was stored."""
    if leaf_hash(row.leaf) != row.hash:
        return None
    try:
        return decode_leaf(row.leaf)
    except Malformed:
        return None
