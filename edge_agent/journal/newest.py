"""The leaves of a log from its newest back: what a technician wants to see first.

Beside a running agent or without one, by a connection that cannot write. Rows that have no receipt
yet come first, then the sealed batches, newest first; whoever asks ends it where he has enough, so
that nobody reads a year of leaves for the events of an hour.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Final, NamedTuple

from edge_agent.journal.reader import JournalReader
from edge_agent.journal.rows import Row
from protocols.evidence.leaf import Leaf, Log
from protocols.evidence.note import unverified_checkpoint
from protocols.evidence.upload import decode_upload, open_leaves

PAGE: Final = 256  # rows at a time
MOST_LOOKED: Final = 500_000  # leaves: more is a matter for `export`
_log = logging.getLogger(__name__)
_SELECT: Final = {
    Log.BILLING: "SELECT seq, hash, leaf FROM billing WHERE seq < ? ORDER BY seq DESC LIMIT ?",
    Log.TELEMETRY: "SELECT seq, hash, leaf FROM telemetry WHERE seq < ? ORDER BY seq DESC LIMIT ?",
}
_SELECT_BATCHES: Final = (
    "SELECT rowid, receipt_time_s FROM batch WHERE log = ? ORDER BY receipt_time_s DESC, first DESC"
)
_SELECT_UPLOAD: Final = "SELECT upload FROM batch WHERE rowid = ?"
_COUNT: Final = (
    "SELECT log, count(*), sum(length(upload)), min(receipt_time_s), max(receipt_time_s) "
    "FROM batch GROUP BY log"
)
_RECENT: Final = (
    "SELECT first, size, receipt_time_s FROM batch WHERE log = ? "
    "ORDER BY receipt_time_s DESC, first DESC LIMIT ?"
)
MAX_SEQ: Final = 1 << 62


class Sealed(NamedTuple):
    """The sealed batches of a log: how many, their bytes, oldest and newest receipt, UTC s."""

    batches: int
    bytes: int
    oldest_s: int
    newest_s: int


class NewestReader(JournalReader):
    """For one thread. Raises ReadFailed from each of its methods."""

    def leaves(self, log: Log, receipted_s: int = 0) -> Generator[Leaf]:
        """Newest first, at most MOST_LOOKED; without the batches that got a receipt before.

        A damaged row is named in the log of the program, and left out.
        """
        with self._reading(), self._snapshot():
            yield from islice(self._all(log, receipted_s), MOST_LOOKED)

    def sealed(self) -> dict[Log, Sealed]:
        """What is held of the leaves that have a receipt."""
        with self._reading():
            rows = self._connection.execute(_COUNT).fetchall()
        return {Log(row[0]): Sealed(*row[1:]) for row in rows}

    def recent(self, log: Log, most: int) -> list[tuple[int, int]]:
        """The newest sealed batches: their leaves, and their receipt's time, UTC s."""
        with self._reading():
            rows = self._connection.execute(_RECENT, (log.value, most)).fetchall()
        return [(size - first, time_s) for first, size, time_s in rows]

    def free_bytes(self) -> int:
        """In the file: pages that hold nothing any more, and are used again first."""
        with self._reading():
            size, free = (
                self._connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_size", "freelist_count")
            )
        return int(size * free)

    def oldest_row(self, log: Log) -> Leaf | None:
        """The oldest leaf without a receipt that is held whole; None where all have one."""
        with self._reading(), self._snapshot():
            state = self._state(log)
            first = state.receipted.size
            select = f"SELECT seq, hash, leaf FROM {log.value} WHERE seq >= ? ORDER BY seq LIMIT ?"  # noqa: S608
            for row in self._connection.execute(select, (first, PAGE)):
                leaf = Row(*row).leaf(state.origin)
                if leaf is not None:
                    return leaf
        return None

    def _all(self, log: Log, receipted_s: int) -> Iterator[Leaf]:
        yield from self._rows(log)
        batches = self._connection.execute(_SELECT_BATCHES, (log.value,))
        for rowid, time_s in batches:
            if time_s < receipted_s:
                return
            self._within_time()
            (data,) = self._connection.execute(_SELECT_UPLOAD, (rowid,)).fetchone()
            upload = decode_upload(data)
            size = unverified_checkpoint(upload.checkpoint).size
            yield from reversed(open_leaves(upload, size))

    def _rows(self, log: Log) -> Iterator[Leaf]:
        origin, before = self._state(log).origin, MAX_SEQ
        while True:
            self._within_time()
            rows = self._connection.execute(_SELECT[log], (before, PAGE)).fetchall()
            for row in (Row(*each) for each in rows):
                leaf = row.leaf(origin)
                if leaf is None:
                    _log.error("%s: row %d of %s is damaged, and left out",
                               self._path, row.first, log.value)  # fmt: skip
                else:
                    yield leaf
            if len(rows) < PAGE:
                return
            before = rows[-1][0]
