"""Small secret files of the store: written whole or not at all, readable by their owner only."""

import os
from pathlib import Path
from typing import Final

from central.regular_file import open_regular

_MAX_FILE_BYTES: Final = 4096


class KeyFileError(Exception):
    """A key of central cannot be used; says where and what to do."""


def create_secret(path: Path, data: bytes) -> None:
    """Write a new file, 0600. Never overwrites one: raises KeyFileError."""
    # Written aside and then linked: the key appears whole or not at all, also after a power cut.
    aside = path.parent / f".{path.name}.{os.getpid()}"
    try:
        _write(aside, data, 0o600)
        os.link(aside, path)
    except FileExistsError:
        raise KeyFileError(f"{path}: there is a key already; it is never replaced") from None
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; check its directory and disk") from None
    finally:
        aside.unlink(missing_ok=True)
    sync_directory(path.parent)


def replace_public(path: Path, data: bytes) -> None:
    """Write a file that holds no secret, in place of the one before. Raises KeyFileError."""
    aside = path.parent / f".{path.name}.{os.getpid()}"
    try:
        _write(aside, data, 0o644)
        aside.rename(path)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; check its directory and disk") from None
    finally:
        aside.unlink(missing_ok=True)
    sync_directory(path.parent)


def read_secret(path: Path, what: str) -> bytes:
    """The file's bytes. Raises KeyFileError where it is missing or too long, or others may read."""
    try:
        with open_regular(path) as file:
            others = os.fstat(file.fileno()).st_mode & 0o077
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no {what}; edge-central init makes one") from None
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; check its owner and mode") from None
    if others:
        raise KeyFileError(f"{path}: others may read it; if nobody did: chmod 600 {path}")
    if len(data) > _MAX_FILE_BYTES:
        raise KeyFileError(f"{path}: longer than a {what}; restore it from your own copy")
    return data


def move_over(new: Path, old: Path) -> None:
    """Put `new` in the place of `old`, and wipe what stood there. Raises KeyFileError."""
    try:
        with old.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            new.rename(old)
            sync_directory(old.parent)
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeyFileError(f"{old}: {error.strerror}; check its owner and disk") from None


def sync_directory(directory: Path) -> None:
    """So that a new name itself survives a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
