"""Files that hold room: they take it, or leave nothing behind."""

from __future__ import annotations

from pathlib import Path

from edge_agent.journal.ballast import BALLAST_BYTES, BALLAST_NAME, WAY_BYTES, Ballast, make_way
from tests.edge_agent.tiny_disk import fill, tiny_disk


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


def test_way_is_made_only_where_there_is_none(tmp_path: Path) -> None:
    """A start with room keeps its ballast."""
    with tiny_disk(tmp_path / "disk", 2048) as disk:
        ballast = Ballast(disk / BALLAST_NAME, BALLAST_BYTES)
        assert ballast.make()
        fill(disk, 2 * WAY_BYTES)
        make_way(disk)
        assert ballast.is_there
        fill(disk, WAY_BYTES // 2)
        make_way(disk)
        assert not ballast.path.exists()
