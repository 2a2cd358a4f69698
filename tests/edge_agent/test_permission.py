"""Why a file is closed, and which group opens it."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.permission import group_name, why_closed
from tests.edge_agent.second_user import GROUP, READER, SHARED_GID, STRANGER, as_user, common_place


def given(path: Path, mode: int) -> Path:
    """To the group that is shared."""
    os.chown(path, -1, SHARED_GID)
    path.chmod(mode)
    return path


def test_what_is_open_or_not_there_is_not_closed(tmp_path: Path) -> None:
    """Then something else is wrong."""
    (tmp_path / "file").write_text("")
    assert why_closed(tmp_path / "file") == ""
    assert why_closed(tmp_path / "none") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights need root")
def test_the_closed_place_and_the_group_are_named() -> None:
    """The file itself, or the first folder on the way to it."""
    with common_place() as place:
        folder = place / "state"
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "journal.db").write_text("")
        given(folder / "journal.db", 0o640)
        asked = lambda: why_closed(folder / "journal.db")  # noqa: E731
        told = as_user(STRANGER, asked)
        assert told.startswith(f"{folder}/journal.db is for the group {GROUP}, and you are not in")
        assert f"usermod -aG {GROUP} uid {STRANGER.uid}" in told
        assert as_user(READER, asked) == ""
        given(folder, 0o2750)
        assert as_user(STRANGER, asked).startswith(f"{folder} is for the group {GROUP}")
        folder.chmod(0o700)
        told = as_user(READER, asked)
        assert told == f"{folder} is root's alone: have it given to a group, or be root"


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights need root")
def test_a_socket_wants_to_be_written() -> None:
    """To read it is not enough to be let in."""
    with common_place() as place, closing(socket.socket(socket.AF_UNIX)) as listening:
        path = place / "read.sock"
        listening.bind(str(path))
        given(path, 0o664)
        asked = lambda: why_closed(path, os.W_OK)  # noqa: E731
        assert f"is for the group {GROUP}" in as_user(STRANGER, asked)
        assert as_user(READER, asked) == ""


def test_a_group_without_a_name_has_its_number() -> None:
    """A machine may have lost it."""
    assert group_name(64_999) == "64999"
