"""A configuration as it works."""

from __future__ import annotations

from pathlib import Path

from edge_agent.remote.effective import effective
from tests.edge_agent.gateway import config_of, table


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    """Whether they stand in the file or not; a profile is its name."""
    found = effective(config_of(tmp_path))
    assert found["central.deadline_s"] == "30.0"
    assert found["devices[meter-1].profile"] == "sick-flowsic500"
    assert found["remote.consent"] == "true"
    assert found["runs[R1].pressure.low"] == "900000"


def test_no_password(tmp_path: Path) -> None:
    """Of a proxy."""
    changed = table()
    changed["central"]["proxy"] = "http://me:secret@192.0.2.1:3128"
    assert "secret" not in str(effective(config_of(tmp_path, changed)))
