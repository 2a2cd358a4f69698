"""The receipted history of a journal that was put aside comes back a few batches a turn.

Central holds it; the technician's report and a central that was restored from a backup want it. A
batch counts only if its leaves lead to the root that was signed. What there is no room for stays in
the file that was put aside.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3  # noqa: TID251  # rows of the journal, on its own connection
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.journal.draft import Draft
from edge_agent.journal.journal import FILE_NAME
from edge_agent.salvage import quarantine
from edge_agent.salvage.damaged_file import DamagedFile
from edge_agent.salvage.finds import is_whole_batch

if TYPE_CHECKING:
    from edge_agent.journal.draft import Salts
    from edge_agent.journal.sqlite_pages import Record
    from edge_agent.recording.reopening import Desk

MOST_PAGES: Final = 256  # of one turn
MOST_BATCHES: Final = 4
LEAST_FREE_BYTES: Final = 64 * 1024 * 1024
_INSERT: Final = (
    "INSERT OR IGNORE INTO batch (log, epoch, first, size, receipt_time_s, frontier, checkpoint, "
    "receipt, upload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_log = logging.getLogger(__name__)


class History:
    """Begins at the first page after each start: what is there already is left alone."""

    def __init__(self, desk: Desk, salts: Salts, state_dir: Path) -> None:
        self.is_done = False
        self._desk = desk
        self._salts = salts
        self._state_dir = state_dir
        self._page = 1

    def step(self) -> bool:
        """A few batches more; False where the commit had to be given up."""
        try:
            waiting = quarantine.with_history(self._state_dir, FILE_NAME)
            self.is_done = not waiting
            if not waiting:
                return True
            free = shutil.disk_usage(self._state_dir).free
            rows = self._next(waiting[0] / FILE_NAME) if free > LEAST_FREE_BYTES else None
            if rows is None:
                quarantine.mark(waiting[0], quarantine.DONE)
                quarantine.prune(self._state_dir)
                self._page = 1
                return True
        except OSError as error:
            _log.warning("the history in the damaged journal is left there: %s", error)
            self.is_done = True
            return True
        if not rows:
            return True

        def also(connection: sqlite3.Connection) -> None:
            connection.executemany(_INSERT, rows)

        return self._desk.store(Draft(self._desk.memory, self._salts), also)

    def _next(self, path: Path) -> list[Record] | None:
        """Whole batches of the next pages; None behind the last one."""
        rows: list[Record] = []
        with closing(DamagedFile(path)) as file:
            if self._page > file.pages.last:
                return None
            end = min(self._page + MOST_PAGES, file.pages.last + 1)
            while self._page < end and len(rows) < MOST_BATCHES:
                records = file.pages.records(self._page)
                rows += [record for record in records if is_whole_batch(record)]
                self._page += 1
        return rows
