"""`edge-agent queue`, `storage` and `time` as a technician runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.terminal import columns
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, config_of, new_journal
from tests.edge_agent.status.answering import answering, write_place
from tests.edge_agent.status.snapshots import site


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")


def journal(directory: Path) -> None:
    made = new_journal(config_of(directory))
    made.load(GATEWAY, BOOT_ID, 0)
    made.close()


@pytest.mark.parametrize("name", ["queue", "storage", "time"])
def test_beside_an_agent_and_without_one(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 1 where none runs, 2 without a journal; 80 columns in both languages."""
    path = write_place(tmp_path)
    assert main([name, "--config", str(path)]) == 2
    assert "not readable" in capsys.readouterr().err
    journal(tmp_path)
    assert main([name, "--config", str(path)]) == 1
    assert capsys.readouterr().out.startswith("agent                 none runs here")
    with answering(tmp_path, site()) as path:
        for language in ("en_US.UTF-8", "zh_CN.UTF-8"):
            monkeypatch.setenv("LANG", language)
            assert main([name, "--config", str(path)]) in (0, 1)
            lines = capsys.readouterr().out.splitlines()
            assert 1 < len(lines) < 24
            assert max(map(columns, lines)) <= 80
        assert main([name, "--json", "--config", str(path)]) in (0, 1)
    body = json.loads(capsys.readouterr().out)
    assert (body["schema"], body["agent"]) == (1, True)


def test_all_good_is_status_0(tmp_path: Path) -> None:
    """An empty queue beside an agent that answers."""
    journal(tmp_path)
    with answering(tmp_path, site()) as path:
        assert main(["queue", "--config", str(path)]) == 0
        assert main(["storage", "--config", str(path)]) == 0
