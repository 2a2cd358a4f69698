"""The demo replaces its own directory and nobody else's."""

from pathlib import Path

import pytest

from simulators.demo_directory import MARKER, demo_directory
from simulators.failure import DemoError


def test_a_former_demo_is_replaced(tmp_path: Path) -> None:
    """Files, directories and links of the last demo are gone; what a link led to is not."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    with demo_directory(tmp_path / "demo") as directory:
        (directory / "store").mkdir()
        (directory / "store" / "file").touch()
        (directory / "agent.log").touch()
        (directory / "line-1").symlink_to("/dev/null")
        (directory / "elsewhere").symlink_to(outside)
    with demo_directory(tmp_path / "demo") as directory:
        assert [entry.name for entry in directory.iterdir()] == [MARKER]
    assert (outside / "kept").exists()


def test_anything_else_is_left_alone(tmp_path: Path) -> None:
    """A directory with files and no marker is refused and keeps them."""
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(DemoError, match="choose another DEMO_DIR"), demo_directory(tmp_path):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    """An empty directory may become a demo's."""
    with demo_directory(tmp_path) as directory:
        assert (directory / MARKER).is_file()


def test_a_running_demo_is_not_disturbed(tmp_path: Path) -> None:
    """A second demo in the same place is refused and removes nothing."""
    with demo_directory(tmp_path) as directory:
        (directory / "journal").touch()
        with pytest.raises(DemoError, match="another demo runs"), demo_directory(tmp_path):
            pass
        assert (directory / "journal").exists()


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    """Where no directory can be, the error names the place."""
    (tmp_path / "file").touch()
    with pytest.raises(DemoError, match="file"), demo_directory(tmp_path / "file"):
        pass
