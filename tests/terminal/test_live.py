"""`edge-agent live` in a real terminal, against a real socket that answers as an agent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.terminal import columns
from tests.edge_agent.gateway import TOML, write_ca
from tests.edge_agent.live.test_watcher import ToldAgent
from tests.terminal.terminal import AGENT, Terminal, printed

LEFT, RIGHT, DOWN, END = "\x1b[D", "\x1b[C", "\x1b[B", "\x1b[F"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML + '\n[control]\ndir = "s"\n', encoding="utf-8")
    return path


@pytest.fixture
def agent(config: Path) -> Iterator[ToldAgent]:
    told = ToldAgent()
    with told.listening(config.parent / "s" / "read.sock"):
        yield told


def live(config: Path, **environment: str) -> Terminal:
    return Terminal([*AGENT, "live", "--config", str(config)], None, environment)


def test_keys_turn_pages_scroll_pause_and_quit(agent: ToldAgent, config: Path) -> None:
    """And every screen is whole: 24 lines of at most 80 columns."""
    with live(config) as terminal:
        terminal.wait_for("[overview]")
        terminal.wait_for("● R8")
        terminal.wait_for("q quit")
        assert "q quit" in terminal.lines()[23]
        terminal.press(RIGHT)
        terminal.wait_for("[values]")
        terminal.wait_for("meter-1  sick-flowsic500")
        terminal.press(LEFT)
        terminal.press("3")
        terminal.wait_for("[buses]")
        terminal.press("?")
        terminal.wait_for("Ctrl-C        quit")
        terminal.press("?")
        terminal.wait_for("[buses]")
        terminal.press("p")
        text = terminal.wait_for("paused: p goes on")
        assert agent.up_s > 0
        up_s = agent.up_s
        terminal.wait_for(lambda _: agent.up_s > up_s + 1)  # it is asked on, and nothing moves
        assert terminal.text() == text
        terminal.press("p")
        terminal.wait_for("q quit")
        assert max(columns(line) for line in terminal.lines()) <= 80
        terminal.press("q")
        assert terminal.end() == 0
    assert b"Traceback" not in terminal.raw
    assert b"\x1b[?1049l" in terminal.raw  # the screen of before is back


def test_it_survives_the_agents_restart(config: Path) -> None:
    """Says that it is gone, keeps what stood there, and goes on by itself."""
    path = config.parent / "s" / "read.sock"
    told = ToldAgent()
    with told.listening(path):
        terminal = live(config)
        terminal.wait_for("● R8")
    with terminal:
        terminal.wait_for("the agent does not run (nothing new for")
        assert "● R8" in terminal.text()
        told.up_s = 7200
        with told.listening(path):
            terminal.wait_for(lambda text: "does not run" not in text and "up 2 h" in text)
            terminal.press("q")
            assert terminal.end() == 0


def test_it_follows_the_terminals_size(agent: ToldAgent, config: Path) -> None:
    """A smaller one has less of the page, and says so; a wider one longer trends."""
    with live(config) as terminal:
        terminal.wait_for("● R8")
        terminal.resize(80, 10)
        terminal.wait_for("more below")
        terminal.press(END)
        terminal.wait_for("no alarm is on")
        terminal.resize(132, 40)
        terminal.wait_for(lambda text: "● R1" in text and columns(text.split("\n")[2]) > 100)
        terminal.press("q")
        assert terminal.end() == 0


def test_a_serial_console_without_colour(agent: ToldAgent, config: Path) -> None:
    """vt100, locale C, NO_COLOR: ASCII alone, no colour, no mouse, and after the first screen only
    lines that changed: at 9600 baud a whole one takes two seconds."""
    with live(config, TERM="vt100", LC_ALL="C", NO_COLOR="1") as terminal:
        text = terminal.wait_for("[ok]  R8")
        assert text.isascii()
        terminal.wait_for(lambda _: agent.up_s > 3)
        before = len(terminal.raw)
        up_s = agent.up_s
        terminal.wait_for(lambda _: agent.up_s >= up_s + 3)
        drawn = len(terminal.raw) - before
        terminal.press("q")
        assert terminal.end() == 0
    assert drawn < 3 * 960, f"{drawn} bytes in three seconds"
    assert not re.search(rb"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7])(?:;\d+)*m", terminal.raw)
    assert b"\x1b[?1000h" not in terminal.raw
    assert terminal.raw.decode("ascii")


def test_in_chinese(agent: ToldAgent, config: Path) -> None:
    """Heads stand above their columns though Han take two."""
    with live(config, LANG="zh_CN.UTF-8") as terminal:
        terminal.wait_for("[总览]")
        text = terminal.wait_for("● R8")
        head, first = text.split("\n")[2:4]
        assert columns(head) == columns(first)
        assert "当前无报警" in text
        terminal.press("q")
        assert terminal.end() == 0


def test_without_an_agent_or_a_terminal_it_says_what_to_do(config: Path) -> None:
    """Status 2, one sentence."""
    done = printed([*AGENT, "live", "--config", str(config)])
    assert done.status == 2
    assert "no agent listens at" in done.text
    assert "systemctl start edge-agent" in done.text
    piped = printed(["sh", "-c", f"{' '.join(AGENT)} live --config {config} </dev/null"])
    assert piped.status == 2
    assert "needs a terminal" in piped.text


def test_json_lines(agent: ToldAgent, config: Path) -> None:
    """A snapshot a line, so many as asked for."""
    command = f"{' '.join(AGENT)} live --json --count 2 --config {config} > {config.parent}/out"
    assert printed(["sh", "-c", command]).status == 0
    lines = (config.parent / "out").read_text().splitlines()
    assert [json.loads(line)["schema"] for line in lines] == [1, 1]
