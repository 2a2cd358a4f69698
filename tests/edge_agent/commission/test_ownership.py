"""What root made becomes the agent's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.commission.ownership import hand_over


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_get_the_owner_of_their_folder(tmp_path: Path) -> None:
    """State of the state directory's, configuration of its folder's; no link is followed."""
    state, etc = tmp_path / "state", tmp_path / "etc"
    (state / "config").mkdir(parents=True)
    etc.mkdir()
    for path in (state / "log.key", state / "config" / "v1", etc / "gateway.toml"):
        path.write_text("x")
    (state / "link").symlink_to(tmp_path / "alien")
    (tmp_path / "alien").write_text("x")
    os.chown(state, 12345, 12346)
    os.chown(etc, 12345, 12347)
    hand_over(state, (etc / "gateway.toml", etc / "missing"))
    assert [(state / "config" / "v1").stat().st_uid, (state / "log.key").stat().st_gid] == [
        12345,
        12346,
    ]
    assert (etc / "gateway.toml").stat().st_gid == 12347
    assert (tmp_path / "alien").stat().st_uid == 0
