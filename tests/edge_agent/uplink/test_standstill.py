"""The file that keeps the uplink still over restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.uplink.standstill import FILE_NAME, stand_still, stands_still

KEY, OTHER = "gw-1+00000000+AAAA", "gw-1+11111111+BBBB"


def test_it_holds_for_the_key_it_was_written_for(tmp_path: Path) -> None:
    """Another key makes it void, and it goes."""
    assert stands_still(tmp_path, KEY) is None
    stand_still(tmp_path, KEY, "forked: billing 17")
    assert stands_still(tmp_path, KEY) == "forked: billing 17"
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert stands_still(tmp_path, OTHER) is None
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"gw-1+11111111+BBBB", b"x" * 5000])
def test_a_damaged_file_stands_for_itself(tmp_path: Path, content: bytes) -> None:
    """What it said is not guessed: an operator looks at it."""
    (tmp_path / FILE_NAME).write_bytes(content)
    assert stands_still(tmp_path, KEY)
    assert (tmp_path / FILE_NAME).exists()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Named, with what the system said."""
    (tmp_path / FILE_NAME).mkdir()
    assert "cannot be read" in (stands_still(tmp_path, KEY) or "")
