"""`edge-agent commission` as a person and a script call it: exit status, JSON, a real terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.commission.answers import answers_text
from edge_agent.config.file import load_config
from edge_agent.terminal import columns
from tests.edge_agent.commission.fitter import Fitter
from tests.edge_agent.commission.one_run import TEXT
from tests.edge_agent.commission.site import site
from tests.edge_agent.gateway import write_ca


@pytest.fixture
def call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """The command without a terminal: what it printed, once its status was as expected."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def called(*options: str, status: int) -> str:
        assert main(["commission", "--config", "gateway.toml", *options]) == status
        out, err = capsys.readouterr()
        return out if status != 2 and "--json" in options else out + err

    return called


def test_a_file_without_a_link(tmp_path: Path, call: Callable[..., str]) -> None:
    """Commissioned, by one JSON object; central is asked for nothing."""
    with site(tmp_path) as (answers, _, _):
        (tmp_path / "a.toml").write_text(answers_text(answers, progress=True))
        row = "site,central.token\n1,-\n"
        (tmp_path / "sites.csv").write_text(row)
        given = ("--answers", "a.toml", "--table", "sites.csv", "--row", "1", "--no-link")
        told = json.loads(call(*given, "--json", status=0))
    assert told == {
        "schema": 1, "commissioned": True, "gateway": "gw-1",
        "config": str(tmp_path / "gateway.toml"), "statements": 2, "link_good": True,
        "sheet": str(tmp_path / "commissioning-gw-1.txt"), "missing": [], "wrong": [],
    }  # fmt: skip
    assert load_config(tmp_path / "gateway.toml").state_dir == tmp_path / "state"


def test_all_faults_at_once_and_nothing_written(tmp_path: Path, call: Callable[..., str]) -> None:
    """For a program as JSON, for a person as lines of 80 columns."""
    write_ca(tmp_path)
    text = TEXT.replace('zone = "Asia/Shanghai"\n', "").replace("qmin_m3_h = 16", "qmin_m3_h = -1")
    (tmp_path / "a.toml").write_text(text + "[sites]\nname = 1\n")
    told = json.loads(call("--answers", "a.toml", "--json", status=1))
    assert told["commissioned"] is False
    assert told["missing"] == ["site.zone"]
    assert [one["answer"] for one in told["wrong"]] == ["sites.name", "run.R1.qmin_m3_h"]
    lines = call("--answers", "a.toml", status=1).split("\n")
    assert "3 answers are missing or wrong" in "\n".join(lines)
    assert max(map(columns, lines)) <= 80
    assert not (tmp_path / "gateway.toml").exists()
    assert not (tmp_path / "state").exists()


def test_what_cannot_be_done_is_told(tmp_path: Path, call: Callable[..., str]) -> None:
    """Exit status 2, with the remedy."""
    assert "no terminal" in call(status=2)
    assert "--row" in call("--table", "x.csv", status=2)
    assert "x.toml" in call("--answers", "x.toml", status=2)
    assert "--json goes with" in call("--json", status=2)
    assert "answers" in call("--resume", status=2)
    (tmp_path / "x.toml").write_text("a = ")
    assert "no TOML" in call("--answers", "x.toml", status=2)


def test_at_a_terminal_in_chinese_stopped_and_resumed(tmp_path: Path) -> None:
    """80 columns with Han; Ctrl-C keeps what was answered, --resume goes on after it."""
    with Fitter(tmp_path, language="zh_CN.UTF-8") as fitter:
        fitter.answers("站点名称", "三号锅炉房")
        fitter.answers("用户编号", "?")
        assert "按供气合同" in fitter.sees("用户编号")
        fitter.terminal.press("100-2231\r")
        fitter.sees("时区")
        assert max(map(columns, fitter.terminal.lines())) <= 80
        assert fitter.stops() == 1
    kept = (tmp_path / "gateway.toml.answers").read_text()
    assert 'name = "三号锅炉房"' in kept
    assert (tmp_path / "gateway.toml.answers").stat().st_mode & 0o777 == 0o600
    with Fitter(tmp_path, "--resume") as fitter:
        fitter.answers("Time zone", "<")
        assert "[100-2231] >" in fitter.sees("Customer number")
        assert fitter.stops() == 1


def test_a_whole_site_at_a_terminal(tmp_path: Path) -> None:
    """Keys by hand, a scan over TCP; a wrong display; changed before it is signed."""
    with site(tmp_path) as (answers, _, _):
        kept = {key: text for key, text in answers.items() if key[0] in ("site", "central", "bus")}
        kept["gateway", "id"] = "gw-1"
        kept["wizard", "more bus 2"] = "no"
        (tmp_path / "gateway.toml.answers").write_text(answers_text(kept, progress=True))
        with Fitter(tmp_path, "--resume", "--no-link") as fitter:
            assert "The token is written nowhere" in fitter.sees("Token")
            fitter.answers_all(
                [
                    ("Token", "-"),
                    ("instruments on lan-1", "1"),
                    ("Address 1 on lan-1", ""),
                    ("short name", ""),
                    ("what it says itself", ""),
                    ("instruments on lan-2", "no"),
                    ("named by hand", "y"),
                    ("short name", "meter-1"),
                    ("short name", "p-1"),
                    ("On which line", "lan-2"),
                    ("Modbus address", "1"),
                    ("What is p-1", "keller-33x"),
                    ("plate of p-1", "330041"),
                    ("named by hand", ""),
                    ("A meter run", ""),
                    ("is the meter", ""),
                    ("Qmin", "16"),
                    ("Qmax", "100"),
                    ("digits", ""),
                    ("Vm is how many", ""),
                    ("Vb is how many", ""),
                    ("Vm was read", "123.456"),
                    ("Vm was read", "123456.789"),
                    ("Vb was read", ""),
                    ("convert to base", "PT"),
                    ("base temperature", ""),
                    ("base pressure", ""),
                    ("energy", ""),
                    ("shows the pressure", "p-1"),
                    ("is the pressure", ""),
                    ("gauge or absolute", "gauge"),
                    ("measuring range", "0-10 bar"),
                    ("while it fails", "400"),
                    ("gas temperature", "meter-1"),
                    ("is the temperature", ""),
                    ("range of meter-1", ""),
                    ("while it fails", ""),
                    ("regulator", ""),
                    ("Your name", "Li Wei"),
                    ("remark", ""),
                    ("go on", ""),
                    ("go on", ""),
                    ("Is all of this", "?"),
                    ("go on", ""),
                    ("go on", ""),
                    ("Is all of this", "run.R1.qmax_m3_h"),
                    ("Qmax", "1000"),
                    ("go on", ""),
                    ("go on", ""),
                    ("Is all of this", "y"),
                ]
            )
            assert fitter.terminal.end() == 0, fitter.terminal.text()
    [run] = load_config(tmp_path / "gateway.toml").runs
    assert run.qmax_l_h == 1_000_000
    assert not (tmp_path / "gateway.toml.answers").exists()
    assert "123456.789 m3" in (tmp_path / "commissioning-gw-1.txt").read_text()
    with Fitter(tmp_path) as fitter:  # another day
        fitter.answers("site called")
        assert "Boiler house 3" in fitter.sees("[客户 100-2231] >")
        assert fitter.stops() == 1
