"""Journal files that cannot be trusted: put aside whole, kept for a while, never written.

`damaged/0001-boot12/` in the state directory holds `journal.db` and its `-wal`, and why. A file
`read` in it says that every leaf without a receipt that can be read is in the journal again, a file
`salvaged` that the receipted history is too.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from edge_agent.keys.key_files import sync_directory

DIRECTORY: Final = "damaged"
READ: Final = "read"
DONE: Final = "salvaged"
REASON: Final = "reason"
MOST_ASIDE: Final = 16  # directories, read or not
MOST_KEPT: Final = 4
MOST_BYTES: Final = 256 * 1024 * 1024
"""Of those that are salvaged, together: a damaged card is not to be filled with its damage."""


def put_aside(journal: Path, label: str, reason: str) -> Path:
    """Move the journal's files into a new directory, beside the reason; nothing of them stays.
    Raises OSError.

    The file goes before its log: SQLite would play a log that is left behind into a new file.
    """
    base = journal.parent / DIRECTORY
    base.mkdir(mode=0o700, exist_ok=True)
    there = sorted(path for path in base.iterdir() if path.name[:4].isdigit())
    numbers = [int(path.name[:4]) for path in there]
    if len(there) >= MOST_ASIDE:  # a broken disk: the newest are of the last moments, and empty
        shutil.rmtree(there[-1])
    target = base / f"{max(numbers, default=0) + 1:04d}-{label}"
    target.mkdir(mode=0o700)
    (target / REASON).write_text(f"{reason}\n", encoding="utf-8")
    sync_directory(base)
    journal.replace(target / journal.name)
    sync_directory(target)
    sync_directory(journal.parent)
    _move_log(journal, target)
    return target


def tidy(journal: Path) -> None:
    """Finish what a kill left: a log whose file was just put aside follows it. Raises OSError."""
    if journal.exists() or not _log_of(journal).exists():
        return
    waiting = pending(journal.parent, journal.name)
    if waiting and not (waiting[-1] / _log_of(journal).name).exists():
        _move_log(journal, waiting[-1])
    else:
        _log_of(journal).unlink()  # a log says nothing without its file


def pending(state_dir: Path, name: str) -> list[Path]:
    """Directories whose leaves are not read yet, the oldest first. Raises OSError."""
    return [path for path in _kept(state_dir, name) if not (path / READ).exists()]


def with_history(state_dir: Path, name: str) -> list[Path]:
    """Directories whose leaves are read, and not yet their batches. Raises OSError."""
    return [path for path in _kept(state_dir, name) if (path / READ).exists()]


def _kept(state_dir: Path, name: str) -> list[Path]:
    base = state_dir / DIRECTORY
    found = base.iterdir() if base.is_dir() else ()
    return sorted(path for path in found if (path / name).exists() and not (path / DONE).exists())


def reason_of(directory: Path) -> str:
    """Why it was put aside. Raises OSError."""
    return (directory / REASON).read_text(encoding="utf-8", errors="replace").strip()


def mark(directory: Path, done: str) -> None:
    """READ or DONE. Raises OSError."""
    (directory / done).touch()
    sync_directory(directory)


def prune(state_dir: Path) -> None:
    """The oldest salvaged ones go, until few enough and small enough are left. Raises OSError."""
    base = state_dir / DIRECTORY
    done = sorted((p for p in base.iterdir() if (p / DONE).exists()), reverse=True)
    room = MOST_BYTES
    for place, directory in enumerate(done):
        room -= sum(path.stat().st_size for path in directory.iterdir())
        if place >= MOST_KEPT or room < 0:
            shutil.rmtree(directory)


def _log_of(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}-wal")


def _move_log(journal: Path, target: Path) -> None:
    log = _log_of(journal)
    if log.exists():
        log.replace(target / log.name)
        sync_directory(target)
    journal.with_name(f"{journal.name}-shm").unlink(missing_ok=True)
    sync_directory(journal.parent)
