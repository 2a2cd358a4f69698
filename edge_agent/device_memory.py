"""What is remembered of devices beyond their scans: clocks, gaps to be filled, records taken.

It changes with the leaves of a tick, in the same transaction: so no record of an archive is taken
twice, and none is forgotten, whenever the agent is killed.
"""

from __future__ import annotations

import sqlite3  # noqa: TID251  # rows of the journal, on its own connection
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

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


def load_devices(connection: sqlite3.Connection) -> DeviceMemory:
    """What the last commit stored."""
    clocks = connection.execute("SELECT serial, offset_ms, drifts FROM device_clock")
    gaps = connection.execute(
        "SELECT seq, run, serial, start_utc_ms, end_utc_ms, taken FROM archive_gap ORDER BY seq"
    )
    marks = connection.execute("SELECT serial, archive, device_s FROM archive_mark")
    return DeviceMemory(
        {serial: DeviceClock(offset_ms, bool(drifts)) for serial, offset_ms, drifts in clocks},
        {row[0]: PendingGap(*row) for row in gaps},
        {(serial, archive): device_s for serial, archive, device_s in marks},
    )


def store_devices(
    connection: sqlite3.Connection, before: DeviceMemory, after: DeviceMemory
) -> None:
    """What changed, within the transaction of the tick's leaves."""
    if before is after:
        return
    connection.executemany(
        "INSERT OR REPLACE INTO device_clock (serial, offset_ms, drifts) VALUES (?, ?, ?)",
        [
            (serial, clock.offset_ms, clock.drifts)
            for serial, clock in after.clocks.items()
            if before.clocks.get(serial) != clock
        ],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO archive_mark (serial, archive, device_s) VALUES (?, ?, ?)",
        [(*key, mark) for key, mark in after.marks.items() if before.marks.get(key) != mark],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO archive_gap (seq, run, serial, start_utc_ms, end_utc_ms, taken) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [gap for seq, gap in after.gaps.items() if before.gaps.get(seq) != gap],
    )
    connection.executemany(
        "DELETE FROM archive_gap WHERE seq = ?",
        [(seq,) for seq in before.gaps.keys() - after.gaps.keys()],
    )
