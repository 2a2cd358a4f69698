"""The state directory as it lies there; its faults: `test_faults_disk.py`."""

from __future__ import annotations

import os

import pytest

from edge_agent.doctor.disk_look import look_at_disk, look_at_state, may_look

NOBODY = 65_534


def test_an_empty_directory(tmp_path) -> None:
    """Its keys are missing; there is nothing else to say of it."""
    found = look_at_state(tmp_path, 0, deep=True)
    assert {code for _, code, _ in found.wrong} == {"key_missing"}
    assert (found.aside, found.standstill, found.journal_error) == ((), "", "")
    assert may_look(tmp_path / "nowhere")


def test_another_users_state(tmp_path) -> None:
    """Who may not look is told so, and no fault is made of it."""
    if os.geteuid() != 0:
        pytest.skip("another user cannot be taken here")
    tmp_path.chmod(0o700)
    child = os.fork()
    if child == 0:
        os.seteuid(NOBODY)
        hidden = tmp_path / "state"
        is_told = not may_look(tmp_path) and not may_look(hidden) and look_at_disk(hidden) is None
        os._exit(0 if is_told else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
