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
