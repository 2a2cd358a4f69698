"""Central's keys, each for one thing: receipts ("durably stored"), orders to gateways, parcels.

`edge-central serve` reads the receipt key and no other of these: orders are signed by whoever sends
them, on the command line, and served as they were signed; parcels are opened by `import`.
"""

import base64
import secrets
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from central.secret_file import KeyFileError as KeyFileError
from central.secret_file import create_secret, read_secret, replace_public
from protocols.evidence.errors import Malformed
from protocols.evidence.note import KeyType, Signer, Verifier, decode_base64
from protocols.evidence.parcel import ParcelKey

FILE_NAME: Final = "receipt-key"
NEXT_FILE_NAME: Final = "receipt-key.next"
ORDER_FILE_NAME: Final = "order-key"
ORDER_PUBLIC_NAME: Final = "order-key.pub"
PARCEL_FILE_NAME: Final = "parcel-key"
DEFAULT_NAME: Final = "central"
_SECRET_BYTES: Final = 32


class _Use(NamedTuple):
    """What a key is for: its file, the type of its signatures, its name in messages."""

    file_name: str
    key_type: KeyType
    what: str


_RECEIPTS: Final = _Use(FILE_NAME, KeyType.COSIGNATURE, "receipt key")
_NEXT_RECEIPTS: Final = _Use(NEXT_FILE_NAME, KeyType.COSIGNATURE, "next receipt key")
_ORDERS: Final = _Use(ORDER_FILE_NAME, KeyType.NOTE, "order key")


def create_receipt_key(directory: Path, name: str) -> Signer:
    """Make a new key in `directory`, readable by its owner only. Never overwrites one."""
    return _create(directory, name, _RECEIPTS)


def has_receipt_key(directory: Path) -> bool:
    """Whether a key was made here."""
    return (directory / FILE_NAME).exists()


def load_receipt_key(directory: Path) -> Signer:
    """Read the key. Raises KeyFileError where it is missing, damaged, or readable by others.

    Of a store whose key was rotated, `receipt_keys.py` reads all that belongs to it.
    """
    return _load(directory, _RECEIPTS)


def next_receipt_key(directory: Path, name: str) -> Signer:
    """The key that a rotation brings in, made now unless a cut rotation left one."""
    if (directory / NEXT_FILE_NAME).exists():
        return _load(directory, _NEXT_RECEIPTS)
    return _create(directory, name, _NEXT_RECEIPTS)


def create_order_key(directory: Path) -> Signer:
    """Make the order key beside the receipt key, named after it. Never overwrites one."""
    return _create(directory, f"{load_receipt_key(directory).name}-orders", _ORDERS)


def create_operator_key(path: Path, name: str) -> Signer:
    """Make the key that offers are signed with, at its place of its own: not in a store."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; choose another place") from None
    return _create(path.parent, name, _Use(path.name, KeyType.NOTE, "operator key"))


def load_operator_key(path: Path) -> Signer:
    """Read it. Raises KeyFileError as `load_receipt_key`."""
    if not path.exists():
        raise KeyFileError(f"{path}: no operator key; edge-central operator-key new --out {path}")
    return _load(path.parent, _Use(path.name, KeyType.NOTE, "operator key"))


def has_order_key(directory: Path) -> bool:
    """Whether a key was made here; stores of before orders have none."""
    return (directory / ORDER_FILE_NAME).exists()


def load_order_key(directory: Path) -> Signer:
    """Read the key. Raises KeyFileError as `load_receipt_key`."""
    return _load(directory, _ORDERS)


def publish_order_key(directory: Path, vkey: str) -> None:
    """Keep the order key's public half where it stays when the key's file is taken away."""
    replace_public(directory / ORDER_PUBLIC_NAME, vkey.encode("ascii"))


def order_vkey(directory: Path) -> str:
    """The public half of the order key, for enrolment. Raises KeyFileError."""
    path = directory / ORDER_PUBLIC_NAME
    try:
        return Verifier.from_vkey(path.read_text("ascii")).vkey
    except FileNotFoundError:
        raise KeyFileError(f"{path}: missing; edge-central order-key writes it") from None
    except (Malformed, OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path}: {error}; edge-central order-key writes it again") from None


def parcel_key(directory: Path) -> bytes:
    """The private key of parcels, X25519; a store gets its own when it is first asked for."""
    path = directory / PARCEL_FILE_NAME
    if not path.exists():
        create_secret(path, secrets.token_bytes(_SECRET_BYTES))
    secret = read_secret(path, "parcel key")
    if len(secret) != _SECRET_BYTES:
        raise KeyFileError(f"{path}: not {_SECRET_BYTES} bytes; restore it from your own copy")
    return secret


def public_parcel_key(directory: Path) -> ParcelKey:
    """What gateways encrypt their parcels to."""
    private = X25519PrivateKey.from_private_bytes(parcel_key(directory))
    return ParcelKey(private.public_key().public_bytes_raw())


def _create(directory: Path, name: str, use: _Use) -> Signer:
    secret = secrets.token_bytes(_SECRET_BYTES)
    try:
        signer = Signer.from_private_bytes(name, secret, use.key_type)
    except Malformed as error:
        raise KeyFileError(f"name of the {use.what}: {error}") from None
    text = f"{name} {base64.b64encode(secret).decode()}\n"
    create_secret(directory / use.file_name, text.encode())
    return signer


def _load(directory: Path, use: _Use) -> Signer:
    path = directory / use.file_name
    data = read_secret(path, use.what)
    name, _, encoded = data.decode("utf-8", "replace").partition(" ")
    try:
        secret = decode_base64(encoded.removesuffix("\n"), use.what)
        return Signer.from_private_bytes(name, secret, use.key_type)
    except Malformed as error:
        raise KeyFileError(f"{path}: {error}; restore it from your own copy") from None
