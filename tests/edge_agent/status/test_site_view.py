"""The agent where one runs, and the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.status.site_view import FAILURES, view
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, config_of, new_journal
from tests.edge_agent.status.answering import answering, write_place
from tests.edge_agent.status.snapshots import device, site


def test_with_an_agent_and_without(tmp_path: Path) -> None:
    """The site's zone is the agent's, or the file's."""
    journal = new_journal(config_of(tmp_path))
    journal.load(GATEWAY, BOOT_ID, 0)
    journal.close()
    with view(write_place(tmp_path)) as seen:
        assert (seen.agent, seen.zone) == (None, "Asia/Shanghai")
        assert seen.reader.state(Log.BILLING).frontier.size == 0
    with answering(tmp_path, site(2, zone="Europe/Berlin")) as path, view(path) as seen:
        assert seen.agent is not None
        assert seen.zone == "Europe/Berlin"


def test_an_agent_that_refuses_is_a_failure(tmp_path: Path) -> None:
    """Not an agent that does not run."""
    with answering(tmp_path, "busy") as path, pytest.raises(FAILURES, match="busy"), view(path):
        pass


def test_a_journal_that_may_not_be_read_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state directory is its user's alone."""
    path = write_place(tmp_path)
    (tmp_path / "state").mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(FAILURES, match="alone"), view(path):
        pass


def test_the_agents_word_must_do_where_the_journal_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever has the group of the sockets still sees queue, clocks and alarms."""
    found = site(1, devices=(device(1, clock_offset_ms=1_500),))
    with answering(tmp_path, found) as path:
        monkeypatch.setattr("os.access", lambda *_: False)
        with view(path) as seen:
            assert seen.held is None
            with pytest.raises(FAILURES, match="alone"):
                seen.reader  # noqa: B018  # raises
        assert main(["queue", "--json", "--config", str(path)]) == 0
        assert json.loads(capsys.readouterr().out)["logs"]["telemetry"]["unsent"] == 240
        assert main(["time", "--json", "--config", str(path)]) in (0, 1)
        assert json.loads(capsys.readouterr().out)["devices"] == [
            {"name": "meter-1", "offset_ms": 1500, "is_told": False}
        ]
        assert main(["alarms", "--config", str(path)]) == 0
        assert main(["events", "--config", str(path)]) == 2
        assert main(["storage", "--config", str(path)]) == 2
        assert "alone" in capsys.readouterr().err
