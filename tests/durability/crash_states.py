"""What a disk may hold after a power cut: pure, from the recorded calls to the files' bytes.

A file's bytes are certain up to its last sync. Of what came later the disk may hold anything:

- DROPPED: none of it.
- KEPT: all of it.
- REORDERED: any of the calls, whatever their order was.
- TORN: any of the sectors of 512 bytes of any of the calls.

Names are calls on the directory: a new file's first sync makes it certain, and all names before it
(SQLite's unix VFS syncs the directory then). Deleting the WAL at close is not synced, so it may
come back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

SECTOR = 512


class Mode(Enum):
    DROPPED = "dropped"
    KEPT = "kept"
    REORDERED = "reordered"
    TORN = "torn"


class Write(NamedTuple):
    file: int
    offset: int
    data: bytes


class Truncate(NamedTuple):
    file: int
    size: int


class Name(NamedTuple):
    """A name's file from now on; None: the name is gone."""

    name: str
    file: int | None


class Sync(NamedTuple):
    file: int
    is_new: bool  # and so is its directory synced


Call = Write | Truncate | Name | Sync
Change = Write | Truncate | Name
Files = dict[str, bytes]


class Recording:
    """A watcher that lets everything through and keeps it, in order."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._files: dict[str, int] = {}
        self._new: set[int] = set()
        self._count = 0

    def opened(self, path: str, created: bool) -> None:
        name = Path(path).name
        if created or name not in self._files:
            self._files[name] = self._count
            self._count += 1
            self._new.add(self._files[name])
            self.calls.append(Name(name, self._files[name]))

    def begun_with(self, path: Path) -> None:
        """A file that lay there, durably, before the recording."""
        self.opened(str(path), True)
        self.calls.append(Write(self._files[path.name], 0, path.read_bytes()))
        self.sync(str(path))

    def write(self, path: str, data: bytes, offset: int) -> tuple[int, int]:
        self.calls.append(Write(self._files[Path(path).name], offset, data))
        return 0, 0

    def truncate(self, path: str, size: int) -> int:
        self.calls.append(Truncate(self._files[Path(path).name], size))
        return 0

    def sync(self, path: str) -> int:
        file = self._files[Path(path).name]
        self.calls.append(Sync(file, file in self._new))
        self._new.discard(file)
        return 0

    def delete(self, path: str) -> int:
        self.calls.append(Name(Path(path).name, None))
        self._files.pop(Path(path).name, None)
        return 0

    def read(self, path: str) -> int:
        return 0


@dataclass
class Disk:
    """What is certain, and what came after."""

    names: dict[str, int] = field(default_factory=dict)
    files: dict[int, bytearray] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)

    def take(self, call: Call) -> None:
        """One more call."""
        if not isinstance(call, Sync):
            self.pending.append(call)
            return
        certain = [
            change
            for change in self.pending
            if (call.is_new if isinstance(change, Name) else change.file == call.file)
        ]
        self.pending = [change for change in self.pending if change not in _Same(certain)]
        for change in certain:
            _apply(self.names, self.files, change)

    def after_power_cut(self, mode: Mode, rng: random.Random) -> Files:
        """The named files as they may be found."""
        names, files = (
            dict(self.names),
            {file: bytearray(data) for file, data in self.files.items()},
        )
        for change in _surviving(self.pending, mode, rng):
            _apply(names, files, change)
        return {name: bytes(files.get(file, b"")) for name, file in names.items()}


class _Same:
    """Membership by identity: two equal writes are two."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._ids = {id(change) for change in changes}

    def __contains__(self, change: object) -> bool:
        return id(change) in self._ids


def _surviving(pending: Sequence[Change], mode: Mode, rng: random.Random) -> Iterator[Change]:
    if mode is Mode.DROPPED:
        return
    share = rng.random()  # of what survives: near all and near none are as likely as half
    for change in pending:
        if mode is Mode.KEPT:
            yield change
        elif mode is Mode.REORDERED or not isinstance(change, Write):
            if rng.random() < share:
                yield change
        else:
            yield from (sector for sector in sectors(change) if rng.random() < share)


def sectors(write: Write) -> Iterator[Write]:
    """The parts of a write that a disk writes or does not, each whole."""
    at, end = write.offset, write.offset + len(write.data)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        yield Write(write.file, at, write.data[at - write.offset : stop - write.offset])
        at = stop


def _apply(names: dict[str, int], files: dict[int, bytearray], change: Change) -> None:
    if isinstance(change, Name):
        if change.file is None:
            names.pop(change.name, None)
        else:
            names[change.name] = change.file
        return
    data = files.setdefault(change.file, bytearray())
    if isinstance(change, Truncate):
        del data[change.size :]
        data.extend(bytes(max(0, change.size - len(data))))
        return
    data.extend(bytes(max(0, change.offset - len(data))))
    data[change.offset : change.offset + len(change.data)] = change.data


def power_cuts(
    calls: Sequence[Call], modes: Sequence[Mode], seed: int, wanted: Callable[[int], bool]
) -> Iterator[tuple[int, Mode, Files]]:
    """Each crash point (after so many calls) in each mode."""
    disk = Disk()
    for number, call in enumerate(calls, 1):
        disk.take(call)
        if wanted(number):
            for mode in modes:
                rng = random.Random(f"{seed} {number} {mode.value}")
                yield number, mode, disk.after_power_cut(mode, rng)
