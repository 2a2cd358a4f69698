"""The files of a gateway's configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import edge_agent.config_store.files as files_module
from edge_agent.config_store.files import ConfigFiles, find_state_dir, sha256
from edge_agent.config_store.history import History, Version


def test_permissions_of_the_file_stay(tmp_path: Path) -> None:
    """A group that may read it may read the next one too."""
    path = tmp_path / "gateway.toml"
    path.write_bytes(b"old")
    path.chmod(0o644)
    files = ConfigFiles(path, tmp_path / "state")
    with files.locked():
        files.put_config(b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_lock_is_no_way_to_another_file(tmp_path: Path) -> None:
    """Root works in folders of the agent's user: a link there leads nowhere."""
    other = tmp_path / "other"
    other.write_bytes(b"somebody's")
    files = ConfigFiles(tmp_path / "gateway.toml", tmp_path / "state")
    files.directory.mkdir(parents=True)
    (files.directory / "lock").symlink_to(other)
    with pytest.raises(OSError, match="symbolic links"), files.locked():
        pass
    assert other.read_bytes() == b"somebody's"


def test_whoever_keeps_the_lock_holds_up_nobody_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that was suspended in the midst must not hang the agent's threads."""
    monkeypatch.setattr(files_module, "LOCK_S", 0.2)
    files = ConfigFiles(tmp_path / "gateway.toml", tmp_path / "state")
    other = ConfigFiles(tmp_path / "gateway.toml", tmp_path / "state")
    with other.locked(), pytest.raises(TimeoutError, match=r"config/lock.*fuser"), files.locked():
        pass
    with files.locked():
        assert files.history() == History(next_number=1)


def test_what_the_index_does_not_name_goes(tmp_path: Path) -> None:
    """Ten versions at most lie on the disk."""
    files = ConfigFiles(tmp_path / "gateway.toml", tmp_path / "state")
    with files.locked():
        files.write_version(1, b"one")
        files.write_version(2, b"two")
        files.store(History(versions=(Version(2, sha256(b"two"), "", "", "act"),)))
        assert list(files.stored()) == [2]


def test_a_damaged_version_is_none(tmp_path: Path) -> None:
    """Its bytes must be those that were stored."""
    files = ConfigFiles(tmp_path / "gateway.toml", tmp_path / "state")
    with files.locked():
        files.write_version(1, b"one")
    assert files.read_version(1, sha256(b"one")) == b"one"
    assert files.read_version(1, sha256(b"two")) is None
    assert files.read_version(2, sha256(b"two")) is None


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """What is in the state directory is nobody else's."""
    before = os.umask(0)
    try:
        files = ConfigFiles(tmp_path / "gateway.toml", tmp_path / "state")
        with files.locked():
            files.write_version(1, b"one")
            files.store(History())
    finally:
        os.umask(before)
    made = (*files.directory.iterdir(), files.directory)
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []


def test_the_place_is_noted_beside_the_file(tmp_path: Path) -> None:
    """For the day when gateway.toml cannot be read."""
    files = ConfigFiles(tmp_path / "gateway.toml", tmp_path / "far" / "state")
    with files.locked():
        files.note_place()
    assert find_state_dir(files.path, {}) == tmp_path / "far" / "state"
    assert find_state_dir(tmp_path / "other" / "gateway.toml", {}) is None
