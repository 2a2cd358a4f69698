"""The state directory and its file system, looked at from outside; nothing is written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge_agent.doctor.host import Aside, Disk, State
from edge_agent.journal.journal import FILE_NAME
from edge_agent.keys.keys import LOG_KEY, SALT_SECRET
from edge_agent.salvage import quarantine
from edge_agent.uplink.standstill import FILE_NAME as STANDSTILL

MOST_ASIDE: Final = quarantine.MOST_ASIDE
MAX_READ: Final = 4 << 30
CHUNK: Final = 1 << 20
_MAX_TEXT: Final = 300
_OTHERS: Final = 0o077


def may_look(state_dir: Path) -> bool:
    """Whether its files may be looked at; what is not there may be."""
    try:
        state_dir.stat()
    except PermissionError:
        return False
    except OSError:
        return True
    return os.access(state_dir, os.R_OK | os.X_OK)


def look_at_disk(state_dir: Path) -> Disk | None:
    """Its file system; the flag ST_RDONLY is the kernel's answer to errors (errors=remount-ro)."""
    path = str(state_dir)
    try:
        found = os.statvfs(state_dir)
    except PermissionError:
        return None
    except OSError as error:
        return Disk(path, error=error.strerror or str(error))
    return Disk(
        path,
        found.f_bavail * found.f_frsize,
        found.f_blocks * found.f_frsize,
        found.f_favail,
        found.f_files,
        bool(found.f_flag & os.ST_RDONLY),
    )


def look_at_state(state_dir: Path, utc_s: int, *, deep: bool) -> State:
    """Files that must be there and be ours alone, journals put aside, why nothing is sent.

    `deep`: the journal's bytes are read once, to the last; for a disk that hides its errors.
    """
    return State(
        wrong=tuple(_wrong(state_dir)),
        aside=tuple(_aside(state_dir, utc_s))[-MOST_ASIDE:],
        standstill=_standstill(state_dir),
        journal_error=_read_through(state_dir / FILE_NAME) if deep else "",
    )


def _wrong(state_dir: Path) -> Iterator[tuple[str, str, str]]:
    """(path, code, words) of what keeps an agent from starting, or a secret from being one."""
    try:
        owner = state_dir.stat()
    except FileNotFoundError:
        yield str(state_dir), "state_missing", "-"
        return
    except OSError:
        return  # the disk's own finding
    if not stat.S_ISDIR(owner.st_mode):
        yield str(state_dir), "state_missing", "it is no directory"
        return
    for name in (LOG_KEY, SALT_SECRET):
        yield from _wrong_secret(state_dir / name, owner)
    journal = state_dir / FILE_NAME
    if journal.exists() and (found := journal.stat()).st_uid != owner.st_uid:
        yield str(journal), "file_of_other", f"uid {found.st_uid}, not {owner.st_uid}"


def _wrong_secret(path: Path, owner: os.stat_result) -> Iterator[tuple[str, str, str]]:
    try:
        found = path.stat()
    except FileNotFoundError:
        yield str(path), "key_missing", "-"
        return
    except OSError:  # the directory is not ours to look into: said elsewhere
        return
    if found.st_uid != owner.st_uid:
        yield str(path), "file_of_other", f"uid {found.st_uid}, not {owner.st_uid}"
    elif found.st_mode & _OTHERS:
        yield str(path), "key_open", f"mode {found.st_mode & 0o777:04o}"


def _aside(state_dir: Path, utc_s: int) -> Iterator[Aside]:
    try:
        folders = sorted((state_dir / quarantine.DIRECTORY).iterdir())
    except OSError:  # none there, or not ours
        return
    for folder in folders:
        try:
            reason = quarantine.reason_of(folder)[:_MAX_TEXT]
            age_s = max(0, utc_s - round((folder / quarantine.REASON).stat().st_mtime))
        except OSError:
            continue
        is_read = (folder / quarantine.READ).exists() or (folder / quarantine.DONE).exists()
        yield Aside(str(folder), reason, is_read, age_s)


def _standstill(state_dir: Path) -> str:
    """As the uplink wrote it: the key in the first line, why in the second."""
    try:
        with (state_dir / STANDSTILL).open("rb") as file:
            text = file.read(2048).decode("utf-8", errors="replace")
    except OSError:
        return ""
    return " ".join(text.partition("\n")[2].split())[:_MAX_TEXT] or "-"


def _read_through(path: Path) -> str:
    """What the disk says of the first block that it cannot read; "" where all came."""
    left = MAX_READ
    try:
        with path.open("rb", buffering=0) as file:
            while left > 0 and (piece := file.read(CHUNK)):
                left -= len(piece)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{error.strerror or error} at byte {MAX_READ - left}"
    return ""
