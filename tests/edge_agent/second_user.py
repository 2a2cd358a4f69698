"""Commands as users that are not the agent's, in a place that all of them may enter. As root."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

GROUP: Final = "users"
"""In place of gas-readers: Debian has it, and nobody of ours is in it."""
SHARED_GID: Final = 100


class User(NamedTuple):
    """No user of the machine has these numbers."""

    uid: int
    groups: tuple[int, ...] = ()


AGENT: Final = User(64_901, (SHARED_GID,))
READER: Final = User(64_902, (SHARED_GID,))
STRANGER: Final = User(64_903)


_OPENED: Final = """
mount --bind "$1" /mnt
mount -t tmpfs -o mode=755 none "$0"
mkdir -p "$1"
mount --bind /mnt "$1"
shift
exec "$@"
"""


def need_users() -> None:
    """Skip where no second user can be had."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("another user's rights need root, and setpriv")
    program = command_of(READER, ("-c", "import edge_agent.cli, rich"))
    if subprocess.run(program, check=False, capture_output=True).returncode != 0:
        pytest.skip("another user may not read this program")


def command_of(user: User, arguments: tuple[str, ...]) -> list[str]:
    """Python as that user; one in a folder that is root's alone is shown by a mount of its own."""
    groups = ",".join(map(str, user.groups))
    drop = ["setpriv", f"--reuid={user.uid}", f"--regid={user.uid}"]
    drop += [f"--groups={groups}"] if groups else ["--clear-groups"]
    command = [*drop, sys.executable, *arguments]
    prefix = Path(sys.base_prefix)
    closed = [path for path in prefix.parents if not path.stat().st_mode & stat.S_IXOTH]
    if not closed:
        return command
    return ["unshare", "--mount", "sh", "-ec", _OPENED, str(closed[-1]), str(prefix), *command]


@contextmanager
def common_place() -> Iterator[Path]:
    """tmp_path is within a folder that is root's alone."""
    place = Path(tempfile.mkdtemp(prefix="gas-"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def begin(user: User, *command: str, cwd: Path) -> subprocess.Popen[str]:
    """With the file mode mask of a login."""
    return subprocess.Popen(
        command_of(user, ("-m", "edge_agent.cli", *command)),
        umask=0o022, cwd=cwd, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def says(user: User, *command: str, cwd: Path) -> tuple[int, str, str]:
    """Exit status, output, errors."""
    child = begin(user, *command, cwd=cwd)
    try:
        out, err = child.communicate(timeout=30)
    finally:
        child.kill()
    return child.returncode, out, err


def as_user(user: User, run: Callable[[], str]) -> str:
    """What `run` returns in a process of that user; what it raised, by its name."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.setgroups(user.groups)
            os.setgid(user.uid)
            os.setuid(user.uid)
            try:
                told = run()
            except Exception as error:  # noqa: BLE001 - it is told to the parent
                told = f"{type(error).__name__}: {error}"
            os.write(writing, told.encode()[:60_000])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(child, 0)
    return told
