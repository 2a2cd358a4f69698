"""`edge-agent history` as a technician runs it."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.terminal import columns
from tests.edge_agent.lookup.recorded import SINCE, UNTIL, recorded
from tests.terminal.terminal import AGENT, ROWS, printed

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LC_CTYPE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("TERM", "xterm")


def of(path: Path, *more: str) -> list[str]:
    return ["history", *more, "--from", SINCE, "--to", UNTIL, "--config", str(path)]


def test_a_run_is_a_curve_and_a_table(tmp_path: Path, capsys: Capture) -> None:
    """On one screen of 80x24; the newest rows below."""
    path, _ = recorded(tmp_path)
    assert main(of(path, "R1")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("R1, line flow, 05-29 04:00:00 to 05-29 06:00:00")
    assert lines[1].startswith("least 18, mean 18, most 18 m3/h; ")
    assert len(lines) < ROWS
    assert max(map(columns, lines)) <= 80
    assert lines[-1].startswith("the newest 5 of ")
    assert main(of(path, "R1", "--all", "--of", "pressure")) == 0
    whole = capsys.readouterr().out.splitlines()
    assert len(whole) > len(lines)
    assert whole[1].startswith("least 401.325, mean 401.325")


@pytest.mark.parametrize("figure", ["base_flow", "temperature", "z", "c", "index"])
def test_every_figure_is_drawn(tmp_path: Path, capsys: Capture, figure: str) -> None:
    """By its name."""
    path, _ = recorded(tmp_path)
    assert main(of(path, "R1", "--of", figure)) == 0
    assert "values" in capsys.readouterr().out


def test_as_csv_and_json(tmp_path: Path, capsys: Capture) -> None:
    """All rows; times in UTC."""
    path, _ = recorded(tmp_path)
    assert main(of(path, "R1", "--json")) == 0
    body = json.loads(capsys.readouterr().out)
    assert body.keys() == {
        "schema", "what", "of", "unit", "since_ms", "until_ms", "rows", "values",
    }  # fmt: skip
    assert body["rows"][0].keys() == {
        "start_ms", "end_ms", "index_m3", "line_m3", "base_m3", "pressure_kpa", "temperature_c",
        "z", "c", "marks",
    }  # fmt: skip
    assert main(of(path, "R1", "--csv")) == 0
    read = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(read) == len(body["rows"]) > 5
    assert read[0]["start_utc"].startswith("2026-05-28T20:2")
    assert float(read[-1]["line_m3"]) == body["rows"][-1]["line_m3"]


def test_scans_of_a_point(tmp_path: Path, capsys: Capture) -> None:
    """By the device's name or serial, out of the raw registers; also where the file is gone."""
    path, _ = recorded(tmp_path)
    for what in ("meter-1", "M1"):
        assert main(of(path, what, "--point", "vm", "--json")) == 0
        body = json.loads(capsys.readouterr().out)
        assert [number for _, number in body["values"]] == [1000.0 + 10 * n for n in range(1, 31)]
    assert main(of(path, "meter-1", "--point", "vm", "--csv")) == 0
    assert capsys.readouterr().out.startswith("utc,vm\n2026-05-28T20:2")
    assert main(of(path, "meter-1", "--point", "vm", "--all")) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(" 1300")
    path.write_text("[gateway]\nid = 'gw-1'\n[site]\nzone = 'Asia/Shanghai'\n", encoding="utf-8")
    assert main(of(path, "M1", "--point", "vm", "--json")) == 0
    assert len(json.loads(capsys.readouterr().out)["values"]) == 30
    assert main(of(path, "M1", "--point", "nothing")) == 1


def test_what_is_not_there_is_told(tmp_path: Path, capsys: Capture) -> None:
    """No such run: 2, with those that there are; nothing of that time: 1."""
    path, rig = recorded(tmp_path)
    assert main(of(path, "R7")) == 2
    assert "no run or device R7. Runs: R1" in capsys.readouterr().err
    early = ["--from", "2020-01-01", "--to", "2020-01-02", "--config", str(path)]
    assert main(["history", "R1", *early]) == 1
    assert "Nothing of R1 is held" in capsys.readouterr().out
    assert main(["history", "R1", "--from", "1h", "--to", "2h", "--config", str(path)]) == 2
    assert "not before" in capsys.readouterr().err
    with closing(sqlite3.connect(rig.journal.path)) as connection, connection:
        connection.execute("PRAGMA user_version = 1")
    assert main(of(path, "R1")) == 2
    assert "migrate" in capsys.readouterr().err


def test_a_serial_console_has_a_curve_too(tmp_path: Path) -> None:
    """In ASCII."""
    path, _ = recorded(tmp_path)
    found = printed([*AGENT, *of(path, "R1")], environment={"LANG": "C", "TERM": "vt100"})
    assert found.status == 0
    assert found.raw.isascii()
    assert "*" in found.text
    assert len(found.lines) < ROWS
