"""One program a state directory, and only its user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.state_lock import AlreadyRunning, state_lock
from tests.edge_agent.second_user import GROUP, READER, SHARED_GID, STRANGER, as_user, common_place


def test_one_at_a_time(tmp_path: Path) -> None:
    """The second is told, and may when the first has ended."""
    with state_lock(tmp_path), pytest.raises(AlreadyRunning), state_lock(tmp_path):
        pass
    with state_lock(tmp_path):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights need root")
def test_who_may_look_may_not_take_it() -> None:
    """He is told whose it is; who may not even look, which group that takes."""
    with common_place() as place:
        state = place / "state"
        with state_lock(state):
            pass
        os.chown(state, -1, SHARED_GID)
        state.chmod(0o2750)

        def take() -> str:
            with state_lock(state):
                return "taken"

        told = as_user(READER, take)
        assert told.endswith("agent.lock is root's alone: start the agent, which works for others "
                             "too, or be root")  # fmt: skip
        assert f"{state} is for the group {GROUP}" in as_user(STRANGER, take)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works in the folders of others")
def test_root_leaves_nothing_that_the_owner_cannot_read(tmp_path: Path) -> None:
    """A command with sudo in the service's folder: the service starts afterwards as before."""
    os.chown(tmp_path, 12345, 12346)
    with state_lock(tmp_path):
        assert (tmp_path / "agent.lock").stat().st_uid == 12345, (
            "or a start would not find it taken"
        )
        (tmp_path / "journal.db").write_text("x")
    assert (tmp_path / "journal.db").stat().st_uid == 12345


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works in the folders of others")
@pytest.mark.parametrize("name", ["agent.lock", "journal.db"])
def test_root_follows_no_link_of_the_owner(tmp_path: Path, name: str) -> None:
    """It is named; nothing is made where it leads."""
    state = tmp_path / "state"
    state.mkdir()
    (state / name).symlink_to(tmp_path / "made")
    for path in (state, state / name):
        os.chown(path, 12345, 12346, follow_symlinks=False)
    with pytest.raises(PermissionError, match=f"{name}: a link"), state_lock(state):
        pass
    assert not (tmp_path / "made").exists()


def test_the_lock_is_no_link(tmp_path: Path) -> None:
    """Not even one's own: it would be made where it leads."""
    (tmp_path / "agent.lock").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="symbolic"), state_lock(tmp_path):
        pass
    assert not (tmp_path / "made").exists()
