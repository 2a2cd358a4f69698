"""`edge-agent storage`: how large the journal is, what room there is, and what had to go."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from edge_agent.journal.ballast import BALLAST_BYTES, BALLAST_NAME, RESERVE_NAME
from edge_agent.salvage.quarantine import DIRECTORY, READ
from edge_agent.status.flash import Flash, read_flash
from edge_agent.status.words_of_time import Local, clock_time, size
from protocols.evidence.errors import EvidenceError
from protocols.evidence.facts import LossReason, parse_loss
from protocols.evidence.leaf import Kind, Log

if TYPE_CHECKING:
    from edge_agent.journal.newest import NewestReader
    from edge_agent.language import Words
    from edge_agent.status.model import Snapshot

MOST_LOOKED: Final = 50_000  # leaves of the log, for what was lost
MOST_DAMAGED: Final = 100
FEW_DAYS: Final = 14.0
_DISK_ALARMS: Final = ("disk_full", "disk_reserve", "disk_filling")


class Lost(NamedTuple):
    """One LOSS leaf: why, how many of which log, when it was told."""

    reason: str
    log: str
    leaves: int | None
    utc_ms: int | None


class Damaged(NamedTuple):
    """A journal that was put aside. `read`: all that can be read of it is in the journal again."""

    name: str
    bytes: int
    read: bool


class Storage(NamedTuple):
    """Bytes. `limit` and `days_left` are the agent's; None without one. `ballast`, `reserve`: what
    is held for the day on which the disk is full.
    """

    path: str
    journal: int
    log: int
    free_pages: int
    limit: int | None
    disk_free: int
    disk_total: int
    days_left: float | None
    ballast: int
    reserve: int
    sealed: int
    lost: tuple[Lost, ...]
    damaged: tuple[Damaged, ...]
    flash: Flash
    alarms: tuple[str, ...]


def read_storage(
    reader: NewestReader, journal: Path, agent: Snapshot | None, root: Path = Path("/")
) -> Storage:
    """Now. Raises ReadFailed, OSError."""
    found = os.statvfs(journal.parent)
    alarms = () if agent is None else agent.alarms
    return Storage(
        path=str(journal),
        journal=_size(journal),
        log=_size(journal.with_name(f"{journal.name}-wal")),
        free_pages=reader.free_bytes(),
        limit=None if agent is None else agent.journal.limit_bytes,
        disk_free=found.f_bavail * found.f_frsize,
        disk_total=found.f_blocks * found.f_frsize,
        days_left=None if agent is None else agent.journal.days_left,
        ballast=_size(journal.with_name(BALLAST_NAME)),
        reserve=_size(journal.with_name(RESERVE_NAME)),
        sealed=sum(one.bytes for one in reader.sealed().values()),
        lost=_lost(reader),
        damaged=_damaged(journal.parent),
        flash=read_flash(journal.parent, root),
        alarms=tuple(alarm.code for alarm in alarms if alarm.code in _DISK_ALARMS),
    )


def _lost(reader: NewestReader) -> tuple[Lost, ...]:
    """Newest first; what an unclean end may have cost is not the disk's doing."""
    found = []
    with closing(reader.leaves(Log.BILLING)) as leaves:
        for leaf, _ in zip(leaves, range(MOST_LOOKED), strict=False):
            if leaf.kind is not Kind.LOSS:
                continue
            try:
                loss = parse_loss(leaf.body)
            except EvidenceError:
                continue  # of another version: `events` shows it
            if loss.reason is not LossReason.UNCLEAN_END:
                log = "" if loss.log is None else loss.log.value
                found.append(Lost(loss.reason.value, log, loss.count, leaf.utc_ms))
    return tuple(found)


def _damaged(state_dir: Path) -> tuple[Damaged, ...]:
    """What lies in `damaged/`; nothing where there is none, or it may not be read."""
    try:
        names = sorted(os.listdir(state_dir / DIRECTORY))[:MOST_DAMAGED]
    except OSError:
        return ()
    found = []
    for name in names:
        place = state_dir / DIRECTORY / name
        try:
            held = sum(_size(path) for path in place.iterdir())
        except OSError:
            held = _size(place)
        found.append(Damaged(name, held, (place / READ).exists()))
    return tuple(found)


