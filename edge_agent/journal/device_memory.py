"""What is remembered of devices beyond their scans: clocks, gaps to be filled, records taken.

It changes with the leaves of a tick, in the same transaction: so no record of an archive is taken
twice, and none is forgotten, whenever the agent is killed.
"""

from __future__ import annotations

import sqlite3  # noqa: TID251  # rows of the journal, on its own connection
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from edge_agent.journal.memory_rows import put

MAX_GAPS: Final = 64
"""Gaps that wait to be filled from archives; a line that flaps for days must not fill the disk."""


class DeviceClock(NamedTuple):
    """A device's clock less UTC when it was read last, and whether the drift was told."""

    offset_ms: int
    drifts: bool


class PendingGap(NamedTuple):
    """A gap in the scans of a run's meter, by the seq of its event; `taken` records of it so far.

    Its ends are instants of the gateway's own clock.
    """

    seq: int
    run: str
    serial: str
    start_utc_ms: int
    end_utc_ms: int
    taken: int = 0


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """`marks`: by serial and archive, the device's time of the newest record that is in the log."""

    clocks: Mapping[str, DeviceClock] = field(default_factory=dict)
    gaps: Mapping[int, PendingGap] = field(default_factory=dict)
    marks: Mapping[tuple[str, str], int] = field(default_factory=dict)


def load_devices(rows: Callable[[str], list[tuple[Any, ...]]]) -> DeviceMemory:
    """What the last commit stored; `rows` gives those of a table."""
    return DeviceMemory(
        {serial: DeviceClock(ms, bool(drifts)) for serial, ms, drifts in rows("device_clock")},
        {row[0]: PendingGap(*row) for row in sorted(rows("archive_gap"))},
        {(serial, archive): device_s for serial, archive, device_s in rows("archive_mark")},
    )


def store_devices(
    connection: sqlite3.Connection, before: DeviceMemory, after: DeviceMemory
) -> None:
    """What changed, within the transaction of the tick's leaves."""
    if before is after:
        return
    clocks, marks, gaps = after.clocks.items(), after.marks.items(), after.gaps.items()
    changed = ((serial, *clock) for serial, clock in clocks if before.clocks.get(serial) != clock)
    put(connection, "device_clock", changed)
    moved = ((*key, mark) for key, mark in marks if before.marks.get(key) != mark)
    put(connection, "archive_mark", moved)
    put(connection, "archive_gap", (gap for seq, gap in gaps if before.gaps.get(seq) != gap))
    connection.executemany(
        "DELETE FROM archive_gap WHERE seq = ?",
        [(seq,) for seq in before.gaps.keys() - after.gaps.keys()],
    )
