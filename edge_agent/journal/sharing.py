"""Who may read the journal: whoever its directory is for.

The directory decides, so that every program that opens the journal gives its files the same group
and mode: a directory that a group may enter (2750) has a journal that this group may read (0640),
any other one a journal of its user's alone (0600). SQLite makes `-wal` and `-shm` with the mode of
the journal; their group is the directory's, by its setgid bit. Nobody but the user ever writes.
"""

from __future__ import annotations

import contextlib
import grp
import logging
import os
import stat
from pathlib import Path
from typing import Final

from edge_agent.permission import LOOK_INTO, group_name, why_closed

DIRECTORY_MODE: Final = 0o2750
_GROUP_ENTERS: Final = 0o050
_SHARED: Final = 0o640
_OWN: Final = 0o600
_SIDES: Final = ("", "-wal", "-shm")
_NOBODYS: Final = "name a group by [control] read_group in gateway.toml and start the agent again"
_log = logging.getLogger(__name__)


def share_directory(state_dir: Path, group: str) -> bool:
    """Open it to that group, "" changes nothing. False where this process may not: it is logged.

    With the package systemd has done it before; there chmod of a setgid bit is denied to us.
    """
    if not group:
        return True
    try:
        gid = grp.getgrnam(group).gr_gid
        found = state_dir.stat()
        if found.st_gid != gid or found.st_mode & 0o7777 != DIRECTORY_MODE:
            os.chown(state_dir, -1, gid)
            state_dir.chmod(DIRECTORY_MODE)
    except (KeyError, OSError) as error:
        _log.warning(
            "%s: %s; the group %s cannot read the journal; as root: chgrp %s %s; chmod %o %s",
            *(state_dir, error, group, group, state_dir, DIRECTORY_MODE, state_dir),
        )
        return False
    return True


def follow_directory(journal: Path) -> None:
    """Give the journal's files group and mode by their directory; those that are there.

    A failure is logged, never raised: who may look is no reason not to record.
    """
    try:
        directory = journal.parent.stat()
        mode = _SHARED if is_shared(directory) else _OWN
        for side in _SIDES:
            path = journal.with_name(journal.name + side)
            if not path.exists():
                continue
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode):  # root must not open what a link leads to
                _log.warning("%s is no file of its own: who may read it is left as it is", path)
                continue
            if mode == _SHARED and found.st_gid != directory.st_gid:
                os.chown(path, -1, directory.st_gid, follow_symlinks=False)
            if found.st_mode & 0o7777 != mode:
                path.chmod(mode)
    except OSError as error:
        _log.warning("%s: who may read it cannot be set: %s", journal, error)


def is_shared(directory: os.stat_result) -> bool:
    """Whether a group may look into it."""
    return directory.st_mode & _GROUP_ENTERS == _GROUP_ENTERS


def why_not(journal: Path) -> str:
    """Why whoever asks may not read it, with the remedy; "" where he may, or there is none."""
    told = why_closed(journal.parent, LOOK_INTO, _NOBODYS) or why_closed(journal, alone=_NOBODYS)
    with contextlib.suppress(OSError):
        directory = journal.parent.stat()
        if told and os.access(journal.parent, LOOK_INTO) and is_shared(directory):
            return (
                f"{journal} is not yet given to the group {group_name(directory.st_gid)}: "
                "the agent does that when it starts"
            )
    return told
