"""What root made belongs to the agent afterwards: it runs as a user of its own.

A fitter runs the wizard with sudo; the service could not read keys and journal that are root's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MAX_FILES: Final = 10_000


def hand_over(state_dir: Path, beside: tuple[Path, ...]) -> None:
    """Give all in the state directory to its owner, and the files beside the configuration to the
    owner of their folder. Only root can, and only root has to. Raises OSError.
    """
    if os.geteuid() != 0 or not state_dir.is_dir():
        return
    for path, folder in (
        *((path, state_dir) for path in _within(state_dir)),
        *((path, path.parent) for path in beside if path.exists()),
    ):
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _within(directory: Path) -> Iterator[Path]:
    for count, path in enumerate(directory.rglob("*")):
        if count >= MAX_FILES:
            return
        yield path
