"""What both ways of commissioning end with: told, the link tested, the answers kept."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from edge_agent.commission.answers import Key, answers_text
from edge_agent.commission.closing import Closed, put_file
from edge_agent.commission.wizard import for_terminal
from edge_agent.console import CONFIG, COULD_NOT, FINDINGS, GOOD, show
from edge_agent.language import Words
from edge_agent.terminal import wrapped

PROGRESS_MODE: Final = 0o600


@contextlib.contextmanager
def unbroken() -> Iterator[None]:
    """Ctrl-C does not break what must not be left half done; it takes moments."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def tell(text: str) -> None:
    """On standard output, as the terminal can show it."""
    show(for_terminal(text, sys.stdout.encoding))


def keep(path: Path, answers: Mapping[Key, str], *, progress: bool) -> None:
    """Only its owner reads them. Raises OSError."""
    put_file(path, answers_text(answers, progress=progress).encode("utf-8"), PROGRESS_MODE)


def tell_done(closed: Closed, path: Path, words: Words) -> None:
    """What is in force, recorded, on paper, and what comes next."""
    done = words("done", gateway=closed.config.gateway, path=path, sheet=closed.sheet,
                 count=closed.statements)  # fmt: skip
    is_usual = path.parent == CONFIG.parent  # where the service looks
    start = "start_agent" if is_usual else "start_by_hand"
    following = words("agent_runs" if closed.agent_runs else start, path=path)
    for line in (*done.split("\n"), following):
        for part in wrapped(line, 0, 2):
            tell(part)


def check_link(closed: Closed, *, quiet: bool) -> int:
    """The link's test: what was recorded goes to central, and its receipt is verified."""
    from edge_agent.link_test.command import link, walk
    from edge_agent.screen import BAD

    if quiet:
        good = all(step.light != BAD for step in walk(closed.config))
        return GOOD if good else FINDINGS
    status = link(closed.config, as_json=False, with_batch=True)
    return FINDINGS if status == COULD_NOT else status