def _size(path: Path) -> int:
    """What a file takes; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def to_json(storage: Storage) -> dict[str, Any]:
    """Schema 1."""
    return {
        "schema": 1,
        "journal": {
            "path": storage.path,
            "bytes": storage.journal,
            "wal_bytes": storage.log,
            "free_page_bytes": storage.free_pages,
            "limit_bytes": storage.limit,
            "sealed_bytes": storage.sealed,
        },
        "disk": {
            "free_bytes": storage.disk_free,
            "total_bytes": storage.disk_total,
            "days_left": storage.days_left,
            "name": storage.flash.disk,
            "written_bytes": storage.flash.written,
            "lifetime_bytes": storage.flash.lifetime,
            "worn_tenths": storage.flash.worn,
        },
        "ballast_bytes": storage.ballast,
        "reserve_bytes": storage.reserve,
        "lost": [lost._asdict() for lost in storage.lost],
        "damaged": [one._asdict() for one in storage.damaged],
        "alarms": list(storage.alarms),
    }


def is_good(storage: Storage) -> bool:
    """There is room, and nothing had to go; what was put aside long ago is no finding."""
    few = storage.days_left is not None and storage.days_left < FEW_DAYS
    unread = any(not one.read for one in storage.damaged)
    return not (few or unread or storage.alarms or storage.lost or storage.ballast < BALLAST_BYTES)


def lines(storage: Storage, words: Words, now_ms: int, local: Local) -> list[tuple[str, str]]:
    """Label and text."""
    limit = "" if storage.limit is None else words("storage.limit", size=size(storage.limit))
    parts = (
        words("storage.size", size=size(storage.journal), log=size(storage.log)),
        limit,
        words("storage.sealed", size=size(storage.sealed)),
    )
    days = storage.days_left
    room = words("storage.free", free=size(storage.disk_free), total=size(storage.disk_total))
    told = [
        (words("storage.journal"), words("join").join(filter(None, parts))),
        ("", storage.path),
        (words("storage.disk"), room),
        (
            words("storage.days"),
            words("storage.long") if days is None else words("storage.in_days", days=f"{days:.1f}"),
        ),
    ]
    told += [(words("storage.alarm"), words(f"code.{code}")) for code in storage.alarms]
    held = "storage.held" if storage.ballast >= BALLAST_BYTES else "storage.given"
    ballast = words(held, ballast=size(storage.ballast), reserve=size(storage.reserve))
    told.append((words("storage.ballast"), ballast))
    told += _lost_lines(storage, words, now_ms, local)
    for one in storage.damaged:
        how = words("storage.read" if one.read else "storage.unread")
        told.append((words("storage.damaged"), f"{one.name}: {size(one.bytes)}, {how}"))
    flash = storage.flash
    parts = (
        "" if flash.written is None else words("storage.written", size=size(flash.written)),
        "" if flash.lifetime is None else words("storage.lifetime", size=size(flash.lifetime)),
        "" if flash.worn is None else words("storage.worn", percent=10 * flash.worn),
    )
    text = words("join").join(filter(None, parts)) or words("storage.not_told")
    return [*told, (words("storage.flash"), f"{flash.disk} {text}".strip())]


def _lost_lines(storage: Storage, words: Words, now_ms: int, local: Local) -> list[tuple[str, str]]:
    """The newest of each reason, and how many in all."""
    found = []
    for reason in dict.fromkeys(lost.reason for lost in storage.lost):
        each = [lost for lost in storage.lost if lost.reason == reason]
        count = sum(lost.leaves or 0 for lost in each)
        at = each[0].utc_ms
        when = "-" if at is None else clock_time(at, now_ms, local)
        found.append((words("storage.lost"), words(f"storage.lost.{reason}", count=count, at=when)))
    return found or [(words("storage.lost"), words("storage.nothing"))]
