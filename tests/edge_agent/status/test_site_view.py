"""The agent where one runs, and the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.status.site_view import FAILURES, view
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, config_of, new_journal
from tests.edge_agent.status.answering import answering, write_place
from tests.edge_agent.status.snapshots import site


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
    with pytest.raises(FAILURES, match="use sudo"), view(path):
        pass
