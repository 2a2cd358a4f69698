"""What is found in a damaged journal: which leaves, and what a run's state can be made from. Pure.

A leaf is known by its place: the epoch and seq that it was recorded under first.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.leaf import Kind, Leaf, Log, decode_leaf, encode_leaf, leaf_hash
from protocols.evidence.merkle import Frontier
from protocols.evidence.note import unverified_checkpoint
from protocols.evidence.upload import decode_upload, open_leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edge_agent.journal.sqlite_pages import Record


class Place(NamedTuple):
    """Of a leaf in its log, as it was recorded first."""

    epoch: int
    seq: int


class Found(NamedTuple):
    """A leaf whose hash fits."""

    place: Place
    hash: bytes
    data: bytes
    leaf: Leaf


class SealedAt(NamedTuple):
    """A receipted batch, and the page that holds it."""

    log: Log
    epoch: int
    first: int
    size: int
    page: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log of the damaged journal ended, and its receipts."""

    epoch: int
    size: int
    receipted: int
    checkpoint: bytes | None = None
    receipt: bytes | None = None


def head_of(row: Sequence[Any]) -> Head:
    """Of a whole row of the table `log`."""
    return Head(row[1], row[2], row[5], row[7], row[8])


class Ranges:
    """A set of seqs, as disjoint ranges: leaves are found nearly in order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, first: int, end: int) -> None:
        at = bisect_right(self._starts, first)
        if at and self._ends[at - 1] >= first:
            at -= 1
            first = self._starts[at]
            end = max(end, self._ends[at])
        until = at
        while until < len(self._starts) and self._starts[until] <= end:
            end = max(end, self._ends[until])
            until += 1
        self._starts[at:until], self._ends[at:until] = [first], [end]

    def missing(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """What of first..end-1 is not in the set."""
        for start, stop in zip(self._starts, self._ends, strict=True):
            if stop > first and start < end:
                if start > first:
                    yield first, start
                first = max(first, stop)
        if first < end:
            yield first, end

    @property
    def end(self) -> int:
        """Behind the last one; 0 where there is none."""
        return self._ends[-1] if self._ends else 0

    @property
    def first(self) -> int:
        return self._starts[0] if self._starts else 0


@dataclass
class Finds:
    """Of all pages that were read. `own`: by log and epoch, the seqs at which leaves stand."""

    gateway: str
    own: dict[tuple[Log, int], Ranges] = field(default_factory=dict)
    intervals: dict[str, tuple[Place, Leaf]] = field(default_factory=dict)  # newest of each run
    configured: dict[str, Place] = field(default_factory=dict)  # newest of each run
    configs: dict[bytes, Leaf] = field(default_factory=dict)
    maps: dict[bytes, Leaf] = field(default_factory=dict)
    sealed: list[SealedAt] = field(default_factory=list)
    newest: tuple[int, int] = (-1, 0)  # boot and ms of the newest scan
    count: int = 0
    known: dict[Log, int] = field(default_factory=dict)  # sizes, as the journal said
    others: int = 0  # leaves of another gateway

    def leaf(self, record: Record) -> Found | None:
        """The leaf that a row is, if it is one of this gateway and whole."""
        if len(record) not in (3, 5):
            return None
        hashed, data = record[-2:]
        if type(hashed) is not bytes or type(data) is not bytes or leaf_hash(data) != hashed:
            return None
        try:
            leaf = decode_leaf(data)
        except Malformed:
            return None
        if leaf.gateway != self.gateway:
            self.others += 1
            return None
        return Found(place_of(leaf), hashed, data, leaf)

    def take(self, found: Found) -> None:
        """Remember that it is there, and what it tells."""
        leaf, log = found.leaf, found.leaf.kind.log
        self.count += 1
        self.own.setdefault((log, leaf.epoch), Ranges()).add(leaf.seq, leaf.seq + 1)
        self.tells(leaf)

    def tells(self, leaf: Leaf) -> None:
        """Of runs, configurations and moments: also of a leaf that has a receipt."""
        place, run = place_of(leaf), leaf.subject
        if leaf.kind is Kind.SCAN:
            self.newest = max(self.newest, (leaf.boot_no, leaf.mono_ms))
        elif leaf.kind is Kind.INTERVAL:
            if run not in self.intervals or self.intervals[run][0] < place:
                self.intervals[run] = (place, leaf)
        elif leaf.kind is Kind.CONFIGURATION and run:
            self.configured[run] = max(self.configured.get(run, place), place)
            self.configs[leaf.reference] = leaf
        elif leaf.kind is Kind.REGISTER_MAP:
            self.maps[leaf.reference] = leaf

    def newest_sealed(self, log: Log, most: int) -> list[SealedAt]:
        """The newest receipted batches of a log, oldest first."""
        found = sorted({s for s in self.sealed if s.log is log}, key=lambda s: (s.epoch, s.size))
        return found[-most:]

    def note_batch(self, record: Record, page: int) -> None:
        """Remember a batch's place, if the row looks like one; whether it is whole is looked at
        when it is wanted."""
        sealed = _sealed_at(record, page)
        if sealed is not None:
            self.sealed.append(sealed)


def _sealed_at(record: Record, page: int) -> SealedAt | None:
    if len(record) != 9 or record[0] not in (Log.BILLING.value, Log.TELEMETRY.value):
        return None
    match record[:4]:
        case (str(log), int(epoch), int(first), int(size)):
            return SealedAt(Log(log), epoch, first, size, page)
        case _:
            return None


def place_of(leaf: Leaf) -> Place:
    """Where it was recorded first."""
    return Place(leaf.epoch, leaf.seq) if leaf.was is None else Place(leaf.was.epoch, leaf.was.seq)


def merged(ranges: Iterable[tuple[int, int]], most: int) -> list[tuple[int, int, int]]:
    """At most `most` ranges (first, end, how many of it are lost): the last takes in the rest."""
    result: list[tuple[int, int, int]] = []
    for first, end in ranges:
        if len(result) < most:
            result.append((first, end, end - first))
        else:
            start, _, count = result[-1]
            result[-1] = (start, end, count + end - first)
    return result


def is_whole_batch(record: Record) -> bool:
    """Whether a row of nine columns is a receipted batch whose leaves lead to its signed root."""
    match record:
        case (
            str(log), int(epoch), int(first), int(size), int(), bytes(frontier), bytes(checkpoint),
            bytes(), bytes(data),
        ):  # fmt: skip
            try:
                upload = decode_upload(data)
                sealed = unverified_checkpoint(upload.checkpoint)
                kept = unverified_checkpoint(checkpoint)
                after = Frontier.from_bytes(first, frontier)
                leaves = open_leaves(upload, size)
                for hole in upload.holes:
                    ahead = [leaf for leaf in leaves if after.size <= leaf.seq < hole.first]
                    after = after.extend(leaf_hash(encode_leaf(leaf)) for leaf in ahead)
                    after = after.extend_hole(hole)
                rest = [leaf for leaf in leaves if leaf.seq >= after.size]
                after = after.extend(leaf_hash(encode_leaf(leaf)) for leaf in rest)
            except EvidenceError:
                return False
            origin = upload.origin
            named = (origin.log.value, origin.epoch, upload.first) == (log, epoch, first)
            roots = (sealed.size, sealed.root) == (size, after.root())
            return named and roots and kept.origin == origin
        case _:
            return False
