"""The service's own log: a program of systemd's, here one that answers as it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_agent.cli import main

ANSWERS = {
    "lines": "echo '2026-11-26T08:00 gw edge-agent: polls 8 devices'; printf 'a\\033b\\n'",
    "nothing": "exit 0",
    "fails": "echo 'Failed to parse timestamp: x' >&2; exit 1",
}


def journalctl(directory: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = directory / "journalctl"
    program.write_text(f'#!/bin/sh\necho "$@" >{directory}/asked\n{ANSWERS[answer]}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    monkeypatch.setenv("LANG", "en_US.UTF-8")


def test_its_lines_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without what steers a terminal; as JSON too."""
    journalctl(tmp_path, "lines", monkeypatch)
    assert main(["log", "-n", "7", "--since", "today"]) == 0
    out = capsys.readouterr().out
    assert "polls 8 devices" in out
    assert "\x1b" not in out
    asked = (tmp_path / "asked").read_text()
    assert "--unit edge-agent.service --lines 7" in asked
    assert "--since today" in asked
    assert main(["log", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body.keys() == {"schema", "unit", "lines"}
    assert len(body["lines"]) == 2


def test_nothing_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Perhaps it may not be read."""
    journalctl(tmp_path, "nothing", monkeypatch)
    assert main(["log"]) == 1
    assert "systemd-journal" in capsys.readouterr().out


def test_what_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As journalctl says it; a machine without one is none of ours to mend."""
    journalctl(tmp_path, "fails", monkeypatch)
    assert main(["log", "--since", "x"]) == 2
    assert "Failed to parse timestamp" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert main(["log"]) == 2
    assert "no journalctl" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["log", "-n", "0"])
