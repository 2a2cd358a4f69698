"""`edge-agent status`: the agent is asked, and what it says is drawn on one screen."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.console import FINDINGS, GOOD, could_not, show
from edge_agent.control.client import LOOK_S, NoAgent, SocketError, ask_agent
from edge_agent.control.protocol import Call
from edge_agent.language import load_words
from edge_agent.screen import is_ascii
from edge_agent.status.lines import GOOD as ALL_GOOD
from edge_agent.status.model import Snapshot, SnapshotError, snapshot_of
from edge_agent.status.screen import MOST_LINES, Look, screen, worst
from edge_agent.status.site_files import NoSite, SiteFiles, site_files
from edge_agent.status.words_of_time import local_of
from edge_agent.terminal import is_chinese

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_agent.language import Words

    Draw = Callable[[Sequence[str]], None]

PACKAGE: Final = "edge_agent.status"
_HOME, _TO_END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


class NotAsked(Exception):  # noqa: N818 - what happened is the name
    """The agent runs, and cannot be asked; says why."""


def words_here(package: str = PACKAGE) -> Words:
    """In the language of this terminal; one without Unicode has no Chinese."""
    chinese = is_chinese(os.environ) and not is_ascii(sys.stdout.encoding)
    return load_words(package, chinese=chinese)


def look_here(most_lines: int | None) -> Look:
    """How this terminal is."""
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return Look(colours, is_ascii(sys.stdout.encoding), most_lines)


def ask_snapshot(files: SiteFiles, *, with_values: bool) -> Snapshot:
    """What the running agent says. Raises NoAgent, or NotAsked."""
    try:
        answer = ask_agent(files.read_socket, Call("status", {"values": int(with_values)}), LOOK_S)
        if "schema" not in answer:
            raise NotAsked(str(answer.get("error", "no answer that this program knows")))
        return snapshot_of(answer)
    except (SocketError, SnapshotError) as error:
        raise NotAsked(str(error)) from error


def status(path: Path, *, as_json: bool, whole: bool, watch_s: float | None) -> int:
    """Once, or again and again until Ctrl-C."""
    if watch_s is None or as_json:
        return _once(path, as_json=as_json, whole=whole, draw=_print)
    terminal = sys.stdout.isatty()
    if terminal:
        show(f"{_HOME}{_BELOW}")
    result, pause = GOOD, threading.Event()
    try:
        while True:
            draw = _redraw if terminal else _print
            result = _once(path, as_json=False, whole=whole, draw=draw)
            pause.wait(watch_s)
    except KeyboardInterrupt:
        return result


def _print(lines: Sequence[str]) -> None:
    show("\n".join(lines))


def _redraw(lines: Sequence[str]) -> None:
    """Over what is there: a screen that is cleared first flickers."""
    show(_HOME + "\n".join(line + _TO_END_OF_LINE for line in lines) + _BELOW)


def _once(path: Path, *, as_json: bool, whole: bool, draw: Draw) -> int:
    try:
        files = site_files(path)
        found = ask_snapshot(files, with_values=as_json)
    except NoAgent:
        return _alone(files, as_json=as_json, draw=draw)
    except (NoSite, NotAsked) as error:
        return could_not(error)
    words, local = words_here(), local_of(found.zone)
    result = GOOD if worst(found, words, local) == ALL_GOOD and not files.fault else FINDINGS
    if as_json:
        show(json.dumps({**found.to_json(), "config_fault": files.fault}, ensure_ascii=False))
        return result
    look = look_here(None if whole else MOST_LINES)
    draw(screen(found, words, local, look, is_broken=bool(files.fault)))
    return result


def _alone(files: SiteFiles, *, as_json: bool, draw: Draw) -> int:
    """Without an agent."""
    from edge_agent.clock import wall_ms
    from edge_agent.status.without_agent import left_behind, to_json, told
    from edge_agent.terminal import wrapped

    left = left_behind(files)
    if as_json:
        show(json.dumps(to_json(left, files), ensure_ascii=False))
    else:
        lines = told(left, files, wall_ms(), words_here())
        draw([part for line in lines for part in wrapped(line, hanging=2)])
    return FINDINGS
