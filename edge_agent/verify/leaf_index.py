"""Leaves of an export by epoch and seq, out of its verified uploads; few are kept decoded."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from protocols.evidence.errors import NotHeld
from protocols.evidence.leaf import Leaf, Log, encode_leaf, leaf_hash
from protocols.evidence.upload import decode_upload, open_leaves

MAX_KEPT_LEAVES: Final = 30_000
ABSENT: Final = "scans_absent"
HASHES_ONLY: Final = "scans_hashes"


class Batch(NamedTuple):
    """A verified upload of the export: leaves ``first`` .. ``size`` - 1."""

    first: int
    size: int
    part: str
    offset: int


class Repeated(NamedTuple):
    """A row of leaves that were recorded first as ``was_first`` .. of another epoch."""

    was_first: int
    leaves: int
    epoch: int
    first: int


class LeafIndex:
    """Finds leaves; ``read`` gives the bytes of an upload by part and offset."""

    def __init__(self, read: Callable[[str, int], bytes]) -> None:
        self._read = read
        self._batches: defaultdict[tuple[Log, int], list[Batch]] = defaultdict(list)
        self._repeated: defaultdict[int, list[Repeated]] = defaultdict(list)
        self._kept: OrderedDict[tuple[str, int], dict[int, Leaf]] = OrderedDict()
        self._kept_leaves = 0

    def add(self, log: Log, epoch: int, batch: Batch) -> None:
        """A verified upload; those of one log and epoch come in order."""
        self._batches[log, epoch].append(batch)

    def repeats(self, leaf: Leaf) -> None:
        """A scan that was recorded first in another epoch."""
        if leaf.was is None:
            return
        rows = self._repeated[leaf.was.epoch]
        last = rows[-1] if rows else None
        if (
            last is not None
            and last.epoch == leaf.epoch
            and (last.was_first + last.leaves, last.first + last.leaves) == (leaf.was.seq, leaf.seq)
        ):
            rows[-1] = last._replace(leaves=last.leaves + 1)
        else:
            rows.append(Repeated(leaf.was.seq, 1, leaf.epoch, leaf.seq))

    def scans(self, epoch: int, first: int, end: int) -> Iterator[tuple[int, Leaf]]:
        """The scans that count as ``first`` .. ``end`` - 1 in this epoch; raises NotHeld."""
        at = first
        while at < end:
            found = self._batch(Log.TELEMETRY, epoch, at)
            if found is None:
                row = self._repeat_at(epoch, at)
                stop = min(end, row.was_first + row.leaves)
                shift = row.was_first - row.first
                for seq, leaf in self.scans(row.epoch, at - shift, stop - shift):
                    yield seq + shift, leaf
                at = stop
                continue
            leaves = self._leaves(found)
            for seq in range(at, min(end, found.size)):
                if seq not in leaves:
                    raise NotHeld(HASHES_ONLY)
                yield seq, leaves[seq]
            at = min(end, found.size)

    def billing_hash(self, epoch: int, seq: int) -> bytes | None:
        """The hash of a billing leaf; None where the export does not hold it."""
        found = self._batch(Log.BILLING, epoch, seq)
        leaf = None if found is None else self._leaves(found).get(seq)
        return None if leaf is None else leaf_hash(encode_leaf(leaf))

    def _batch(self, log: Log, epoch: int, seq: int) -> Batch | None:
        batches = self._batches.get((log, epoch), [])
        at = bisect_right(batches, seq, key=lambda batch: batch.first) - 1
        return batches[at] if at >= 0 and seq < batches[at].size else None

    def _repeat_at(self, epoch: int, seq: int) -> Repeated:
        for row in self._repeated.get(epoch, ()):
            if row.was_first <= seq < row.was_first + row.leaves:
                return row
        raise NotHeld(ABSENT)

    def _leaves(self, batch: Batch) -> dict[int, Leaf]:
        key = batch.part, batch.offset
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        upload = decode_upload(self._read(batch.part, batch.offset))
        leaves = {leaf.seq: leaf for leaf in open_leaves(upload, batch.size)}
        self._kept[key] = leaves
        self._kept_leaves += len(leaves)
        while len(self._kept) > 1 and self._kept_leaves > MAX_KEPT_LEAVES:
            self._kept_leaves -= len(self._kept.popitem(last=False)[1])
        return leaves
