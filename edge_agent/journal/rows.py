"""Unreceipted leaves as the journal holds them: rows, and holes of which only hashes are left.

Every row carries its leaf hash, which is its checksum: a row that does not fit it is named, and the
others are read on. Rows and holes tile the log from its receipts to its end; what is in neither
is missing, which is damage too.

A hole keeps the hash of each of its leaves while central may hold a part of them whose receipt was
lost on its way (a batch has at most MOST_LEAVES), else those of its perfect subtrees alone.
"""

from __future__ import annotations

import sqlite3  # noqa: TID251  # the journal's shell
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import HASH_BYTES, Leaf, Log, Origin, decode_leaf, leaf_hash
from protocols.evidence.merkle import Frontier, Hole, hole_of, join

MOST_LEAVES: Final = 4096  # that one batch covers, those in holes included
SENT_LEAVES: Final = 768
"""That one batch is cut with. Each leaf takes about a kilobyte while it is sealed, and what that
leaves between its pieces stays (`tests/system/test_memory.py`)."""
_SELECT_ROWS: Final = {
    Log.BILLING: "SELECT seq, hash, leaf FROM billing WHERE seq >= ? AND seq < ? ORDER BY seq",
    Log.TELEMETRY: "SELECT seq, hash, leaf FROM telemetry WHERE seq >= ? AND seq < ? ORDER BY seq",
}
_SELECT_HASHES: Final = {
    Log.BILLING: "SELECT seq, hash FROM billing WHERE seq >= ? AND seq < ? ORDER BY seq",
    Log.TELEMETRY: "SELECT seq, hash FROM telemetry WHERE seq >= ? AND seq < ? ORDER BY seq",
}
_SELECT_HOLES: Final = (
    'SELECT first, "end", hashes FROM hole WHERE log = ? AND epoch = ? AND "end" > ? AND first < ? '
    "ORDER BY first"
)


class Row(NamedTuple):
    """One stored leaf, as it is stored."""

    first: int
    hash: bytes
    data: bytes

    @property
    def end(self) -> int:
        return self.first + 1

    @property
    def is_whole(self) -> bool:
        """The leaf fits its hash."""
        return leaf_hash(self.data) == self.hash

    def leaf(self, origin: Origin) -> Leaf | None:
        """The leaf; None where the row is not what was recorded there."""
        if not self.is_whole:
            return None
        try:
            leaf = decode_leaf(self.data)
        except Malformed:
            return None
        return leaf if (leaf.seq, leaf.origin()) == (self.first, origin) else None


class KeptHashes(NamedTuple):
    """Leaves `first` .. `end` - 1, which are gone: the hash of each, or of their subtrees."""

    first: int
    end: int
    hashes: tuple[bytes, ...]

    @property
    def of_leaves(self) -> bool:
        """It can be divided anywhere."""
        return len(self.hashes) == self.end - self.first

    def part(self, first: int, end: int) -> KeptHashes:
        """The part within `first` .. `end`. Raises Malformed where a subtree would be divided."""
        first, end = max(first, self.first), min(end, self.end)
        if (first, end) == (self.first, self.end):
            return self
        if not self.of_leaves:
            raise Malformed(f"hole {self.first} to {self.end} cannot be divided at {first}, {end}")
        return KeptHashes(first, end, self.hashes[first - self.first : end - self.first])

    def hole(self) -> Hole:
        """As it travels. Raises Malformed where the row is damaged."""
        if self.of_leaves:
            return hole_of(self.first, self.hashes)
        hole = Hole(self.first, self.end, self.hashes)
        hole.check()
        return hole

    def to_bytes(self) -> bytes:
        return b"".join(self.hashes)


class Read(NamedTuple):
    """What was read from a seq on: leaves and holes that tile, as far as the first damage.

    `damaged`: seqs of rows that are missing, or not what was recorded there.
    """

    leaves: list[Leaf]
    holes: tuple[Hole, ...]
    damaged: tuple[int, ...]


