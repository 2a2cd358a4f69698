"""A new epoch that is being opened, as rows: how far it is, and the leaves that are still to come.

The leaves of the old epoch wait beside the logs: `old_billing` and `old_telemetry` are the former
tables of the logs (the names change places, no row is copied), `survivor` holds what was read out
of a damaged file. Each goes in the transaction that appends it again: a kill doubles nothing.
"""

from __future__ import annotations

import sqlite3  # noqa: TID251  # rows of the journal, on its own connection
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Final, NamedTuple

from edge_agent.journal.memory_rows import DamagedRow, put, renew_log_digests, take
from protocols.evidence import cbor
from protocols.evidence.leaf import Log

_MAX_GAP_BYTES: Final = 4096
_MAX_GAP_ITEMS: Final = 512
_OLD: Final = {Log.BILLING: "old_billing", Log.TELEMETRY: "old_telemetry"}
_SURVIVORS: Final = (
    "SELECT epoch, seq, hash, leaf FROM survivor WHERE log = ? ORDER BY epoch, seq LIMIT ?"
)
_SELECT_OLD: Final = {
    log: f"SELECT seq, hash, leaf FROM {table} ORDER BY seq LIMIT ?"  # noqa: S608  # names above
    for log, table in _OLD.items()
}
_DELETE_OLD: Final = {
    log: f"DELETE FROM {table} WHERE seq = ?"  # noqa: S608  # names above
    for log, table in _OLD.items()
}


class Stage(StrEnum):
    """What is done next."""

    FILL = "fill"
    """Read the survivors out of the damaged files; again from the start after a kill."""
    REPEAT = "repeat"
    """Append them again; then let the runs go on."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An opening that is under way.

    `moved_gaps`: new seqs of gap events by their old ones. `repeated`: leaves so far.
    """

    old_epoch: int | None
    stage: Stage = Stage.REPEAT
    moved_gaps: Mapping[int, int] = field(default_factory=dict)
    repeated: int = 0


class OldRow(NamedTuple):
    """A leaf that waits to be appended again. `epoch` is None where it stands in its own table."""

    log: Log
    epoch: int | None
    seq: int
    hash: bytes
    leaf: bytes


def load_pending(connection: sqlite3.Connection) -> Pending | None:
    """The opening that is under way, if any. Raises DamagedRow."""
    rows = take(connection, "opening")
    if not rows:
        return None
    _, old_epoch, stage, moved, repeated = rows[0]
    pairs = cbor.decode(moved, "moved gaps", _MAX_GAP_BYTES, _MAX_GAP_ITEMS)
    if not isinstance(pairs, tuple):
        raise DamagedRow("the gaps of the opening cannot be read")
    gaps: dict[int, int] = dict(pairs)  # type: ignore[arg-type]  # pairs of integers, by the digest
    return Pending(old_epoch, Stage(stage), gaps, repeated)


def store_pending(connection: sqlite3.Connection, pending: Pending | None) -> None:
    """Within the transaction that brings it so far; None: it is done."""
    if pending is None:
        connection.execute("DELETE FROM opening")
        return
    moved = cbor.encode(tuple(pending.moved_gaps.items()))
    row = (pending.old_epoch, pending.stage.value, moved, pending.repeated)
    put(connection, "opening", [(1, *row)])


def begin_in_place(connection: sqlite3.Connection, pending: Pending) -> None:
    """The logs are empty, and their rows wait; receipts of the old epoch are not the new one's.

    Raises DamagedRow.
    """
    take(connection, "log")
    for log, table in _OLD.items():
        connection.execute(f"ALTER TABLE {log.value} RENAME TO swap_{log.value}")
        connection.execute(f"ALTER TABLE {table} RENAME TO {log.value}")
        connection.execute(f"ALTER TABLE swap_{log.value} RENAME TO {table}")
    connection.execute("DELETE FROM hole")
    connection.execute(
        "UPDATE log SET receipted_size = 0, receipted_frontier = x'', checkpoint = NULL, "
        "receipt = NULL"
    )
    renew_log_digests(connection)
    store_pending(connection, pending)


def next_rows(connection: sqlite3.Connection, most: int, most_bytes: int) -> Iterator[OldRow]:
    """The next ones that wait, at least one if any: billing first, survivors before the rest."""
    for log in _OLD:
        survivors = connection.execute(_SURVIVORS, (log.value, most))
        old = connection.execute(_SELECT_OLD[log], (most,))
        rows = chain(
            (OldRow(log, *row) for row in survivors), (OldRow(log, None, *row) for row in old)
        )
        for row in rows:
            yield row
            most, most_bytes = most - 1, most_bytes - len(row.leaf)
            if most <= 0 or most_bytes <= 0:
                return


def forget(connection: sqlite3.Connection, rows: list[OldRow]) -> None:
    """They are appended again, in this transaction."""
    for log in _OLD:
        old = [(row.seq,) for row in rows if row.log is log and row.epoch is None]
        connection.executemany(_DELETE_OLD[log], old)
    survivors = [(row.log.value, row.epoch, row.seq) for row in rows if row.epoch is not None]
    connection.executemany(
        "DELETE FROM survivor WHERE log = ? AND epoch = ? AND seq = ?", survivors
    )
