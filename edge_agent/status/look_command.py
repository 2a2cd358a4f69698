"""`edge-agent queue`, `storage` and `time`: read, shown as labels and texts or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge_agent.clock import wall_ms
from edge_agent.console import FINDINGS, GOOD, could_not, show
from edge_agent.status import queue, storage, timekeeping
from edge_agent.status.command import words_here
from edge_agent.status.site_view import FAILURES, View, view
from edge_agent.status.words_of_time import local_of
from edge_agent.terminal import columns, printable, wrapped

LABEL = 22  # columns
Lines = Sequence[tuple[str, str]]


def queue_command(path: Path, *, as_json: bool) -> int:
    """What waits."""

    def look(seen: View, now_ms: int) -> tuple[bool, dict[str, Any], Callable[[], Lines]]:
        found = queue.read_queue(seen.held, seen.agent)
        local = local_of(seen.zone)
        return (
            queue.is_good(found),
            queue.to_json(found),
            lambda: queue.lines(found, words_here(), now_ms, local),
        )

    return _look(path, look, as_json=as_json)


def storage_command(path: Path, *, as_json: bool) -> int:
    """What room there is."""

    def look(seen: View, now_ms: int) -> tuple[bool, dict[str, Any], Callable[[], Lines]]:
        found = storage.read_storage(seen.reader, seen.files.journal, seen.agent)
        local = local_of(seen.zone)
        return (
            storage.is_good(found),
            storage.to_json(found),
            lambda: storage.lines(found, words_here(), now_ms, local),
        )

    return _look(path, look, as_json=as_json)


def time_command(path: Path, *, as_json: bool) -> int:
    """What the clocks say."""

    def look(seen: View, now_ms: int) -> tuple[bool, dict[str, Any], Callable[[], Lines]]:
        found = timekeeping.read_time(seen.held, seen.agent)
        local = local_of(seen.zone)
        return (
            timekeeping.is_good(found),
            timekeeping.to_json(found),
            lambda: timekeeping.lines(found, words_here(), now_ms, local),
        )

    return _look(path, look, as_json=as_json)


Look = Callable[[View, int], tuple[bool, dict[str, Any], Callable[[], Lines]]]


def _look(path: Path, look: Look, *, as_json: bool) -> int:
    try:
        with view(path) as seen:
            good, body, lines = look(seen, wall_ms())
            runs = seen.agent is not None
    except (*FAILURES, OSError) as error:
        return could_not(error)
    if as_json:
        show(json.dumps({**body, "agent": runs}, ensure_ascii=False))
    else:
        told = list(lines())
        if not runs:
            words = words_here()
            told.insert(0, (words("look.agent"), words("look.none")))
        show("\n".join(line for label, text in told for line in _labelled(label, text)))
    return GOOD if good and runs else FINDINGS


def _labelled(label: str, text: str) -> list[str]:
    """A label and its text beside it, wrapped under itself; a long label has a line of its own."""
    head = printable(label)
    rest = wrapped(text, LABEL, LABEL)
    if columns(head) >= LABEL:
        return [head, *rest]
    return [head + rest[0][columns(head) :], *rest[1:]]
