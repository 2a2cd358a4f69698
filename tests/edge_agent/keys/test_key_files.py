"""Files of the state directory: whole or absent, closed to others, and gone when destroyed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.keys.key_files import KeyFileError, StateFiles


def test_a_secret_is_never_replaced(tmp_path: Path) -> None:
    """A second one under its name is refused, and leaves no half-written file."""
    files = StateFiles(tmp_path)
    files.write_secret("log.key", "log-key", "gw-1", b"a" * 32)
    with pytest.raises(FileExistsError):
        files.write_secret("log.key", "log-key", "gw-1", b"b" * 32)
    assert files.read_secret("log.key", "log-key") == ("gw-1", b"a" * 32)
    assert [path.name for path in tmp_path.iterdir()] == ["log.key"]


def test_another_file_is_replaced_whole(tmp_path: Path) -> None:
    """The name has the old content or the new one, and 0600."""
    files = StateFiles(tmp_path)
    for data in (b"old", b"new"):
        files.write("rotation", data)
    assert files.read("rotation") == b"new"
    assert (tmp_path / "rotation").stat().st_mode & 0o777 == 0o600


def test_a_destroyed_secret_is_overwritten_first(tmp_path: Path) -> None:
    """Whoever holds the file open, or the disk's blocks, finds zeros."""
    files = StateFiles(tmp_path)
    files.write_secret("log.key", "log-key", "gw-1", b"a" * 32)
    with (tmp_path / "log.key").open("rb") as held:
        files.destroy("log.key")
        content = held.read()
    assert content == bytes(len(content))
    assert len(content) > 50
    assert not files.exists("log.key")
    files.destroy("log.key")  # gone already: nothing to do


def test_what_an_earlier_kill_left_aside_is_no_obstacle(tmp_path: Path) -> None:
    """Process numbers come back."""
    (tmp_path / f".rotation.{os.getpid()}").write_bytes(b"half")
    files = StateFiles(tmp_path)
    files.write("rotation", b"whole")
    assert files.read("rotation") == b"whole"


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    """Missing is None, open to others or too long is a fault with its remedy."""
    files = StateFiles(tmp_path)
    assert files.read("rotation") is None
    files.write("rotation", b"x" * 20)
    with pytest.raises(KeyFileError, match="longer than 10 bytes"):
        files.read("rotation", 10)
    (tmp_path / "rotation").chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        files.read("rotation")
    (tmp_path / "rotation").unlink()
    (tmp_path / "rotation").mkdir()
    with pytest.raises(KeyFileError, match="cannot be read"):
        files.read("rotation")
