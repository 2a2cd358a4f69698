"""Root at work in the state directory of another: what it may meet there; whose what it makes is.

A fitter runs a command with sudo, and the service is a user of its own: it could not read a journal
or keys that are root's, and would not start. And whoever took over the service must not get, by a
link in its own folder, what only root may write.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

MAX_FILES: Final = 10_000
_EVERYDAY: Final = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISSOCK)


class _Entry(NamedTuple):
    """A name within a folder that is open: nobody can put another folder in its place."""

    folder: int
    name: str
    path: Path
    info: os.stat_result


def owner_beside_root(directory: Path) -> os.stat_result | None:
    """Whose the directory is, where root works in another's. Raises OSError."""
    if os.geteuid() != 0:
        return None
    found = directory.stat()
    return found if found.st_uid != 0 else None


def trap_in(directory: Path) -> Path | None:
    """A name that would lead root elsewhere, or hold it up: a link that is not root's own, a file
    that has another name and owner, a pipe or a device. Raises OSError.
    """
    owner = directory.stat().st_uid
    return next((path for _, _, path, info in _within(directory) if _is_trap(info, owner)), None)


def _is_trap(info: os.stat_result, owner: int) -> bool:
    if stat.S_ISLNK(info.st_mode):
        return info.st_uid != 0
    if not any(kind(info.st_mode) for kind in _EVERYDAY):
        return True
    return stat.S_ISREG(info.st_mode) and info.st_nlink > 1 and info.st_uid != owner


def hand_over(state_dir: Path, beside: tuple[Path, ...] = ()) -> None:
    """Give what is root's in the state directory to its owner, and the files beside the
    configuration to the owner of their folder. Only root can, and only root has to. Raises OSError.
    """
    if os.geteuid() != 0 or not state_dir.is_dir():
        return
    owner = state_dir.stat()
    for folder, name, _, info in _within(state_dir):
        is_plain = stat.S_ISDIR(info.st_mode) or info.st_nlink == 1
        if info.st_uid == 0 and is_plain and not stat.S_ISLNK(info.st_mode):
            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=folder, follow_symlinks=False)
    for path in beside:
        if path.exists():
            owner = path.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _within(directory: Path) -> Iterator[_Entry]:
    return islice(_walk(directory), MAX_FILES)


def _walk(directory: Path) -> Iterator[_Entry]:
    for place, folders, files, folder in os.fwalk(directory):
        for name in (*folders, *files):
            try:
                info = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:  # gone meanwhile
                continue
            yield _Entry(folder, name, Path(place, name), info)
