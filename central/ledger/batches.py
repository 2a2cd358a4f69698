"""Leaves out of the stored batches, with the last few batches kept decoded."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
from operator import attrgetter
from threading import Lock
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from central.store.database import Store
from central.store.log_tables import batch
from central.store.registry_tables import hole
from protocols.evidence.cbor import Body
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import Leaf, Origin
from protocols.evidence.upload import Upload, decode_upload, open_leaves

MAX_KEPT_LEAVES: Final = 100_000
MAX_KEPT_BYTES: Final = 256 * 1024 * 1024
"""In memory, about. A leaf may hold 16,000 items, and 9 kB of payload a million of them."""
_LEAF_BYTES: Final = 512
_ITEM_BYTES: Final = 64
HASHES_ONLY: Final = "hole"
"""Why leaves are not held: the gateway had only their hashes to send."""
_SEQ: Final = attrgetter("seq")


class Batch(NamedTuple):
    """One stored batch, decoded: its leaves are found by their seqs, because some may be missing.

    `holes`: (first, end) of those, and `why`. A range that no batch covers is one that is all hole.
    """

    first: int
    size: int
    received_ms: int
    leaves: list[Leaf]
    holes: tuple[tuple[int, int], ...] = ()
    why: str = HASHES_ONLY


class DamagedBatch(Exception):  # noqa: N818 - what was found is the name
    """A stored upload is not what was stored; says which, and the remedy."""

    def __init__(self, what: str, received_ms: int) -> None:
        super().__init__(what)
        self.received_ms = received_ms


class Interrupted(Exception):  # noqa: N818 - not an error: the process was told to stop
    """Told to stop in the middle of a long range."""


class BatchReader:
    """Reads batches; keeps at most MAX_KEPT_LEAVES and MAX_KEPT_BYTES (and one batch) decoded."""

    def __init__(self, store: Store, stopped: Callable[[], bool] = lambda: False) -> None:
        self._store = store
        self._stopped = stopped
        self._lock = Lock()
        self._kept: OrderedDict[tuple[Origin, int], tuple[Batch, int]] = OrderedDict()
        self._kept_leaves = 0
        self._kept_bytes = 0

    def batch(self, origin: Origin, first: int) -> Batch:
        """The batch, or the adopted hole, that begins at `first`: there must be one.

        Raises Interrupted when stopped, and DamagedBatch.
        """
        if self._stopped():
            raise Interrupted
        with self._lock:
            kept = self._kept.get((origin, first))
            if kept is not None:
                self._kept.move_to_end((origin, first))
                return kept[0]
        with self._store.engine.connect() as conn:
            found = _read(conn, origin, first)
        with self._lock:
            if (origin, first) not in self._kept:
                size = sum(_LEAF_BYTES + _bytes_of(leaf.body) for leaf in found.leaves)
                self._kept[origin, first] = found, size
                self._kept_leaves += len(found.leaves)
                self._kept_bytes += size
                self._make_room()
        return found

    def _make_room(self) -> None:
        """The batches that were not asked for longest go first; the newest stays."""
        while len(self._kept) > 1 and (
            self._kept_leaves > MAX_KEPT_LEAVES or self._kept_bytes > MAX_KEPT_BYTES
        ):
            _, (batch_, size) = self._kept.popitem(last=False)
            self._kept_leaves -= len(batch_.leaves)
            self._kept_bytes -= size

    def leaves(self, origin: Origin, first: int, end: int) -> Iterator[Leaf]:
        """Those of the leaves `first` .. `end` - 1 that are held."""
        for part in self.parts(origin, first, end):
            yield from part

    def parts(self, origin: Origin, first: int, end: int) -> Iterator[list[Leaf]]:
        """The same, what is out of one batch together."""
        own = (
            batch.c.gateway == origin.gateway,
            batch.c.log == origin.log.value,
            batch.c.epoch == origin.epoch,
        )
        around = select(func.max(batch.c.first)).where(*own, batch.c.first <= first)
        begin = func.coalesce(around.scalar_subquery(), 0)
        with self._store.engine.connect() as conn:
            starts = conn.scalars(
                select(batch.c.first)
                .where(*own, batch.c.first >= begin, batch.c.first < end)
                .order_by(batch.c.first)
            ).all()
        for start in starts:
            leaves = self.batch(origin, start).leaves
            low = bisect_left(leaves, first, key=_SEQ)
            yield leaves[low : bisect_left(leaves, end, lo=low, key=_SEQ)]


def _bytes_of(body: Body) -> int:
    """About what a body takes in memory; a text or bytes that leaves share counts for each."""
    size = _ITEM_BYTES * (1 + len(body))
    for item in body:
        if isinstance(item, tuple):
            size += _bytes_of(item)
        elif isinstance(item, str | bytes):
            size += len(item)
    return size


def _upload_of(stored: bytes, origin: Origin, first: int) -> Upload:
    """Raises Malformed where it is not the upload that was accepted."""
    upload = decode_upload(stored)
    same = upload.origin == origin and upload.first == first
    if not same:
        raise Malformed("it is not the upload that was accepted")
    return upload


def _read(conn: Connection, origin: Origin, first: int) -> Batch:
    row = conn.execute(
        select(batch.c.upload, batch.c.size, batch.c.received_ms).where(
            batch.c.gateway == origin.gateway,
            batch.c.log == origin.log.value,
            batch.c.epoch == origin.epoch,
            batch.c.first == first,
        )
    ).one_or_none()
    if row is None:
        return _adopted(conn, origin, first)
    try:
        upload = _upload_of(row.upload, origin, first)
        leaves = open_leaves(upload, row.size)
    except Malformed as error:
        raise DamagedBatch(
            f"{origin}: the stored batch of leaves {first} to {row.size - 1} is damaged ({error});"
            " restore it from a backup of the store; the log's later leaves wait",
            row.received_ms,
        ) from error
    holes = tuple((hole_.first, hole_.end) for hole_ in upload.holes)
    return Batch(first, row.size, row.received_ms, leaves, holes)


def _adopted(conn: Connection, origin: Origin, first: int) -> Batch:
    """The hole that central adopted after it was restored from an older backup."""
    row = conn.execute(
        select(hole.c.end, hole.c.why, hole.c.at_ms).where(
            hole.c.gateway == origin.gateway,
            hole.c.log == origin.log.value,
            hole.c.epoch == origin.epoch,
            hole.c.first == first,
        )
    ).one()
    return Batch(first, row.end, row.at_ms, [], ((first, row.end),), row.why)
