"""What an agent left behind, in words and for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.language import load_words
from edge_agent.status.site_files import SiteFiles
from edge_agent.status.without_agent import Left, left_behind, to_json, told
from tests.edge_agent.gateway import GATEWAY, UTC_MS

FILES = SiteFiles(GATEWAY, Path("/s"), Path("/s/control/read.sock"), Path("/s/act.sock"))
LEFT = Left({"billing": 3, "telemetry": 40}, {"billing": 9, "telemetry": 99}, UTC_MS,
            is_stopped=False, stands_still="")  # fmt: skip


@pytest.mark.parametrize("chinese", [False, True])
def test_how_it_ended_and_what_waits(chinese: bool) -> None:
    """Killed, or stopped in order."""
    words = load_words("edge_agent.status", chinese=chinese)
    for stopped, key in ((False, "alone.ended"), (True, "alone.stopped")):
        lines = told(LEFT._replace(is_stopped=stopped), FILES, UTC_MS + 60_000, words)
        assert lines[1].startswith(words(key, at="X", ago="Y").split("X")[0])
        assert lines[2] == words("alone.unsent", billing=3, telemetry=40)
    sent = LEFT._replace(unsent={"billing": 0, "telemetry": 0})
    assert told(sent, FILES, UTC_MS, words)[2] == words("alone.sent")
    fault = FILES._replace(fault="gateway.toml: no TOML")
    lines = told(LEFT._replace(stands_still="forked"), fault, UTC_MS, words)
    assert "gateway.toml: no TOML" in lines
    assert words("alone.standstill", why="forked") in lines


def test_its_json_has_its_keys() -> None:
    """Schema 1, with no agent."""
    body = to_json(LEFT, FILES)
    assert body.keys() == {
        "schema", "agent", "gateway", "journal", "uplink_stopped", "config_fault",
    }  # fmt: skip
    assert body["journal"].keys() == {
        "path", "unsent", "sizes", "newest_ms", "stopped_in_order", "fault",
    }  # fmt: skip
    assert body["agent"] is None


def test_nothing_there_is_told(tmp_path: Path) -> None:
    """No journal, no file that says why the uplink stands still."""
    found = left_behind(FILES._replace(state_dir=tmp_path))
    assert found.why
    assert (found.unsent, found.newest_ms, found.stands_still) == ({}, None, "")
