"""`edge-agent events` and `alarms` as a technician runs them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.terminal import columns
from tests.edge_agent.lookup.recorded import SINCE, UNTIL, recorded
from tests.edge_agent.status.answering import answering
from tests.edge_agent.status.snapshots import alarm, site

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")


def test_events_are_told_oldest_first(tmp_path: Path, capsys: Capture) -> None:
    """The newest ones; a line each, by the wall clock of the site."""
    path, _ = recorded(tmp_path, silent_pressure=True)
    config = ["--config", str(path)]
    assert main(["events", *config]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if "agent started" in line]
    assert told[0].startswith("05-29 04:2")
    (begun,) = [line for line in lines if "pressure substituted" in line]
    assert "off -> on" in begun
    assert lines.index(told[0]) < lines.index(begun)
    assert max(map(columns, lines)) <= 80
    assert main(["events", "--limit", "1", *config]) == 0
    assert "--limit 10" in capsys.readouterr().out
    assert main(["events", "--code", "gap", *config]) == 1
    assert capsys.readouterr().out.startswith("No such event")
    assert main(["events", "--since", "soon", *config]) == 2
    assert "is no time: write" in capsys.readouterr().err


def test_events_as_json(tmp_path: Path, capsys: Capture) -> None:
    """Schema 1; within two times."""
    path, _ = recorded(tmp_path, silent_pressure=True)
    times = ["--since", SINCE, "--until", UNTIL]
    assert main(["events", "--json", *times, "--subject", "R1", "--config", str(path)]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body.keys() == {"schema", "events", "more"}
    assert {one["code"] for one in body["events"]} >= {"pressure_substituted"}
    assert body["events"][0].keys() == {
        "utc_ms", "boot_no", "mono_ms", "kind", "code", "subject", "old", "new", "who", "detail",
        "epoch", "seq",
    }  # fmt: skip
    assert body["more"] is False
    nothing = ["--until", SINCE, "--config", str(path)]
    assert main(["events", "--json", *nothing]) == 1
    assert json.loads(capsys.readouterr().out)["events"] == []


def test_alarms_without_an_agent(tmp_path: Path, capsys: Capture) -> None:
    """On when it ended, with the time and the reason that the log has; status 1."""
    path, _ = recorded(tmp_path, silent_pressure=True)
    assert main(["alarms", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("On when the agent ended\n  since 05-29 04:28:")
    assert "R1: pressure substituted" in out
    assert main(["alarms", "--json", "--config", str(path)]) == 1
    body = json.loads(capsys.readouterr().out)
    assert body.keys() == {"schema", "agent", "on", "over"}
    (on,) = [one for one in body["on"] if one["code"] == "pressure_substituted"]
    assert on.keys() == {"code", "subject", "since_ms", "detail"}
    assert on["since_ms"] is not None
    assert on["detail"]


def test_alarms_beside_an_agent(tmp_path: Path, capsys: Capture) -> None:
    """By its word; status 0 where none is on."""
    recorded(tmp_path)
    with answering(tmp_path, site()) as path:
        assert main(["alarms", "--config", str(path)]) == 0
        out = capsys.readouterr().out
        assert out.splitlines()[:3] == ["On now", "  none", "Over"]
        assert max(map(columns, out.splitlines())) <= 80
    with answering(tmp_path, replace(site(), alarms=(alarm(since_ms=None),))) as path:
        assert main(["alarms", "--config", str(path)]) == 1
    assert "since a time that is no longer held  R1: pressure substituted" in (
        capsys.readouterr().out
    )


def test_no_journal_cannot_be_told(tmp_path: Path, capsys: Capture) -> None:
    """Exit status 2, with the path."""
    path = tmp_path / "gateway.toml"
    path.write_text("[gateway]\nid = 'gw-1'\n", encoding="utf-8")
    for name in ("events", "alarms"):
        assert main([name, "--config", str(path)]) == 2
        assert "journal.db" in capsys.readouterr().err
