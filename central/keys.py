"""Central's receipt key: used for nothing but "durably stored"."""

import base64
import os
import secrets
from pathlib import Path
from typing import Final

from protocols.evidence.errors import Malformed
from protocols.evidence.note import KeyType, Signer, decode_base64

FILE_NAME: Final = "receipt-key"
DEFAULT_NAME: Final = "central"
_SECRET_BYTES: Final = 32
_MAX_FILE_BYTES: Final = 1024


class KeyFileError(Exception):
    """The receipt key cannot be used; says where and what to do."""


def create_receipt_key(directory: Path, name: str) -> Signer:
    """Make a new key in `directory`, readable by its owner only. Never overwrites one."""
    secret = secrets.token_bytes(_SECRET_BYTES)
    try:
        signer = Signer.from_private_bytes(name, secret, KeyType.COSIGNATURE)
    except Malformed as error:
        raise KeyFileError(f"name of the receipt key: {error}") from None
    path = directory / FILE_NAME
    # Written aside and then linked: the key appears whole or not at all, also after a power cut.
    aside = directory / f".{FILE_NAME}.{os.getpid()}"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"{name} {base64.b64encode(secret).decode()}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError:
        raise KeyFileError(f"{path}: there is a key already; it is never replaced") from None
    finally:
        aside.unlink()
    _sync_directory(directory)
    return signer


def has_receipt_key(directory: Path) -> bool:
    """Whether a key was made here."""
    return (directory / FILE_NAME).exists()


def load_receipt_key(directory: Path) -> Signer:
    """Read the key. Raises KeyFileError where it is missing, damaged, or readable by others."""
    path = directory / FILE_NAME
    try:
        with path.open("rb") as file:
            others = os.fstat(file.fileno()).st_mode & 0o077
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no receipt key; edge-central init makes one") from None
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; check its owner and mode") from None
    if others:
        raise KeyFileError(f"{path}: others may read it; if nobody did: chmod 600 {path}")
    name, _, encoded = data.decode("utf-8", "replace").partition(" ")
    try:
        secret = decode_base64(encoded.removesuffix("\n"), "receipt key")
        return Signer.from_private_bytes(name, secret, KeyType.COSIGNATURE)
    except Malformed as error:
        raise KeyFileError(f"{path}: {error}; restore it from your own copy") from None


def _sync_directory(directory: Path) -> None:
    """So that the new name itself survives a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
