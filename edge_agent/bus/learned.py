"""What was learned of the instruments, over restarts: the points that each of them refuses.

One small file in the state directory, replaced as a whole. It only saves requests: if it is lost
or damaged it is forgotten, that is said, and the same is learned again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

LEARNED_NAME: Final = "learned.json"
FORMAT: Final = 1
MAX_BYTES: Final = 1_000_000
_log = logging.getLogger(__name__)

_Known = dict[str, tuple[str, tuple[str, ...]]]  # by serial number: profile, points


class Learned:
    """Thread-safe: each bus has a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known = _read(path)

    def refused(self, serial: str, profile: str) -> tuple[str, ...]:
        """The points that this device refused when last heard; none after a change of profile."""
        with self._lock:
            known = self._known.get(serial)
        return known[1] if known is not None and known[0] == profile else ()

    def remember(self, serial: str, profile: str, points: Sequence[str]) -> None:
        """Replace what is known of a device. A disk that takes nothing costs a warning only."""
        with self._lock:
            if self._known.get(serial, (profile, ())) == (profile, tuple(points)):
                return
            if points:
                self._known[serial] = (profile, tuple(points))
            else:
                del self._known[serial]
            try:
                _write(self._path, self._known)
            except OSError as error:
                _log.warning("%s was not written: %s", self._path, error)


def _read(path: Path) -> _Known:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        _log.warning("%s cannot be read: %s; it is learned again", path, error)
        return {}
    try:
        return _parse(json.loads(data) if len(data) <= MAX_BYTES else None)
    except (ValueError, RecursionError) as error:
        _log.warning("%s is damaged: %s; it is forgotten and learned again", path, error)
        return {}


def _parse(body: Any) -> _Known:
    """Raises ValueError for anything that `_write` could not have made."""
    match body:
        case {"format": int(number), "devices": dict(devices)} if number == FORMAT:
            return {serial: _parse_device(entry) for serial, entry in devices.items()}
        case _:
            raise ValueError(f"no format {FORMAT}")


def _parse_device(entry: Any) -> tuple[str, tuple[str, ...]]:
    match entry:
        case {"profile": str(profile), "refused": list(points)} if points and all(
            isinstance(point, str) for point in points
        ):
            return profile, tuple(points)
        case _:
            raise ValueError("an entry without profile or refused points")


def _write(path: Path, known: _Known) -> None:
    """Beside it, to the disk, and into its place: after a power cut there is the old or the new."""
    devices = {
        serial: {"profile": profile, "refused": list(points)}
        for serial, (profile, points) in sorted(known.items())
    }
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "devices": devices}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
