"""Files of secrets: whole, private, never replaced unasked."""

import errno
import os

import pytest

from central import secret_file
from central.secret_file import (
    KeyFileError,
    create_secret,
    move_over,
    read_secret,
    replace_public,
)


def test_a_secret_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """When the disk fails in the middle nothing stands there, and nothing is left beside it."""

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for write in (create_secret, replace_public):
        with pytest.raises(KeyFileError, match="No space left"):
            write(tmp_path / "key", b"secret")
    assert list(tmp_path.iterdir()) == []


def test_a_public_file_is_replaced(tmp_path):
    """The new content stands in the place of the old, readable by all."""
    replace_public(tmp_path / "list", b"one")
    replace_public(tmp_path / "list", b"two")
    assert (tmp_path / "list").read_bytes() == b"two"
    assert (tmp_path / "list").stat().st_mode & 0o777 == 0o644


def test_what_is_too_long_is_no_secret(tmp_path):
    """A file of another kind in a key's place is told, and not read whole."""
    create_secret(tmp_path / "key", b"x" * 5000)
    with pytest.raises(KeyFileError, match="longer than a test key"):
        read_secret(tmp_path / "key", "test key")
    with pytest.raises(KeyFileError, match="check its owner"):
        read_secret(tmp_path, "test key")


def test_moving_over_what_is_not_there_is_told(tmp_path):
    """Nothing is moved."""
    create_secret(tmp_path / "new", b"n")
    with pytest.raises(KeyFileError, match="old"):
        move_over(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "new").read_bytes() == b"n"
    assert secret_file.read_secret(tmp_path / "new", "key") == b"n"
