"""What an agent begins with: tested by what becomes of each act, in `test_apply.py`."""

from __future__ import annotations

from pathlib import Path

from edge_agent.config_store.start import state_dir_of
from tests.edge_agent.gateway import TOML, write_ca


def test_the_state_directory_is_the_files_own(tmp_path: Path) -> None:
    """Where it can be read."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    assert state_dir_of(path) is None
    path.write_text(TOML)
    assert state_dir_of(path) == tmp_path / "state"
    path.write_text("no toml")
    assert state_dir_of(path) is None
