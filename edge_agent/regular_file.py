"""A file that a person named, opened for reading; a pipe or a device in its place is refused.

Those may have no end and no writer: whoever opens one waits for ever.
"""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """The file. Raises OSError."""
    mode = path.stat().st_mode  # before it is opened: that alone may wait, or move a modem's lines
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # of a folder the system says it itself
        raise OSError(errno.EINVAL, "a pipe or a device, not a file", str(path))
    return path.open("rb")


def read_regular(path: Path, most: int) -> bytes:
    """The file's bytes, at most so many and one more. Raises OSError."""
    with open_regular(path) as file:
        return file.read(most + 1)
