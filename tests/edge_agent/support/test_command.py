"""The file of a support bundle."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edge_agent.support.command import write_new
from tests.edge_agent.tiny_disk import tiny_disk


def test_a_full_disk_leaves_no_file_in_the_way(tmp_path: Path) -> None:
    """The next try would be told that it is there already."""
    with tiny_disk(tmp_path, 64) as place:
        with pytest.raises(OSError) as told:
            write_new(place / "b.zip", bytes(200_000))
        assert told.value.errno == errno.ENOSPC
        assert not (place / "b.zip").exists()
        write_new(place / "b.zip", b"x")
        with pytest.raises(FileExistsError):
            write_new(place / "b.zip", b"y")
        assert (place / "b.zip").read_bytes() == b"x"
