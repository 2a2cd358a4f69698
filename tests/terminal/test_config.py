"""`edge-agent config` in a real terminal, beside a running agent."""

from __future__ import annotations

from pathlib import Path

from edge_agent.terminal import columns
from tests.edge_agent.gateway import TOML, wait_until, write_ca
from tests.edge_agent.test_lifecycle import TIMEOUT_S, Site, running
from tests.terminal.terminal import AGENT, COLUMNS, ROWS, Terminal, printed

CHINESE = {"LANG": "zh_CN.UTF-8"}


def config(site: Site, *arguments: str) -> list[str]:
    return [*AGENT, "config", *arguments, "--config", str(site.path)]


def test_a_change_is_shown_asked_for_and_proven(tmp_path: Path) -> None:
    """A technician sees what differs, says yes, and is told what became of it; then looks back."""
    with running(tmp_path) as site:
        assert wait_until(lambda: site.starts() == 1, TIMEOUT_S)
        new = tmp_path / "new.toml"
        new.write_text(site.text.replace("poll_seconds = 0.2", "poll_seconds = 0.3"))
        said = ("--who", "Li Wei", "--reason", "slower polls")
        with Terminal(config(site, "apply", str(new), *said)) as terminal:
            shown = terminal.wait_for("Put it in force? [y/N]")
            assert "! device[p-1].poll_seconds: 0.2 -> 0.3" in shown
            terminal.press("y\n")
            terminal.wait_for("It works, and is kept.")
            assert terminal.end() == 0
        for look in (["diff"], ["show", "--effective"], ["check"]):
            told = printed(config(site, *look), environment=CHINESE)
            assert columns(told.widest) <= COLUMNS, told.widest
            assert told.status == (1 if look == ["diff"] else 0), told.text
        told = printed(config(site, "versions"), environment=CHINESE)
        assert len(told.lines) < ROWS
        assert "运行正常" in told.text
        assert "Li Wei (own word; uid" in told.text
        site.stop()


def test_no_is_no(tmp_path: Path) -> None:
    """An empty line is one; nothing was changed."""
    write_ca(tmp_path)
    path, new = tmp_path / "gateway.toml", tmp_path / "new.toml"
    path.write_text(TOML)
    new.write_text(TOML.replace("batch_seconds = 300", "batch_seconds = 60"))
    said = ("--who", "a", "--reason", "b", "--config", str(path))
    with Terminal([*AGENT, "config", "apply", str(new), *said]) as terminal:
        terminal.wait_for("[y/N]")
        terminal.press("\n")
        terminal.wait_for("Nothing was done.")
        assert terminal.end() == 1
    assert path.read_text() == TOML
