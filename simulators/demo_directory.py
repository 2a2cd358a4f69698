"""The demo's directory: made new each time, and never anything else's."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from simulators.failure import DemoError

MARKER: Final = ".gas-gateway-demo"
_TEXT: Final = "Made by edge-sim demo, which replaces this directory when it runs again.\n"


@contextlib.contextmanager
def demo_directory(directory: Path) -> Iterator[Path]:
    """The directory, empty but for its marker, locked while the demo runs. Raises DemoError."""
    directory = directory.resolve()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        entries = [entry for entry in directory.iterdir() if entry.name != MARKER]
    except OSError as error:
        raise DemoError(f"{directory}: {error.strerror}; choose another DEMO_DIR") from error
    marker = directory / MARKER
    if entries and not marker.is_file():
        raise DemoError(
            f"{directory} is no demo's directory and is not empty: choose another DEMO_DIR"
        )
    with open(os.open(marker, os.O_RDWR | os.O_CREAT, 0o644), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoError(
                f"another demo runs in {directory}: end it, or choose another DEMO_DIR"
            ) from error
        lock.truncate(0)
        lock.write(_TEXT)
        lock.flush()
        for entry in entries:
            _remove(entry)
        yield directory


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
