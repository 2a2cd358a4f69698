"""One program a state directory: the lock that the kernel frees however its holder ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge_agent.ownership import hand_over, owner_beside_root, trap_in
from edge_agent.permission import user_name, why_closed

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

_ALONE: Final = "start the agent, which works for others too"


class AlreadyRunning(Exception):  # noqa: N818  # what was found is the name
    """Another agent works on this state directory."""


@contextlib.contextmanager
def state_lock(state_dir: Path) -> Iterator[None]:
    """One agent a journal. Raises AlreadyRunning, OSError; the kernel frees the lock however we
    end. What root makes while it has the lock is its owner's afterwards.
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = owner_beside_root(state_dir)
    if owner is not None and (trap := trap_in(state_dir)) is not None:
        user = user_name(owner.st_uid)
        raise PermissionError(
            f"{trap}: a link, a pipe or a device in {user}'s folder, which root does not follow; "
            f"look who put it there, take it away, or be {user} (sudo -u {user} ...)"
        )
    lock = state_dir / "agent.lock"
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except PermissionError as error:
        closed = why_closed(lock, os.W_OK, _ALONE)
        raise PermissionError(closed or f"{lock}: {error.strerror}; {_ALONE}") from error
    try:
        if owner is not None:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(
                f"another edge-agent uses {state_dir}; stop it first (systemctl stop edge-agent)"
            ) from error
        try:
            yield
        finally:
            if owner is not None:
                hand_over(state_dir)
    finally:
        os.close(descriptor)
