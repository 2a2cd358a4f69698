"""`edge-agent doctor` as it is called."""

from __future__ import annotations

import json

import pytest

from edge_agent.cli import main, parser_for
from tests.edge_agent.doctor.site_rig import Scene, Unit, site
from tests.edge_agent.gateway import TOML, write_ca


def test_no_configuration(tmp_path, capsys) -> None:
    """Nothing can be checked: status 2, with what to do."""
    assert main(["doctor", "--config", str(tmp_path / "none.toml")]) == 2
    assert "edge-agent commission" in capsys.readouterr().err


def test_faults_of_the_file(tmp_path, capsys, monkeypatch) -> None:
    """They are findings; what was not checked is not called good."""
    monkeypatch.setenv("LANG", "C.UTF-8")
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML.replace("Asia/Shanghai", "Asia/Shanghay"))
    assert main(["doctor", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert "configuration site.zone" in out
    assert out.count("not checked") == 6
    assert "nothing found" not in out


def test_one_bus_of_a_running_site(tmp_path, capsys, monkeypatch) -> None:
    """As JSON, in Chinese, and in 80 columns; another bus's fault is not told."""
    monkeypatch.setenv("LANG", "C.UTF-8")
    dead = (Unit(1), Unit(7, served=False))
    with site(tmp_path, [Scene("a", dead), Scene("b", dead)], 5.0) as found:
        config = ["--config", str(found.path)]
        assert main(["doctor", *config, "--bus", "a", "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        assert main(["doctor", *config, "--bus", "c"]) == 2
        assert "there are: a, b" in capsys.readouterr().err
        monkeypatch.setenv("LANG", "zh_CN.UTF-8")
        assert main(["doctor", *config]) == 1
        out = capsys.readouterr().out
    assert [(one["code"], one["where"]) for one in told["findings"]] == [("unit_dead", "a-7")]
    assert told["agent"] == "runs"
    assert told["areas"]["link"] is None
    assert "从未应答" in out
    assert "a-7" in out
    assert "b-7" in out


def test_help_has_an_example(capsys) -> None:
    """And says what the exit status means."""
    with pytest.raises(SystemExit):
        parser_for("doctor").parse_args(["doctor", "--help"])
    assert "example: edge-agent doctor" in capsys.readouterr().out
