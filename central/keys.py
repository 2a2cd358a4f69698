"""Central's two keys, each used for one thing: receipts ("durably stored") and orders to gateways.

`edge-central serve` reads the receipt key only: orders are signed by whoever sends them, on the
command line, and served as they were signed.
"""

import base64
import os
import secrets
from pathlib import Path
from typing import Final, NamedTuple

from protocols.evidence.errors import Malformed
from protocols.evidence.note import KeyType, Signer, decode_base64

FILE_NAME: Final = "receipt-key"
ORDER_FILE_NAME: Final = "order-key"
DEFAULT_NAME: Final = "central"
_SECRET_BYTES: Final = 32
_MAX_FILE_BYTES: Final = 1024


class KeyFileError(Exception):
    """A key of central cannot be used; says where and what to do."""


class _Use(NamedTuple):
    """What a key is for: its file, the type of its signatures, its name in messages."""

    file_name: str
    key_type: KeyType
    what: str


_RECEIPTS: Final = _Use(FILE_NAME, KeyType.COSIGNATURE, "receipt key")
_ORDERS: Final = _Use(ORDER_FILE_NAME, KeyType.NOTE, "order key")


def create_receipt_key(directory: Path, name: str) -> Signer:
    """Make a new key in `directory`, readable by its owner only. Never overwrites one."""
    return _create(directory, name, _RECEIPTS)


def has_receipt_key(directory: Path) -> bool:
    """Whether a key was made here."""
    return (directory / FILE_NAME).exists()


def load_receipt_key(directory: Path) -> Signer:
    """Read the key. Raises KeyFileError where it is missing, damaged, or readable by others."""
    return _load(directory, _RECEIPTS)


def create_order_key(directory: Path) -> Signer:
    """Make the order key beside the receipt key, named after it. Never overwrites one."""
    return _create(directory, f"{load_receipt_key(directory).name}-orders", _ORDERS)


def has_order_key(directory: Path) -> bool:
    """Whether a key was made here; stores of before orders have none."""
    return (directory / ORDER_FILE_NAME).exists()


def load_order_key(directory: Path) -> Signer:
    """Read the key. Raises KeyFileError as `load_receipt_key`."""
    return _load(directory, _ORDERS)


def _create(directory: Path, name: str, use: _Use) -> Signer:
    secret = secrets.token_bytes(_SECRET_BYTES)
    try:
        signer = Signer.from_private_bytes(name, secret, use.key_type)
    except Malformed as error:
        raise KeyFileError(f"name of the {use.what}: {error}") from None
    path = directory / use.file_name
    # Written aside and then linked: the key appears whole or not at all, also after a power cut.
    aside = directory / f".{use.file_name}.{os.getpid()}"
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


def _load(directory: Path, use: _Use) -> Signer:
    path = directory / use.file_name
    try:
        with path.open("rb") as file:
            others = os.fstat(file.fileno()).st_mode & 0o077
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no {use.what}; edge-central init makes one") from None
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; check its owner and mode") from None
    if others:
        raise KeyFileError(f"{path}: others may read it; if nobody did: chmod 600 {path}")
    name, _, encoded = data.decode("utf-8", "replace").partition(" ")
    try:
        secret = decode_base64(encoded.removesuffix("\n"), use.what)
        return Signer.from_private_bytes(name, secret, use.key_type)
    except Malformed as error:
        raise KeyFileError(f"{path}: {error}; restore it from your own copy") from None


def _sync_directory(directory: Path) -> None:
    """So that the new name itself survives a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
