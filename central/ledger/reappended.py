"""Leaves sent again in a later epoch, under new numbers: which are new, and where all are.

A leaf that came before is not taken twice, whichever of its two numbers it first came under. Scans
are taken in order only, before the epoch's own begin: so below `scan_reach` nothing changes any
more, and what an interval is made of does not depend on when the ledger looks.
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, insert, select, update

from central.ledger.alarms import Alarm, AlarmCode
from central.ledger.batches import BatchReader
from central.store.gap_tables import reappended, scan_reach
from protocols.evidence.leaf import MAX_SEQ, Leaf, Origin, Was, encode_leaf, leaf_hash

MAX_LISTED: Final = 10
"""Alarms of one batch."""


class Again(Enum):
    """What a leaf is that says it was recorded before."""

    NEW = "new"
    HELD = "held"
    OTHER = "other"


class Reach(NamedTuple):
    """How far an epoch's scans are settled."""

    reach: int = 0
    is_native: bool = False


class Taken:
    """What one batch brings again of earlier epochs; `store` writes it as ranges."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._taken: set[Was] = set()
        self._ranges: list[dict[str, int]] = []

    def add(self, seq: int, was: Was) -> None:
        """The leaf `seq` is taken, as the one that `was` names."""
        self._taken.add(was)
        last = self._ranges[-1] if self._ranges else None
        if last is not None and (
            (last["was_epoch"], last["was_end"]) == was[:2]
            and last["first"] + was.seq - last["was_first"] == seq
        ):
            last["was_end"] += 1
            return
        self._ranges.append(
            {"was_epoch": was.epoch, "was_first": was.seq, "was_end": was.seq + 1, "first": seq}
        )

    def judge(self, conn: Connection, reader: BatchReader, was: Was) -> Again:
        """Whether central holds the leaf under its first number, and the same one."""
        if was in self._taken:
            return Again.HELD
        held = list(_held_hashes(conn, reader, self._origin, was))
        if was.hash in held:
            return Again.HELD
        return Again.OTHER if held else Again.NEW

    def store(self, conn: Connection) -> None:
        """Write the ranges; one that continues a range of the batch before makes that longer."""
        table, log = reappended, {"gateway": self._origin.gateway, "log": self._origin.log.value}
        for one in self._ranges:
            grown = conn.execute(
                update(table)
                .where(
                    table.c.gateway == log["gateway"],
                    table.c.log == log["log"],
                    table.c.was_epoch == one["was_epoch"],
                    table.c.was_end == one["was_first"],
                    table.c.epoch == self._origin.epoch,
                    table.c.first + table.c.was_end - table.c.was_first == one["first"],
                )
                .values(was_end=one["was_end"])
            )
            if grown.rowcount == 0:
                conn.execute(insert(table).values(**log, epoch=self._origin.epoch, **one))


def other_alarm(leaf: Leaf, was: Was) -> Alarm:
    """Central holds another leaf under the first number of this one."""
    detail = f"is leaf {was.seq} of epoch {was.epoch} again, but central holds another one there"
    return Alarm(leaf.seq, AlarmCode.SENT_AGAIN, leaf.subject, detail)


def take_scans(
    conn: Connection, reader: BatchReader, origin: Origin, leaves: Sequence[Leaf], size: int
) -> list[Alarm]:
    """Settle a telemetry batch up to its `size`, and take what was sent again in it."""
    is_native = reach_of(conn, origin.gateway, origin.epoch).is_native
    taken, reached = Taken(origin), dict[int, int]()
    alarms: list[Alarm] = []
    for leaf in leaves:
        was = leaf.was
        if was is None:
            is_native = True
            continue
        if was.epoch not in reached:
            reached[was.epoch] = reach_of(conn, origin.gateway, was.epoch).reach
        if not is_native and was.seq >= reached[was.epoch]:
            taken.add(leaf.seq, was)
            reached[was.epoch] = was.seq + 1
        elif len(alarms) < MAX_LISTED and taken.judge(conn, reader, was) is Again.OTHER:
            alarms.append(other_alarm(leaf, was))
    taken.store(conn)
    for epoch, reach in reached.items():
        if reach <= MAX_SEQ:
            _move_reach(conn, origin.gateway, epoch, Reach(reach))
    _move_reach(conn, origin.gateway, origin.epoch, Reach(size, is_native))
    return alarms


def reach_of(conn: Connection, gateway: str, epoch: int) -> Reach:
    """How far an epoch's scans are settled; all of them where a later one's own have begun."""
    table = scan_reach
    later = select(table.c.epoch).where(
        table.c.gateway == gateway, table.c.epoch > epoch, table.c.is_native
    )
    row = conn.execute(
        select(table.c.reach, table.c.is_native).where(
            table.c.gateway == gateway, table.c.epoch == epoch
        )
    ).one_or_none()
    if conn.execute(later.limit(1)).first() is not None:
        return Reach(MAX_SEQ + 1, is_native=True)
    return Reach() if row is None else Reach(*row)


def scans_between(
    conn: Connection, reader: BatchReader, origin: Origin, first: int, end: int
) -> Iterator[list[Leaf]]:
    """What is held of an epoch's leaves `first` .. `end` - 1, with that epoch's numbers.

    What is out of one batch comes together.
    """
    found = 0
    for part in reader.parts(origin, first, end):
        found += len(part)
        yield part
    if found == end - first:
        return
    table = reappended
    rows = conn.execute(
        select(table.c.was_first, table.c.was_end, table.c.epoch, table.c.first)
        .where(*_of(origin), table.c.was_end > first, table.c.was_first < end)
        .order_by(table.c.was_first)
    ).all()
    for was_first, was_end, epoch, at in rows:
        low, high = max(first, was_first), min(end, was_end)
        moved = at - was_first
        again = origin._replace(epoch=epoch)
        for part in reader.parts(again, low + moved, high + moved):
            yield [leaf._replace(seq=leaf.seq - moved) for leaf in part]


def place_of(conn: Connection, origin: Origin, seq: int) -> tuple[int, int]:
    """Epoch and number under which central has a leaf: its own, or those that it came again by."""
    return next(iter(_places(conn, origin, seq)), (origin.epoch, seq))


def _held_hashes(
    conn: Connection, reader: BatchReader, origin: Origin, was: Was
) -> Iterator[bytes]:
    """Hashes of what central holds under this number: in its own log, and sent again."""
    old = origin._replace(epoch=was.epoch)
    for leaf in reader.leaves(old, was.seq, was.seq + 1):
        yield leaf_hash(encode_leaf(leaf))
    for epoch, seq in _places(conn, old, was.seq):
        for leaf in reader.leaves(old._replace(epoch=epoch), seq, seq + 1):
            if leaf.was is not None:
                yield leaf.was.hash


def _places(conn: Connection, origin: Origin, seq: int) -> list[tuple[int, int]]:
    """Epochs and numbers under which a leaf was sent again, oldest first."""
    table = reappended
    rows = conn.execute(
        select(table.c.epoch, table.c.first + seq - table.c.was_first)
        .where(*_of(origin), table.c.was_first <= seq, table.c.was_end > seq)
        .order_by(table.c.epoch, table.c.first)
    )
    return [(epoch, at) for epoch, at in rows]


def _of(origin: Origin) -> tuple[ColumnElement[bool], ...]:
    """The ranges of an epoch's leaves that were sent again later."""
    return (
        reappended.c.gateway == origin.gateway,
        reappended.c.log == origin.log.value,
        reappended.c.was_epoch == origin.epoch,
    )


def _move_reach(conn: Connection, gateway: str, epoch: int, to: Reach) -> None:
    """An epoch whose own scans have begun stays one, whatever comes again of it later."""
    table = scan_reach
    where = (table.c.gateway == gateway, table.c.epoch == epoch)
    moved: dict[str, object] = {"reach": to.reach}
    if to.is_native:
        moved["is_native"] = True
    if conn.execute(update(table).where(*where).values(**moved)).rowcount == 0:
        conn.execute(insert(table).values(gateway=gateway, epoch=epoch, **to._asdict()))
