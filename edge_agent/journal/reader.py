"""What uplink and report read: consecutive leaves, frontiers, and where the receipts end.

A connection of its own that can neither write nor checkpoint; each answer is one snapshot. Leaves
behind the receipts come out of their sealed batches: central may have been restored from a backup.

A snapshot holds up the writer's checkpoints, never its commits; it ends after LONGEST_MS.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3  # noqa: TID251  # the journal's shell
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.clock import mono_ms
from edge_agent.journal.beside import Beside, is_changing
from edge_agent.journal.damage import is_damaged
from edge_agent.journal.memory import Memory
from edge_agent.journal.memory_rows import READ_ERRORS
from edge_agent.journal.memory_store import load_memory
from edge_agent.journal.rows import (
    MOST_LEAVES,
    extend_stored,
    read_range,
    read_rows,
    whole_holes,
)
from edge_agent.journal.schema import VERSION
from edge_agent.journal.sharing import why_not
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import Leaf, Log, Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, Frontier, Hole
from protocols.evidence.note import unverified_checkpoint
from protocols.evidence.upload import decode_upload, open_leaves

LONGEST_MS: Final = 60_000
"""Of one snapshot. What is committed meanwhile stays in the write-ahead log."""
_log = logging.getLogger(__name__)
_SELECT_BATCHES = (
    "SELECT size, upload FROM batch WHERE log = ? AND receipt_time_s >= ? ORDER BY epoch, first"
)


class ReadFailed(Exception):  # noqa: N818  # what happened is the name
    """The journal did not give what it should hold: the disk, or a damaged row."""


class ReadDamaged(ReadFailed):
    """The file is not what was written: the recorder should look at it."""


class LogState(NamedTuple):
    """A log in one snapshot: its frontier, and that of the leaves that have a receipt."""

    origin: Origin
    frontier: Frontier
    receipted: Frontier


class Cut(NamedTuple):
    """What follows `before`: leaves and holes without a gap, and the log that they were cut from.

    They end before the first row that is missing or not what was recorded there; `damaged` are the
    seqs of those, as far as was looked. They want `Recorder.damaged`, and then another cut.
    """

    state: LogState
    before: Frontier
    leaves: list[Leaf]
    holes: tuple[Hole, ...] = ()
    damaged: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """The log's size after it."""
        leaf_end = self.leaves[-1].seq + 1 if self.leaves else self.before.size
        return max(leaf_end, self.holes[-1].end if self.holes else 0)

    def shortened(self, most: int) -> Cut:
        """Its first `most` leaves, with the holes between them."""
        if len(self.leaves) <= most:
            return self
        leaves = self.leaves[:most]
        holes = tuple(hole for hole in self.holes if hole.end <= leaves[-1].seq)
        return self._replace(leaves=leaves, holes=holes)


class StoredBatch(NamedTuple):
    """A receipted batch as it was sent, and the tree after it."""

    upload: bytes
    checkpoint: bytes
    after: Frontier


class LastReceipt(NamedTuple):
    """Where the receipts of a log end; empty bytes where there is none."""

    origin: Origin
    frontier: Frontier
    checkpoint: bytes
    receipt: bytes


