"""Every screen of the tool on a running site, in a real terminal of 80x24.

A plant, central and an agent as processes. The default suite looks at a few commands, each on
another terminal; the long form at all of them, on each terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from edge_agent.terminal import columns
from tests.system.rig import Rig
from tests.terminal.terminal import AGENT, ROWS, Printed, printed

COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|9[0-7])(?:;\d+)*m")
GOOD_OR_FINDINGS = (0, 1)


class Way(NamedTuple):
    """A terminal: its environment, and what may be on it."""

    environment: dict[str, str]
    colours: bool = True
    ascii_only: bool = False
    chinese: bool = False


WAYS = {
    "usual": Way({"LANG": "en_US.UTF-8"}),
    "no colour": Way({"LANG": "C.UTF-8", "NO_COLOR": "1"}, colours=False),
    "Chinese": Way({"LANG": "zh_CN.UTF-8"}, chinese=True),
    "locale C": Way({"LC_ALL": "C", "TERM": "xterm"}, ascii_only=True),
    "serial console": Way({"TERM": "vt220", "LANG": "zh_CN.UTF-8"}, ascii_only=True),
}
COMMANDS = (
    "status", "doctor", "queue", "storage", "time", "events", "alarms", "power", "bus stats",
    "bus ports", "read --device meter-1", "dump meter-1", "plan", "check", "link",
    "config versions", "history R1", "log", "status --help",
)  # fmt: skip
QUICK = {
    "status": "usual", "doctor": "Chinese", "bus stats": "serial console", "events": "locale C",
    "queue": "no colour",
}  # fmt: skip
TRANSLATED = {"status", "doctor", "queue", "storage", "time", "events", "alarms", "power", "link"}
ONE_SCREEN = {"status", "queue", "storage", "time", "power", "alarms"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("site")) as rig:
        rig.wait("intervals at central", rig.has_followed)
        yield rig


def look(command: str, way: Way, site: Rig) -> Printed:
    words = command.split()
    config = [] if {"--help", "log"} & set(words) else ["--config", "gateway.toml"]
    return printed([*AGENT, *words, *config], site.directory, way.environment)


def judge(command: str, way: Way, screen: Printed) -> None:
    """Raises AssertionError with the screen."""
    assert screen.status in GOOD_OR_FINDINGS, screen.text
    assert "Traceback" not in screen.text
    assert columns(screen.widest) <= 80, screen.widest
    assert screen.text.strip()
    if command in ONE_SCREEN:
        assert len(screen.lines) < ROWS, screen.text
    if not way.colours:
        assert not COLOUR.search(screen.raw), screen.raw
    if way.ascii_only:
        assert screen.text.isascii(), screen.text
    if way.chinese and command in TRANSLATED:
        assert re.search("[\u4e00-\u9fff]", screen.text), screen.text


@pytest.mark.parametrize("command", QUICK)
def test_a_screen_is_whole(command: str, site: Rig) -> None:
    """No line longer than 80 columns, no traceback, colour and Unicode only where they may be."""
    way = WAYS[QUICK[command]]
    judge(command, way, look(command, way, site))


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_screen_on_every_terminal(command: str, way: str, site: Rig) -> None:
    """The same, for each terminal."""
    judge(command, WAYS[way], look(command, WAYS[way], site))


@pytest.mark.long
def test_a_long_look_tells_that_it_goes_on(site: Rig) -> None:
    """A slow line, a slow link take seconds; at the end the line that told it is gone."""
    for command, told in (("dump meter-1", "reading from address"), ("link --no-batch", "testing")):
        screen = look(command, WAYS["usual"], site)
        judge(command, WAYS["usual"], screen)
        assert told.encode() in screen.raw
        assert told not in screen.text


def test_status_tells_what_does_not_work_first(site: Rig) -> None:
    """The plant is gone: each meter run says so above all that works."""
    site.stop("plant")
    way = WAYS["usual"]

    def is_bad() -> bool:
        return "does not meter" in look("status", way, site).text

    site.wait("status to say it", is_bad)
    screen = look("status", way, site)
    judge("status", way, screen)
    assert screen.status == 1
    assert screen.lines[0].startswith("✖")


def test_without_a_configuration_it_says_so(tmp_path: Path) -> None:
    """An empty machine: a sentence in lines of a terminal's width, no traceback."""
    long = tmp_path / "a-folder-with-a-long-name-as-somebody-may-have-made-it" / "gateway.toml"
    for command in ("status", "live", "check", "power"):
        done = printed([*AGENT, command, "--config", str(long)])
        assert done.status in (1, 2), done.text
        assert "Traceback" not in done.text
        assert "gateway.toml" in "".join(line.strip() for line in done.lines)
        assert columns(done.widest) <= 80
