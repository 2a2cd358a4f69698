"""What an agent left behind, in words and for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.control.offline import JournalNote
from edge_agent.journal.draft import Salts
from edge_agent.language import load_words
from edge_agent.recording.device_recording import Said
from edge_agent.status.site_files import SiteFiles
from edge_agent.status.without_agent import Left, left_behind, to_json, told
from protocols.evidence.statement import Statement
from tests.edge_agent.gateway import (
    BOOT_ID,
    GATEWAY,
    KEYS,
    UTC_MS,
    SetClock,
    config_of,
    new_journal,
)
from tests.edge_agent.opened import Rig

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
    never = told(LEFT._replace(has_polled=False), FILES, UTC_MS + 60_000, words)
    assert never[1].startswith(words("alone.never", at="X", ago="Y").split("X")[0])
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


def test_an_act_without_an_agent_does_not_change_how_the_agent_ended(tmp_path: Path) -> None:
    """Neither a stop in order, nor that none ran here yet."""
    config = config_of(tmp_path)
    files = FILES._replace(state_dir=config.state_dir)
    new_journal(config).close()
    calibrate(config)
    before = left_behind(files)
    assert (before.has_polled, before.is_stopped) == (False, False)
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.rounds(3)
    assert not left_behind(files).is_stopped
    rig.recorder.finish(0.0)
    rig.recorder.turn()
    rig.journal.close()
    for _ in range(2):
        after = left_behind(files)
        assert (after.has_polled, after.is_stopped) == (True, True)
        calibrate(config)


def calibrate(config: AgentConfig) -> None:
    """As `edge-agent cal` records it where no agent runs."""
    journal = new_journal(config)
    memory = journal.load(GATEWAY, BOOT_ID, 10**9)
    note = JournalNote(journal, memory, Salts(KEYS.gateway, KEYS.salt_secret))
    assert note([Said(SetClock().now(), "R1", Statement("calibrated", "Li", "why", ()))])
    journal.close()
