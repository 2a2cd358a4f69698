"""The files: gateway.toml, the versions, the index; each is old or new, and never half.

A file is written aside, synced, and put in place by one rename. The state directory is named in
gateway.toml itself: for the day when that cannot be read, its place is also noted beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from edge_agent.config_store.history import History, HistoryError, decode, encode
from edge_agent.keys.key_files import sync_directory
from edge_agent.permission import why_closed

FOLDER: Final = "config"
INDEX: Final = "index.json"
POINTER: Final = ".gateway-state"  # beside gateway.toml: where the state directory is
MAX_INDEX_BYTES: Final = 1_048_576
MAX_CONFIG_BYTES: Final = 1_000_000
_VERSION: Final = re.compile(r"([0-9]{1,9})\.toml")
_ALONE: Final = "ask the running agent"
LOCK_S: Final = 20.0
"""Whoever has it needs some file operations; more than that is somebody who was suspended."""
_LOCK_LOOK_S: Final = 0.05
_log = logging.getLogger(__name__)


class ConfigFiles:
    """The files of one gateway's configuration. Use it within `locked`."""

    def __init__(self, config_path: Path, state_dir: Path) -> None:
        self.path = config_path
        self.state_dir = state_dir
        self.directory = state_dir / FOLDER

    def before(self, step: str) -> None:
        """Called before each step that changes the disk; tests end the program here."""

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time; each holds it for some file operations only. Raises OSError, and
        TimeoutError after LOCK_S: no thread of the agent may wait for ever."""
        try:
            descriptor = self._open_lock()
        except PermissionError as error:
            closed = why_closed(self.directory / "lock", os.W_OK, _ALONE)
            raise PermissionError(closed or f"{error}") from error
        try:
            _give(descriptor, self.directory)
            self._take_lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _take_lock(self, descriptor: int) -> None:
        until_s = time.monotonic() + LOCK_S
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= until_s:
                    lock = self.directory / "lock"
                    raise TimeoutError(
                        f"{lock}: another edge-agent has it for more than {LOCK_S:g} s; "
                        f"end that one (fuser -v {lock}) and do it again"
                    ) from error
            time.sleep(_LOCK_LOOK_S)

    def _open_lock(self) -> int:
        if not self.directory.is_dir():
            for folder in (self.state_dir, self.directory):
                if not folder.is_dir():  # one that is there keeps its owner
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    made = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                    try:
                        _give(made, folder.parent)
                    finally:
                        os.close(made)
        return os.open(
            self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )

    def read_config(self) -> bytes | None:
        """What gateway.toml holds; None where there is none. Raises OSError."""
        return _read(self.path, MAX_CONFIG_BYTES)

    def put_config(self, data: bytes) -> None:
        """Replace gateway.toml in one step; owner and permissions stay."""
        mode, owner = 0o640, None
        with contextlib.suppress(FileNotFoundError):
            found = self.path.stat()
            mode, owner = found.st_mode & 0o777, (found.st_uid, found.st_gid)
        self._write(self.path, data, mode, owner)

    def history(self) -> History:
        """What the index says. A damaged one is begun anew from the versions that are there."""
        data = _read(self.directory / INDEX, MAX_INDEX_BYTES)
        if data is None:
            return History(next_number=self._highest() + 1)
        try:
            return decode(data)
        except HistoryError as error:
            _log.error("%s: %s; it is begun anew", self.directory / INDEX, error)
            return History(next_number=self._highest() + 1)

    def store(self, history: History) -> None:
        """Write the index; versions that it does not name any more go afterwards."""
        self._write(self.directory / INDEX, encode(history))
        named = {each.number for each in history.versions}
        for number, path in self.stored().items():
            if named and number not in named:
                self.before(f"remove {path.name}")
                path.unlink(missing_ok=True)

    def write_version(self, number: int, data: bytes) -> None:
        self._write(self.directory / f"{number:04d}.toml", data)

    def read_version(self, number: int, digest: str) -> bytes | None:
        """The bytes of a version; None where they are gone or damaged."""
        data = _read(self.directory / f"{number:04d}.toml", MAX_CONFIG_BYTES)
        return data if data is not None and sha256(data) == digest else None

    def write_offer(self, number: int, data: bytes) -> None:
        self._write(self.directory / f"offer-{number}", data)

    def read_offer(self, number: int) -> bytes | None:
        """None where it is gone."""
        return _read(self.directory / f"offer-{number}", MAX_INDEX_BYTES)

    def remove_offer(self, number: int) -> None:
        (self.directory / f"offer-{number}").unlink(missing_ok=True)

    def stored(self) -> Mapping[int, Path]:
        """Every version's file by its number, rising."""
        found = {}
        for path in self.directory.iterdir():
            if match := _VERSION.fullmatch(path.name):
                found[int(match[1])] = path
        return dict(sorted(found.items()))

    def note_place(self) -> None:
        """So that the state directory is found by whoever cannot read gateway.toml.

        A folder that may not be written is no failure: `$STATE_DIRECTORY` tells it too.
        """
        pointer = self.path.parent / POINTER
        text = f"{self.state_dir.absolute()}\n".encode()
        try:
            if _read(pointer, 4096) != text:
                self._write(pointer, text, 0o644)
        except OSError as error:
            _log.info("%s is not written: %s", pointer, error)

    def _highest(self) -> int:
        return max(self.stored(), default=0)

    def _write(
        self, path: Path, data: bytes, mode: int = 0o600, owner: tuple[int, int] | None = None
    ) -> None:
        aside = path.with_name(".gateway-new")  # what a kill leaves goes with the next
        self.before(f"write {path.name}")
        aside.unlink(missing_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), mode)
                if owner is None:
                    _give(file.fileno(), path.parent)
                elif os.geteuid() == 0:
                    os.fchown(file.fileno(), *owner)
                os.fsync(file.fileno())
            self.before(f"name {path.name}")
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        sync_directory(path.parent)


def _give(descriptor: int, folder: Path) -> None:
    """What root makes in somebody's folder belongs to him: the agent must read it. By what is open,
    not by a name that he may have given to another file meanwhile.
    """
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def find_state_dir(config_path: Path, environment: Mapping[str, str]) -> Path | None:
    """The state directory of a gateway whose gateway.toml cannot be read; None: not known."""
    base = config_path.parent
    with contextlib.suppress(OSError, UnicodeDecodeError):
        noted = (_read(base / POINTER, 4096) or b"").decode().strip()
        if noted and (Path(noted) / FOLDER).is_dir():
            return Path(noted)
    given = environment.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd.exec(5)
    for place in (Path(given) if given else None, base / "state"):
        with contextlib.suppress(OSError):  # a folder that whoever asks may not enter
            if place is not None and (place / FOLDER).is_dir():
                return place
    return None


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: Path, most: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        return None
    if len(data) > most:
        raise OSError(f"{path} is longer than {most} bytes; it is not this program's")
    return data
