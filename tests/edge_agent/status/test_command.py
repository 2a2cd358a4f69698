"""`edge-agent status` as a technician runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.status.model import snapshot_of
from tests.bench.status_cpu import measure
from tests.edge_agent.gateway import Polls, config_of, new_journal, write_ca
from tests.edge_agent.status.answering import answering, write_place
from tests.edge_agent.status.snapshots import site, uplink
from tests.edge_agent.uplink_rig import start
from tests.terminal.terminal import AGENT, COLUMNS, ROWS, Terminal, printed

ROUNDS = 9


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("TERM", "xterm")


def test_all_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0."""
    with answering(tmp_path, site()) as path:
        assert main(["status", "--config", str(path)]) == 0
    assert capsys.readouterr().out.startswith("● The site meters; central has everything")


def test_something_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1."""
    with answering(tmp_path, replace(site(), uplink=uplink(state="failing"))) as path:
        assert main(["status", "--config", str(path)]) == 1
    assert "✖ central: fails" in capsys.readouterr().out


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The snapshot itself, one object on one line."""
    with answering(tmp_path, site(2)) as path:
        assert main(["status", "--json", "--config", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert snapshot_of(json.loads(out)) == site(2)


def test_a_refusal_and_a_broken_answer_cannot_be_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, and why."""
    with answering(tmp_path, "4 others are served now: try again") as path:
        assert main(["status", "--config", str(path)]) == 2
    assert "try again" in capsys.readouterr().err
    assert main(["status", "--config", str(tmp_path / "no.toml")]) == 2
    assert "--config" in capsys.readouterr().err


def test_a_configuration_that_broke_is_told_beside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The agent goes on with the last good one."""
    (tmp_path / "state" / "config").mkdir(parents=True)
    with answering(tmp_path, site(2)) as path:
        path.write_text("[gateway", encoding="utf-8")
        assert main(["status", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("● The site meters")
    assert out.splitlines()[2].startswith("✖ ")
    assert "gateway.toml cannot be read, the last good one runs" in out
    with answering(tmp_path, site(2)) as path:
        path.write_text("[gateway", encoding="utf-8")
        assert main(["status", "--json", "--config", str(path)]) == 1
    assert "no TOML" in json.loads(capsys.readouterr().out)["config_fault"]
    assert max(map(len, out.splitlines())) <= COLUMNS


def test_without_an_agent_the_journal_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """When it recorded last, and what central has not got; exit status 1."""
    path = write_place(tmp_path)
    config = config_of(tmp_path)
    assert main(["status", "--config", str(path)]) == 1
    assert "The journal cannot be read" in capsys.readouterr().out
    new_journal(config).close()
    assert main(["status", "--config", str(path)]) == 1
    assert "holds no record yet" in capsys.readouterr().out
    polls = Polls(config)
    rig = start_unreachable(tmp_path)
    rig.record(3)
    rig.close()
    assert main(["status", "--json", "--config", str(path)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["agent"] is None
    assert told["journal"]["unsent"]["telemetry"] == 9
    assert told["journal"]["newest_ms"] == rig.polls.clock.now().utc_ms
    (tmp_path / "state" / "uplink.stopped").write_text("key\nforked: two of them\n")
    assert main(["status", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert "the agent was killed, or the power failed" in " ".join(out.split())
    assert "9 scans" in out
    assert "forked: two of them" in out
    assert "systemctl start" in out
    assert max(map(len, out.splitlines())) <= COLUMNS
    assert polls.index


def start_unreachable(directory: Path):  # type: ignore[no-untyped-def]
    """A recorder whose central does not answer."""

    class Nowhere:
        url = "https://127.0.0.1:1"

    write_ca(directory)
    return start(directory, Nowhere())  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en_US.UTF-8", "zh_CN.UTF-8"])
def test_one_screen_of_a_real_terminal(tmp_path: Path, language: str) -> None:
    """80 columns and 24 lines, with colours."""
    with answering(tmp_path, site()) as path:
        found = printed([*AGENT, "status", "--config", str(path)], environment={"LANG": language})
    assert found.status == 0
    assert len(found.lines) < ROWS
    assert b"\x1b[32m" in found.raw
    assert ("回路" in found.text) == language.startswith("zh")


def test_a_serial_console_gets_ascii(tmp_path: Path) -> None:
    """Neither colours nor Unicode; English, whatever the language."""
    with answering(tmp_path, site()) as path:
        found = printed(
            [*AGENT, "status", "--config", str(path)],
            environment={"LANG": "zh_CN.UTF-8", "TERM": "vt100", "NO_COLOR": "1"},
        )
    assert found.raw.isascii()
    assert found.lines[0].startswith("[ok]  The site meters")


def test_watching_draws_over_itself(tmp_path: Path) -> None:
    """Until Ctrl-C; its exit status is that of the last look."""
    with answering(tmp_path, site()) as path:
        command = [*AGENT, "status", "--watch", "0.5", "--config", str(path)]
        with Terminal(command, environment={"LANG": "en_US.UTF-8"}) as terminal:
            terminal.wait_for("central: takes leaves")
            terminal.press("\x03")
            assert terminal.end() == 0
            assert terminal.text().count("The site meters") == 1


@pytest.mark.timing
@pytest.mark.uncovered
def test_it_answers_at_once(tmp_path: Path) -> None:
    """At most three times a bare Python and 60 ms of CPU, side by side, by the median."""
    found = measure(tmp_path, ROUNDS)
    assert found.status_ms <= found.limit_ms, found


@pytest.mark.uncovered
def test_it_imports_nothing_heavy(tmp_path: Path) -> None:
    """No profile library, no Modbus, no cryptography, no Rich."""
    code = (
        "import sys; from edge_agent.cli import main; main(sys.argv[1:]); "
        "print([name for name in ('pymodbus', 'cryptography', 'rich', 'cbor2', 'requests', "
        "'sqlite3', 'edge_agent.config.file', 'protocols.registers') if name in sys.modules])"
    )
    with answering(tmp_path, site()) as path:
        command = [sys.executable, "-c", code, "status", "--config", str(path)]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert found.stdout.splitlines()[-1] == "[]"
