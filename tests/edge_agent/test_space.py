"""Limits of the journal, and the files that hold room for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.ballast import Ballast
from edge_agent.space import LEAST_BYTES, Limits, soft_limit
from tests.edge_agent.test_room import Rig, rig_of
from tests.edge_agent.tiny_disk import fill, tiny_disk

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


def test_a_file_system_with_room_is_not_tight(rig: Rig) -> None:
    """At the soft limit the ballast stays."""
    assert not rig.journal.space.tighten(rig.journal.connection)
    assert rig.count("PRAGMA wal_autocheckpoint") == 50


def test_a_ballast_takes_space_or_none(tmp_path: Path) -> None:
    """Where it does not fit it leaves no file behind; given back it is really free."""
    with tiny_disk(tmp_path / "disk", 1024) as disk:
        ballast = Ballast(disk / "ballast", 512 * 1024)
        assert ballast.make()
        assert ballast.make()
        assert ballast.is_there
        other = fill(disk)
        assert ballast.release()
        assert not ballast.release()
        fill(disk)
        assert not ballast.make()
        assert not ballast.path.exists()
        other.unlink()
        assert ballast.make()


def test_a_torn_ballast_is_made_anew(tmp_path: Path) -> None:
    """One that another program truncated, or sparse, holds no room."""
    ballast = Ballast(tmp_path / "ballast", 64 * 1024)
    with ballast.path.open("wb") as file:
        file.truncate(64 * 1024)
    assert not ballast.is_there
    assert ballast.make()
    assert ballast.is_there


def test_no_size_no_file(tmp_path: Path) -> None:
    """A reserve of nothing."""
    ballast = Ballast(tmp_path / "reserve", 0)
    assert ballast.make()
    assert not ballast.path.exists()
