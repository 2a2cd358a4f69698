"""What uplink and report read: consecutive leaves, frontiers, and where the receipts end.

A connection of its own that can neither write nor checkpoint; each answer is one snapshot. Leaves
behind the receipts come out of their sealed batches: central may have been restored from a backup.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3  # noqa: TID251  # the journal's shell
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

from edge_agent.journal import BUSY_TIMEOUT_MS
from edge_agent.journal_memory import load_memory
from edge_agent.memory import Memory
from edge_agent.schema import VERSION
from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.leaf import Leaf, Log, Origin, decode_leaf, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, Frontier
from protocols.evidence.note import unverified_checkpoint
from protocols.evidence.upload import decode_upload, open_leaves

_SELECT_LEAVES = {
    Log.BILLING: "SELECT seq, leaf FROM billing WHERE seq >= ? AND seq < ? ORDER BY seq",
    Log.TELEMETRY: "SELECT seq, leaf FROM telemetry WHERE seq >= ? AND seq < ? ORDER BY seq",
}
_SELECT_BATCHES = (
    "SELECT size, upload FROM batch WHERE log = ? AND receipt_time_s >= ? ORDER BY epoch, first"
)


class ReadFailed(Exception):  # noqa: N818  # what happened is the name
    """The journal did not give what it should hold: the disk, or a damaged row."""


class LogState(NamedTuple):
    """A log in one snapshot: its frontier, and that of the leaves that have a receipt."""

    origin: Origin
    frontier: Frontier
    receipted: Frontier


class Cut(NamedTuple):
    """Consecutive leaves after `before`, and the log that they were cut from."""

    state: LogState
    before: Frontier
    leaves: list[Leaf]


class JournalReader:
    """For one thread."""

    def __init__(self, path: Path, gateway: str) -> None:
        """Open beside the writer. Raises ReadFailed."""
        self._path = path
        self._gateway = gateway
        with self._reading():
            self._connection = sqlite3.connect(
                path.absolute().as_uri() + ("?immutable=1" if _is_alone(path) else "?mode=ro"),
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")

    def close(self) -> None:
        self._connection.close()

    def state(self, log: Log) -> LogState:
        """Where the log and its receipts end. Raises ReadFailed."""
        with self._reading():
            return self._state(log)

    def cut(self, log: Log, first: int | None, most: int, most_bytes: int) -> Cut | None:
        """At most `most` leaves from `first` on (None: after the receipts), at least one if any.

        None where they are no longer held. Raises ReadFailed.
        """
        with self._reading(), self._snapshot():
            state = self._state(log)
            if first is None or first == state.receipted.size:
                return Cut(state, state.receipted, self._rows(state, most, most_bytes))
            if first > state.receipted.size:
                raise ReadFailed(f"{state.origin} has no receipt up to {first}")
            held = self._sealed(state, first)
            if held is None:
                return None
            before, leaves = held
            return Cut(state, before, leaves[:most])

    def frontier_at(self, log: Log, size: int) -> Frontier | None:
        """The log's frontier at an earlier size; None where unknown. Raises ReadFailed."""
        with self._reading(), self._snapshot():
            state = self._state(log)
            if size > state.frontier.size:
                return None
            if size < state.receipted.size:
                held = self._sealed(state, size)
                return held[0] if held else None
            frontier = state.receipted
            rows = self._connection.execute(_SELECT_LEAVES[log], (frontier.size, size))
            frontier = frontier.extend(leaf_hash(data) for _seq, data in rows)
            if frontier.size != size:
                raise ReadFailed(f"{state.origin} lacks leaves below {size}")
            return frontier

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

        A leaf is older than its receipt. Raises ReadFailed.
        """
        with self._reading(), self._snapshot():
            state = self._state(Log.BILLING)
            rows = self._connection.execute(_SELECT_BATCHES, (Log.BILLING.value, receipted_s))
            for size, data in rows:
                yield from open_leaves(decode_upload(data), size)
            unsent = state.frontier.size - state.receipted.size
            yield from self._rows(state, unsent, sys.maxsize)

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

    def _rows(self, state: LogState, most: int, most_bytes: int) -> list[Leaf]:
        first = state.receipted.size
        leaves: list[Leaf] = []
        rows = self._connection.execute(
            _SELECT_LEAVES[state.origin.log], (first, min(first + most, state.frontier.size))
        )
        for seq, data in rows:
            leaf = decode_leaf(data)
            if seq != first + len(leaves) or (leaf.seq, leaf.origin()) != (seq, state.origin):
                raise ReadFailed(f"{state.origin}: row {seq} is not the leaf that belongs there")
            most_bytes -= len(data)
            if most_bytes < 0 and leaves:
                break
            leaves.append(leaf)
        return leaves

    def _sealed(self, state: LogState, first: int) -> tuple[Frontier, list[Leaf]] | None:
        """The frontier at `first` and the rest of the sealed batch that holds it."""
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
        skipped = (leaf_hash(encode_leaf(leaf)) for leaf in leaves[: first - start])
        return Frontier.from_bytes(start, frontier).extend(skipped), leaves[first - start :]

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, EvidenceError) as error:
            what = "damaged" if isinstance(error, Malformed) else "not readable"
            raise ReadFailed(f"{self._path} is {what}: {error}") from error


def _is_alone(path: Path) -> bool:
    """No writer has it open, and we may not make the file beside it that a second one would need.

    SQLite then refuses to read a WAL journal, unless it is told that nobody writes.
    """
    return not path.with_name(f"{path.name}-wal").exists() and not os.access(path.parent, os.W_OK)
