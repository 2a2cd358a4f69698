"""The disk, the journal on it, and the files beside it. Pure.

One cause makes one red finding: a file system that takes no writes explains a journal that fails,
and a full one explains what had to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edge_agent.doctor.finding import Area, Finding, red, yellow
from edge_agent.doctor.host import Disk, Host
from edge_agent.link_test.judge import duration
from edge_agent.status.model import JournalPart, Snapshot

FEW_BYTES: Final = 4_000_000
"""As good as full: what the journal itself takes for short (`journal/space.py`) is less."""
FEW_INODES: Final = 16
FULL, RESERVE, FILLING = "disk_full", "disk_reserve", "disk_filling"
RECENT_S: Final = 7 * 86_400
_MEGA: Final = 1_000_000


def disk_findings(snapshot: Snapshot | None, host: Host) -> Iterator[Finding]:
    """Of the file system, the journal, and what lies in the state directory."""
    disk = host.disk
    blocked = None if disk is None else _blocked(disk)
    if blocked is not None:
        yield blocked
    if snapshot is not None:
        yield from _journal(snapshot, blocked is not None)
    for path, code, words in host.state.wrong:
        yield red(code, Area.DISK, path, said=words)
    for aside in host.state.aside:
        if not aside.is_read:
            yield red("journal_unread", Area.DISK, aside.path, reason=aside.reason)
        elif aside.age_s < RECENT_S:
            age = duration(aside.age_s)
            yield yellow("journal_damaged", Area.DISK, aside.path, reason=aside.reason, age=age)
    if host.state.journal_error:
        yield red("disk_errors", Area.DISK, _path(snapshot, disk), said=host.state.journal_error)


def _path(snapshot: Snapshot | None, disk: Disk | None) -> str:
    if snapshot is not None:
        return snapshot.journal.path
    return disk.path if disk else ""


def _blocked(disk: Disk) -> Finding | None:
    """Nothing can be written there at all."""
    if disk.error:
        return red("disk_gone", Area.DISK, disk.path, said=disk.error)
    if disk.is_read_only:
        return red("disk_read_only", Area.DISK, disk.path)
    if disk.total_inodes and disk.free_inodes < FEW_INODES:
        return red("disk_inodes", Area.DISK, disk.path, free=disk.free_inodes)
    if disk.free_bytes < min(FEW_BYTES, disk.total_bytes // 16):
        free = f"{disk.free_bytes / _MEGA:.1f}"
        return red("disk_full", Area.DISK, disk.path, free=free, detail="-")
    return None


def _journal(snapshot: Snapshot, blocked: bool) -> Iterator[Finding]:
    journal = snapshot.journal
    told = {alarm.code: alarm.detail for alarm in snapshot.alarms}
    if blocked:
        return
    if FULL in told:
        free = f"{journal.free_bytes / _MEGA:.1f}"
        yield red("journal_full", Area.DISK, journal.path, free=free, detail=told[FULL] or "-")
    elif RESERVE in told:
        yield red("journal_reserve", Area.DISK, journal.path, **_unsent(journal))
    elif journal.failing:
        yield red("disk_errors", Area.DISK, journal.path, said=journal.failing)
    elif FILLING in told or (journal.days_left is not None and journal.days_left < 7):
        days = "-" if journal.days_left is None else f"{journal.days_left:.1f}"
        free = f"{journal.free_bytes / _MEGA:.0f}"
        yield yellow("disk_filling", Area.DISK, journal.path, days=days, free=free)
    if not journal.failing and journal.waiting_scans > journal.queue_scans // 2:
        waiting = f"{journal.waiting_scans}/{journal.queue_scans}"
        yield yellow("disk_slow", Area.DISK, journal.path, waiting=waiting)


def _unsent(journal: JournalPart) -> dict[str, int]:
    return {"billing": journal.unsent.get("billing", 0)}
