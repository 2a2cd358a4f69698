"""Reads what is to be verified: a folder, or a zip; every file and their number are bounded."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Final

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MAX_MEMBERS: Final = 256
_REMEDY: Final = "give the folder or the zip that central made"


_DAMAGED: Final = (
    OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError,
)  # fmt: skip
"""All that reading a zip raises, a damaged or encrypted one too."""


class Unreadable(Exception):  # noqa: N818 - what was found is the name
    """It cannot be read; says what and the remedy."""


def read_files(place: Path, names: Collection[str]) -> dict[str, bytes]:
    """Those of the named files that are in the folder or zip. Raises Unreadable."""
    if place.exists() and not (place.is_dir() or place.is_file()):  # a pipe or device has no end
        raise Unreadable(f"{place}: neither a file nor a folder; {_REMEDY}")
    try:
        if place.is_dir():
            return {name: _read(place / name) for name in names if (place / name).is_file()}
        return _unzip(place, names)
    except _DAMAGED as error:
        reason = getattr(error, "strerror", None) or error
        raise Unreadable(f"{place}: {reason}; {_REMEDY}") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise Unreadable(f"{path}: longer than {MAX_FILE_BYTES} bytes; central makes no such file")
    return data


def _unzip(place: Path, names: Collection[str]) -> dict[str, bytes]:
    """Sizes are those that inflating gives, whatever the zip says of itself."""
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(place) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise Unreadable(f"{place}: {len(members)} files in it, at most {MAX_MEMBERS} are read")
        for member in members:
            name = member.filename.rpartition("/")[2]
            if name not in names:
                continue
            if name in found:
                raise Unreadable(f"{place}: {name} is in it twice; give one proof")
            with archive.open(member) as file:
                data = file.read(MAX_FILE_BYTES + 1)
            if len(data) > MAX_FILE_BYTES:
                raise Unreadable(f"{place}: {name} is longer than {MAX_FILE_BYTES} bytes")
            found[name] = data
    return found
