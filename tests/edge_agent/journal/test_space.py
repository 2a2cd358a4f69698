"""Limits of the journal, and the files that hold room for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.journal.space import LEAST_BYTES, Limits, soft_limit
from tests.edge_agent.recorder.test_room import Rig, rig_of

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("limits", "own", "free", "expected"),
    [
        (Limits(max_bytes=5 * MB), 0, 1, 5 * MB),
        (Limits(), 200 * MB, 800 * MB, 800 * MB),
        (Limits(reserve_bytes=8 * MB), 200 * MB, 800 * MB, 792 * MB),
        (Limits(reserve_bytes=8 * MB), 1 * MB, 2 * MB, LEAST_BYTES),
    ],
)
def test_the_limit_is_the_settings_or_four_fifths(
    limits: Limits, own: int, free: int, expected: int
) -> None:
    """Of what is free, with what the journal has already, less the reserve."""
    assert soft_limit(limits, own, free) == expected


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_of(tmp_path, Limits(max_bytes=MB, reserve_bytes=64 * 1024)) as rig:
        yield rig


def test_the_limits_are_sqlites(rig: Rig) -> None:
    """As pages; the reserve comes on top."""
    page_size = rig.count("PRAGMA page_size")
    assert rig.count("PRAGMA max_page_count") == MB // page_size
    assert rig.journal.space.open_reserve(rig.journal.connection)
    assert not rig.journal.space.open_reserve(rig.journal.connection)
    assert rig.count("PRAGMA max_page_count") == (MB + 64 * 1024) // page_size
    assert rig.journal.space.relax(rig.journal.connection)
    assert rig.count("PRAGMA max_page_count") == MB // page_size


def test_its_files_are_looked_at_without_a_new_name(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each tick: a name that pathlib interns anew takes memory in the end (`heap.py`)."""
    interned: list[str] = []

    def note(text: str) -> str:
        interned.append(text)
        return text

    monkeypatch.setattr(sys, "intern", note)
    path = rig.journal.path
    sizes = [path.stat().st_size, Path(f"{path}-wal").stat().st_size]
    interned.clear()
    assert rig.journal.space.file_bytes() == sum(sizes)
    assert not interned


def test_a_file_system_with_room_is_not_tight(rig: Rig) -> None:
    """At the soft limit the ballast stays."""
    assert not rig.journal.space.tighten(rig.journal.connection)
    assert rig.count("PRAGMA wal_autocheckpoint") == 50
