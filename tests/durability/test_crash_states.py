"""The model of the disk itself, by hand."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

from tests.durability.crash_states import (
    Call,
    Disk,
    Mode,
    Name,
    Recording,
    Sync,
    Truncate,
    Write,
    power_cuts,
    sectors,
)
from tests.durability.vfs import watched

RNG = random.Random(1)


def _disk(*calls: Call) -> Disk:
    disk = Disk()
    for call in calls:
        disk.take(call)
    return disk


def test_only_what_was_synced_is_certain() -> None:
    """A sync of one file says nothing of another."""
    disk = _disk(
        *(Name("a", 1), Name("b", 2), Sync(1, True)),
        *(Write(1, 0, b"one"), Write(2, 0, b"two"), Sync(2, False), Write(2, 3, b"!")),
    )
    assert disk.after_power_cut(Mode.DROPPED, RNG) == {"a": b"", "b": b"two"}
    assert disk.after_power_cut(Mode.KEPT, RNG) == {"a": b"one", "b": b"two!"}


def test_a_deleted_file_may_come_back() -> None:
    """Until the directory is synced, which a new file's first sync does."""
    gone = (Name("a", 1), Sync(1, True), Write(1, 0, b"old"), Sync(1, False), Name("a", None))
    assert _disk(*gone).after_power_cut(Mode.DROPPED, RNG) == {"a": b"old"}
    disk = _disk(*gone, Name("a", 2), Write(2, 0, b"new"), Sync(2, True))
    assert disk.after_power_cut(Mode.DROPPED, RNG) == {"a": b"new"}


def test_calls_survive_in_any_choice() -> None:
    """A later write may be there without an earlier one; the hole reads as zeros."""
    disk = _disk(Name("a", 1), Sync(1, True), Write(1, 0, b"1"), Write(1, 1, b"2"), Truncate(1, 1))
    found = {disk.after_power_cut(Mode.REORDERED, random.Random(n))["a"] for n in range(200)}
    assert found == {b"", b"1", b"12", b"\0002", b"\0"}


def test_a_torn_write_has_whole_sectors() -> None:
    """By their place in the file, not in the write."""
    parts = list(sectors(Write(1, 500, bytes(1000))))
    assert [(part.offset, len(part.data)) for part in parts] == [(500, 12), (512, 512), (1024, 476)]


def test_what_sqlite_does_is_recorded(tmp_path: Path) -> None:
    """All of it kept is the file that lies on the real disk; the last sync covers the commit."""
    recording = Recording()
    with watched(tmp_path, recording):
        connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (randomblob(9000))")
        (*_, (_, _, kept)) = power_cuts(recording.calls, [Mode.KEPT], 1, lambda _: True)
        on_disk = {name: (tmp_path / name).read_bytes() for name in ("x.db", "x.db-wal")}
        (*_, (_, _, dropped)) = power_cuts(recording.calls, [Mode.DROPPED], 1, lambda _: True)
        connection.close()
    assert kept == on_disk
    assert dropped == on_disk
    assert isinstance(recording.calls[-1], Name)  # the WAL is deleted at close
