"""The gateway's secrets: the Ed25519 log key, and the secret from which every leaf's salt comes.

Two small files in the state directory, 0600, made in one step each: either absent or whole. The log
key is never overwritten, because a log that is signed by another key is another gateway's.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from protocols.evidence.leaf import is_gateway_id
from protocols.evidence.note import Signer

LOG_KEY: Final = "log.key"
SALT_SECRET: Final = "salt.secret"  # noqa: S105  # a file's name
_SECRET_BYTES: Final = 32
_MAX_FILE_BYTES: Final = 512
_FORMAT: Final = re.compile(r"gas-gateway (log-key|salt-secret) v1\n([^\n]+)\n([^\n]+)\n")


class KeyFileError(Exception):
    """A key file that is missing, faulty, readable by others or already there; says the remedy."""


class Keys(NamedTuple):
    """What signs checkpoints, and what salts are made of."""

    gateway: str
    signer: Signer
    salt_secret: bytes


def create_keys(state_dir: Path, gateway: str, random: Callable[[int], bytes]) -> Keys:
    """Make the secrets of a new gateway. Raises KeyFileError where it has a log key already."""
    if not is_gateway_id(gateway):
        raise KeyFileError(
            f"gateway id {gateway!r} is not usable; use [a-z0-9][a-z0-9.-]*, at most 63 characters"
        )
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (state_dir / LOG_KEY).exists():
        raise KeyFileError(
            f"{state_dir / LOG_KEY} exists; keep it: central knows this gateway by it "
            "(edge-agent key show prints its public half)"
        )
    # A salt secret without a log key is what a crash between the two left: it goes with no log yet.
    with contextlib.suppress(FileExistsError):
        _write_new(state_dir / SALT_SECRET, "salt-secret", gateway, random(_SECRET_BYTES))
    try:
        _write_new(state_dir / LOG_KEY, "log-key", gateway, random(_SECRET_BYTES))
    except FileExistsError as error:
        raise KeyFileError(f"{state_dir / LOG_KEY} was made by somebody else just now") from error
    return load_keys(state_dir)


def load_keys(state_dir: Path) -> Keys:
    """Raises KeyFileError."""
    gateway, private = _read(state_dir / LOG_KEY, "log-key")
    salt_gateway, salt_secret = _read(state_dir / SALT_SECRET, "salt-secret")
    if salt_gateway != gateway:
        raise KeyFileError(
            f"{state_dir / SALT_SECRET} belongs to {salt_gateway!r}, {LOG_KEY} to {gateway!r}; "
            "put the two files of one gateway together"
        )
    return Keys(gateway, Signer.from_private_bytes(gateway, private), salt_secret)


def _write_new(path: Path, kind: str, gateway: str, secret: bytes) -> None:
    """Written aside, synced, then linked: the name appears with the whole content or not at all."""
    text = f"gas-gateway {kind} v1\n{gateway}\n{base64.b64encode(secret).decode()}\n"
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)  # unlike rename it never replaces a key
    finally:
        aside.unlink()
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """A new file's name is durable only when its directory is synced too."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, kind: str) -> tuple[str, bytes]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyFileError(
            f"{path} is missing; make it with edge-agent key new --state {path.parent} --gateway ID"
        ) from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error}; check its owner") from error
    if mode & 0o077:
        raise KeyFileError(f"{path} may be read by others; chmod 600 {path}")
    match = _FORMAT.fullmatch(text.decode("ascii", errors="replace"))
    if match is None or match[1] != kind:
        raise KeyFileError(f"{path} is damaged; restore it from the provisioning record")
    try:
        secret = base64.b64decode(match[3], validate=True)
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES or not is_gateway_id(match[2]):
        raise KeyFileError(f"{path} is damaged; restore it from the provisioning record")
    return match[2], secret
