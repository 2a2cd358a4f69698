"""What was written to the disk that holds the journal, as far as the kernel tells.

Read, then parse: `read_flash` touches /sys (below a folder, so that a test brings its own). A card
ends by what is written to it: since boot, over the file system's life, and by the card's own word.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

MAX_BYTES: Final = 4096
SECTOR: Final = 512  # of /sys/block/*/stat, whatever the disk has
_SECTORS_WRITTEN: Final = 6  # Documentation/block/stat.rst
_UP: Final = 3


class Flash(NamedTuple):
    """`written`: bytes since boot, `lifetime`: of the file system since it was made (ext4), `worn`:
    tenths of its life that the card says are used, 11 for beyond (JEDEC eMMC, life_time). None:
    not told.
    """

    disk: str
    written: int | None
    lifetime: int | None
    worn: int | None


def read_flash(directory: Path, root: Path = Path("/")) -> Flash:
    """Of the disk below a directory. Never raises."""
    try:
        device = os.stat(directory).st_dev
    except OSError:
        return Flash("", None, None, None)
    place = root / "sys/dev/block" / f"{os.major(device)}:{os.minor(device)}"
    try:
        block = place.resolve(strict=True)
    except OSError:
        return Flash("", None, None, None)
    lifetime = sectors_kb(_read(root / "sys/fs/ext4" / block.name / "lifetime_write_kbytes"))
    return Flash(
        block.name,
        written_bytes(_read(block / "stat")),
        lifetime,
        next((worn for above in _with_parents(block) if (worn := _worn(above)) is not None), None),
    )


def written_bytes(stat: str | None) -> int | None:
    """Of the file `stat` of a block device."""
    words = (stat or "").split()
    if len(words) <= _SECTORS_WRITTEN or not words[_SECTORS_WRITTEN].isdecimal():
        return None
    return SECTOR * int(words[_SECTORS_WRITTEN])


def sectors_kb(text: str | None) -> int | None:
    """A file that holds a number of kilobytes (1024)."""
    word = (text or "").strip()
    return 1024 * int(word) if word.isdecimal() else None


def worn_tenths(text: str | None) -> int | None:
    """``0x01 0x02``: the worse of two kinds of cells; 0 is not told."""
    words = (text or "").split()
    try:
        worst = max((int(word, 16) for word in words[:2]), default=0)
    except ValueError:
        return None
    return worst if 1 <= worst <= 11 else None


def _with_parents(block: Path) -> list[Path]:
    """A partition, its disk, the card."""
    return [block, *list(block.parents)[:_UP]]


def _worn(place: Path) -> int | None:
    return worn_tenths(_read(place / "device" / "life_time") or _read(place / "life_time"))


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("ascii", errors="replace")
    except OSError:
        return None