def read_range(
    connection: sqlite3.Connection, origin: Origin, within: tuple[int, int], most_bytes: int
) -> Read:
    """Rows and holes within two seqs; at least one of them, whatever its bytes, if there is any.

    Raises Malformed for a damaged hole.
    """
    first, end = whole_holes(connection, origin, within)
    leaves: list[Leaf] = []
    holes: list[Hole] = []
    damaged: list[int] = []
    at = first
    for part in _parts(connection, origin, (first, end)):
        damaged += range(at, part.first)
        at = part.end
        if isinstance(part, KeptHashes):
            if not damaged:
                holes.append(part.hole())
            continue
        leaf = part.leaf(origin)
        most_bytes -= len(part.data)
        if most_bytes < 0 and (leaves or holes or damaged):
            break
        if leaf is None:
            damaged.append(part.first)
        elif not damaged:
            leaves.append(leaf)
    else:
        damaged += range(at, end)
    return Read(leaves, joined(holes), tuple(damaged))


def extend_stored(
    connection: sqlite3.Connection,
    of: tuple[Log, int],
    before: Frontier,
    end: int,
    instead: Mapping[int, bytes] = MappingProxyType({}),
) -> Frontier | None:
    """The frontier at `end` of a log and epoch, by the stored hashes, or others `instead`.

    None where some are missing, or `end` would divide a subtree of a hole.
    """
    log, epoch = of
    rows = connection.execute(_SELECT_HASHES[log], (before.size, end))
    holes = read_holes(connection, log, epoch, before.size, end)
    frontier = before
    batch: list[bytes] = []
    parts: Iterable[Row | KeptHashes] = merge(
        (Row(seq, instead.get(seq, hashed), b"") for seq, hashed in rows),
        holes,
        key=attrgetter("first"),
    )
    for part in parts:
        if part.first != frontier.size + len(batch):
            return None
        if isinstance(part, Row):
            batch.append(part.hash)
            if len(batch) < MOST_LEAVES:
                continue
        frontier = frontier.extend(batch)
        batch.clear()
        if isinstance(part, KeptHashes):
            try:
                frontier = frontier.extend_hole(part.part(frontier.size, end).hole())
            except Malformed:
                return None
    frontier = frontier.extend(batch)
    return frontier if frontier.size == end else None


def read_rows(connection: sqlite3.Connection, log: Log, first: int, end: int) -> Iterator[Row]:
    """Those within `first` .. `end`, in order."""
    return (Row(*row) for row in connection.execute(_SELECT_ROWS[log], (first, end)))


def read_holes(
    connection: sqlite3.Connection, log: Log, epoch: int, first: int, end: int
) -> list[KeptHashes]:
    """Those that touch `first` .. `end`, whole, oldest first. Raises Malformed for a torn row."""
    return [
        KeptHashes(start, stop, _split(data))
        for start, stop, data in connection.execute(_SELECT_HOLES, (log.value, epoch, first, end))
    ]


def joined(holes: Iterable[Hole]) -> tuple[Hole, ...]:
    """Neighbours as one, which is how they travel."""
    found: list[Hole] = []
    for hole in holes:
        if found and found[-1].end == hole.first:
            hole = join(found.pop(), hole)
        found.append(hole)
    return tuple(found)


def whole_holes(
    connection: sqlite3.Connection, origin: Origin, within: tuple[int, int]
) -> tuple[int, int]:
    """The range, with its end moved to where no subtree is divided; never to nothing."""
    first, end = within
    for hole in read_holes(connection, origin.log, origin.epoch, first, end):
        if hole.end > end and not hole.of_leaves:
            return (first, hole.first if hole.first > first else hole.end)
    return (first, end)


def _parts(
    connection: sqlite3.Connection, origin: Origin, within: tuple[int, int]
) -> Iterator[Row | KeptHashes]:
    first, end = within
    rows = read_rows(connection, origin.log, first, end)
    kept = read_holes(connection, origin.log, origin.epoch, first, end)
    holes = (each.part(first, end) for each in kept)
    parts: Iterable[Row | KeptHashes] = merge(rows, holes, key=attrgetter("first"))
    yield from parts


def _split(data: bytes) -> tuple[bytes, ...]:
    if not data or len(data) % HASH_BYTES:
        raise Malformed(f"a hole's hashes are {len(data)} bytes")
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))