class JournalReader:
    """For one thread."""

    def __init__(self, path: Path, gateway: str) -> None:
        """Open beside the writer. Raises ReadFailed."""
        self._path = path
        self._gateway = gateway
        self._beside = Beside(path)
        self._began_ms = 0  # of the snapshot
        with self._reading():
            pass

    def close(self) -> None:
        self._beside.close()

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._beside.connection

    def state(self, log: Log) -> LogState:
        """Where the log and its receipts end. Raises ReadFailed."""
        with self._reading():
            return self._state(log)

    def cut(self, log: Log, first: int | None, most: int, most_bytes: int) -> Cut | None:
        """At most `most` leaves from `first` on (None: after the receipts), those in holes counted;
        at least one leaf or hole, if there is any.

        None where they are no longer held. Raises ReadFailed.
        """
        with self._reading(), self._snapshot():
            state = self._state(log)
            if first is None or first == state.receipted.size:
                first = state.receipted.size
                within = (first, min(first + min(most, MOST_LEAVES), state.frontier.size))
                read = read_range(self._connection, state.origin, within, most_bytes)
                return Cut(state, state.receipted, *read)
            if first > state.receipted.size:
                raise ReadFailed(f"{state.origin} has no receipt up to {first}")
            held = self._sealed(state, first)
            return None if held is None else held.shortened(most)

    def frontier_at(self, log: Log, size: int) -> Frontier | None:
        """The log's frontier at an earlier size, by the stored hashes; None where it is unknown.

        Raises ReadFailed.
        """
        with self._reading(), self._snapshot():
            state = self._state(log)
            if size > state.frontier.size:
                return None
            if size < state.receipted.size:
                held = self._sealed(state, size)
                return held.before if held else None
            of = (log, state.origin.epoch)
            return extend_stored(self._connection, of, state.receipted, size)

    def cut_on(self, log: Log, before: Frontier, most: int, most_bytes: int) -> Cut:
        """As `cut`, from anywhere behind the receipts whose frontier is known. Raises ReadFailed.

        Rows that got a receipt meanwhile are damaged, for this reader: look at the state.
        """
        with self._reading(), self._snapshot():
            state = self._state(log)
            within = (before.size, min(before.size + min(most, MOST_LEAVES), state.frontier.size))
            read = read_range(self._connection, state.origin, within, most_bytes)
            return Cut(state, before, *read)

    def frontier_after(self, log: Log, before: Frontier, most: int) -> Frontier | None:
        """About `most` rows on, by the stored hashes; None where some are missing.

        Raises ReadFailed.
        """
        with self._reading(), self._snapshot():
            state = self._state(log)
            within = (before.size, min(before.size + most, state.frontier.size))
            _, end = whole_holes(self._connection, state.origin, within)
            return extend_stored(self._connection, (log, state.origin.epoch), before, end)

    def stored_batch(self, log: Log, first: int) -> StoredBatch | None:
        """The sealed batch that begins there, as it was sent. Raises ReadFailed."""
        with self._reading(), self._snapshot():
            row = self._connection.execute(
                "SELECT batch.size, batch.frontier, upload FROM batch JOIN log USING (log, epoch) "
                "WHERE log = ? AND first = ?",
                (log.value, first),
            ).fetchone()
            if row is None:
                return None
            upload = decode_upload(row[2])
            leaves = open_leaves(upload, row[0])
            before = Frontier.from_bytes(first, row[1])
            return StoredBatch(row[2], upload.checkpoint, extend(before, leaves, upload.holes))

    def held_from(self, log: Log) -> int:
        """From where on everything can still be sent. Raises ReadFailed."""
        with self._reading(), self._snapshot():
            held: int = self._state(log).receipted.size
            rows = self._connection.execute(
                "SELECT first, batch.size FROM batch JOIN log USING (log, epoch) WHERE log = ? "
                "ORDER BY first DESC",
                (log.value,),
            )
            for first, size in rows:
                if size != held:
                    break
                held = first
            return held

    def last_receipt(self, log: Log) -> LastReceipt:
        """The newest receipt, and the tree that it is for. Raises ReadFailed."""
        with self._reading(), self._snapshot():
            state = self._state(log)
            row = self._connection.execute(
                "SELECT checkpoint, receipt FROM log WHERE log = ?", (log.value,)
            ).fetchone()
            checkpoint, receipt = row or (None, None)
            return LastReceipt(state.origin, state.receipted, checkpoint or b"", receipt or b"")

    def memory(self) -> Memory:
        """Runs and configurations as the last commit stored them. Raises ReadFailed."""
        with self._reading(), self._snapshot():
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version != VERSION:
                raise ReadFailed(
                    f"{self._path} has schema {version}, this program needs {VERSION}; run "
                    "edge-agent migrate, of the newer of two programs"
                )
            try:
                return load_memory(self._connection, self._gateway, "", 0, lambda: 0)
            except (EvidenceError, ValueError) as error:
                raise ReadFailed(f"{self._path}: {error}") from error

    def billing_since(self, receipted_s: int) -> Generator[Leaf]:
        """The billing log, oldest first, less the batches that got a receipt before that time.

        A leaf is older than its receipt. A damaged row is named in the log of the program, and
        left out. Raises ReadFailed.
        """
        with self._reading(), self._snapshot():
            state = self._state(Log.BILLING)
            rows = self._connection.execute(_SELECT_BATCHES, (Log.BILLING.value, receipted_s))
            for size, data in rows:
                self._within_time()
                yield from open_leaves(decode_upload(data), size)
            within = (state.receipted.size, state.frontier.size)
            for row in read_rows(self._connection, Log.BILLING, *within):
                self._within_time()
                leaf = row.leaf(state.origin)
                if leaf is None:
                    _log.error(
                        "%s: row %d of billing is damaged, and left out", self._path, row.first
                    )
                else:
                    yield leaf

    def _state(self, log: Log) -> LogState:
        row = self._connection.execute(
            "SELECT epoch, size, frontier, receipted_size, receipted_frontier FROM log "
            "WHERE log = ?",
            (log.value,),
        ).fetchone()
        if row is None:
            return LogState(Origin(self._gateway, log, 0), EMPTY, EMPTY)
        epoch, size, frontier, receipted_size, receipted = row
        return LogState(
            Origin(self._gateway, log, epoch),
            Frontier.from_bytes(size, frontier),
            Frontier.from_bytes(receipted_size, receipted),
        )

    def _sealed(self, state: LogState, first: int) -> Cut | None:
        """The frontier at `first` and the rest of the sealed batch that holds it.

        None where no batch does, or where its leaves are in a hole there.
        """
        row = self._connection.execute(
            "SELECT first, frontier, upload FROM batch WHERE log = ? AND epoch = ? AND first <= ? "
            "ORDER BY first DESC LIMIT 1",
            (state.origin.log.value, state.origin.epoch, first),
        ).fetchone()
        if row is None:
            return None
        start, frontier, data = row
        upload = decode_upload(data)
        size = unverified_checkpoint(upload.checkpoint).size
        if size <= first:
            return None
        leaves = open_leaves(upload, size)
        skipped = [leaf for leaf in leaves if leaf.seq < first]
        holes = [hole for hole in upload.holes if hole.first < first]
        before = extend(Frontier.from_bytes(start, frontier), skipped, holes)
        if before.size != first:
            return None
        return Cut(state, before, leaves[len(skipped) :], upload.holes[len(holes) :])

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._began_ms = mono_ms()
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    def _within_time(self) -> None:
        """To be asked at each step of a long reading. Raises ReadFailed."""
        if mono_ms() - self._began_ms > LONGEST_MS:
            raise ReadFailed(
                f"{self._path}: read for more than {LONGEST_MS // 1000} s, and the agent goes "
                "before; ask for a shorter time"
            )

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            self._beside.follow()
            yield
            self._still_so()
        except (EvidenceError, *READ_ERRORS) as error:
            self._still_so()
            if isinstance(error, EvidenceError) or is_damaged(error, self._path):
                raise ReadDamaged(f"{self._path} is damaged: {error}") from error
            raise self._not_readable(error) from error
        except (sqlite3.Error, OSError) as error:
            raise self._not_readable(error) from error

    def _not_readable(self, error: Exception) -> ReadFailed:
        closed = why_not(self._path)
        if closed:
            return ReadFailed(closed)
        again = "; an agent begins or ends just now: ask again, or start it"
        return ReadFailed(
            f"{self._path} is not readable: {error}{again if is_changing(error) else ''}"
        )

    def _still_so(self) -> None:
        """A file that was read without a lock must be the same still. Raises ReadFailed."""
        if not self._beside.is_as_it_was():
            raise ReadFailed(f"{self._path}: the agent began to write meanwhile; ask again")


def extend(before: Frontier, leaves: Sequence[Leaf], holes: Iterable[Hole]) -> Frontier:
    """The tree after leaves and holes that follow it without a gap. Raises Malformed."""
    for hole in holes:
        ahead = [leaf for leaf in leaves if before.size <= leaf.seq < hole.first]
        before = before.extend(_hashes(ahead)).extend_hole(hole)
    return before.extend(_hashes(leaf for leaf in leaves if leaf.seq >= before.size))


def _hashes(leaves: Iterable[Leaf]) -> list[bytes]:
    return [leaf_hash(encode_leaf(leaf)) for leaf in leaves]
