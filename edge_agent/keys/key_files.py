"""The small files of the state directory that hold secrets or say which key is in force.

Each is written aside, synced, and put in place in one step: it is absent, old or new, and never
half. A secret that is no longer needed is overwritten before its name goes; flash may keep a copy
where its controller moved the block, against which only an encrypted disk helps.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
from pathlib import Path
from typing import Final

from protocols.evidence.leaf import is_gateway_id

MAX_FILE_BYTES: Final = 1_048_576
_SECRET_BYTES: Final = 32
_MAX_SECRET_FILE_BYTES: Final = 512
_FORMAT: Final = re.compile(r"gas-gateway (log-key|salt-secret) v1\n([^\n]+)\n([^\n]+)\n")


class KeyFileError(Exception):
    """A key file that is missing, faulty, readable by others or already there; says the remedy."""


class StateFiles:
    """The files of one state directory. For one thread at a time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def exists(self, name: str) -> bool:
        return (self.directory / name).exists()

    def before(self, step: str) -> None:
        """Called before each step that changes the disk; tests end the program here."""

    def write_secret(self, name: str, kind: str, gateway: str, secret: bytes) -> None:
        """A new secret. Raises FileExistsError: a secret is never replaced by another."""
        text = f"gas-gateway {kind} v1\n{gateway}\n{base64.b64encode(secret).decode()}\n"
        self._write(name, text.encode("ascii"), replace=False)

    def write(self, name: str, data: bytes) -> None:
        """A file that may be replaced, 0600 too."""
        self._write(name, data, replace=True)

    def read(self, name: str, most: int = MAX_FILE_BYTES) -> bytes | None:
        """The content, None where there is none. Raises KeyFileError."""
        path = self.directory / name
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read(most + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeyFileError(f"{path} cannot be read: {error}; check its owner") from error
        if mode & 0o077:
            raise KeyFileError(f"{path} may be read by others; chmod 600 {path}")
        if len(data) > most:
            raise KeyFileError(f"{path} is longer than {most} bytes; it is not this program's")
        return data

    def read_secret(self, name: str, kind: str) -> tuple[str, bytes]:
        """Whose it is, and the secret. Raises KeyFileError."""
        path = self.directory / name
        data = self.read(name, _MAX_SECRET_FILE_BYTES + 8192)
        if data is None:
            raise KeyFileError(
                f"{path} is missing; make it with edge-agent enroll or edge-agent key new "
                f"--state {path.parent} --gateway ID"
            )
        match = _FORMAT.fullmatch(data.decode("ascii", errors="replace"))
        if match is None or match[1] != kind:
            raise KeyFileError(f"{path} is damaged; restore it from the provisioning record")
        try:
            secret = base64.b64decode(match[3], validate=True)
        except ValueError:
            secret = b""
        if len(secret) != _SECRET_BYTES or not is_gateway_id(match[2]):
            raise KeyFileError(f"{path} is damaged; restore it from the provisioning record")
        return match[2], secret

    def rename(self, old: str, new: str) -> None:
        """In place of what is there."""
        self.before(f"rename {old}")
        (self.directory / old).replace(self.directory / new)
        sync_directory(self.directory)

    def remove(self, name: str) -> None:
        """No secret; nothing to do where it is gone."""
        self.before(f"remove {name}")
        (self.directory / name).unlink(missing_ok=True)
        sync_directory(self.directory)

    def destroy(self, name: str) -> None:
        """A secret: overwritten, synced, then removed. Nothing to do where it is gone."""
        self.before(f"destroy {name}")
        with (
            contextlib.suppress(FileNotFoundError),
            (self.directory / name).open("r+b") as file,
        ):
            file.write(bytes(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
        self.remove(name)

    def _write(self, name: str, data: bytes, *, replace: bool) -> None:
        path = self.directory / name
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        self.before(f"write {name}")
        aside.unlink(missing_ok=True)  # what a kill left under this process number
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self.before(f"name {name}")
            if replace:
                aside.replace(path)
            else:
                os.link(aside, path)  # unlike rename it never replaces a key
        finally:
            aside.unlink(missing_ok=True)
        sync_directory(self.directory)


def sync_directory(directory: Path) -> None:
    """A new file's name is durable only when its directory is synced too."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
