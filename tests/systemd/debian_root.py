"""A clean Debian in a folder (debootstrap), and commands in it, with or without a network.

It needs root, debootstrap and a Debian mirror; where there is none the tests are skipped. With
GAS_DEBIAN_ROOTS=DIR, folders DIR/bookworm and DIR/trixie that are there already are copied instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

# What Raspberry Pi OS and Debian have anyway, of what the package depends on.
INCLUDE: Final = "python3,systemd,udev,debconf,ca-certificates"
SUITES: Final = ("bookworm", "trixie")
ENVIRON: Final = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
}

_ENTER: Final = """
mount -t proc proc "$0/proc"
if [ "$1" = yes ]; then mount --bind /dev/pts "$0/dev/pts"; fi
shift
exec chroot "$0" "$@"
"""


class DebianRoot:
    """One folder. Nothing in it can reach a network unless it is said."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(
        self, *command: str, status: int | None = 0, network: bool = False, user: str = "root"
    ) -> str:
        """Output and errors of a command within. It ends with `status`, or with any (None)."""
        done = subprocess.run(
            [*self.entering(network=network), *_as(user), *command],
            capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        told = done.stdout + done.stderr
        assert status is None or done.returncode == status, f"{command}: {done.returncode}\n{told}"
        return told

    def entering(self, *, network: bool) -> list[str]:
        """What comes before a command that runs within. With a network also the machine's own
        pseudo-terminals can be reached, which stand for serial adapters."""
        own = ["--mount", "--pid", "--fork", "--kill-child", *(() if network else ("--net",))]
        environ = [f"{name}={value}" for name, value in ENVIRON.items()]
        return [
            *("unshare", *own, "sh", "-ec", _ENTER, str(self.path), "yes" if network else "no"),
            *("env", "-i", *environ),
        ]  # fmt: skip

    def put(self, source: Path, target: str) -> str:
        """Copy a file into it; its path there."""
        place = self.path / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
        return f"/{place.relative_to(self.path)}"

    def __truediv__(self, path: str) -> Path:
        return self.path / path.lstrip("/")


def _as(user: str) -> list[str]:
    return [] if user == "root" else ["runuser", "-u", user, "--"]


def make_root(suite: str, path: Path) -> DebianRoot:
    """A clean one, from the mirror or from a folder that was made before."""
    if os.geteuid() != 0:
        pytest.skip("a Debian in a folder needs root")
    kept = Path(os.environ.get("GAS_DEBIAN_ROOTS", "/nonexistent")) / suite
    if kept.is_dir():
        subprocess.run(["cp", "-a", "--reflink=auto", str(kept), str(path)], check=True)
        return DebianRoot(path)
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed here")
    command = ["debootstrap", "--variant=minbase", f"--include={INCLUDE}", suite, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return DebianRoot(path)
