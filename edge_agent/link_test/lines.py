"""Steps as lines of 80 columns and as JSON. Pure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from edge_agent.console import show
from edge_agent.language import Words
from edge_agent.link_test.step import Step, note_of, tell
from edge_agent.screen import GOOD, STYLES, console, is_ascii, mark
from edge_agent.terminal import columns, wrapped

SCHEMA: Final = 1
_NAME_COLUMNS: Final = 13
_INDENT: Final = 4


def lines_of(step: Step, words: Words, encoding: str | None) -> list[str]:
    """One where it is good; else what was found, why, and what to do."""
    sign = mark(step.light, encoding)
    name = words(f"step.{step.name}")
    head = f"{sign} {name}{' ' * max(1, _NAME_COLUMNS - columns(name))} "
    if step.light == GOOD:
        took = "" if step.took_ms is None else f" ({step.took_ms}ms)"
        return hung(head, note_of(step, words) + took)
    told = tell(step.code, step.facts, words)
    return [
        *hung(head, told.what),
        *explained(words("cause"), told.cause),
        *explained(words("remedy"), told.remedy),
    ]


def explained(label: str, text: str) -> list[str]:
    """A sentence beside its label, under what it explains."""
    return hung(f"{' ' * _INDENT}{label}{' ' * max(1, 5 - columns(label))}", text)


def hung(head: str, text: str) -> list[str]:
    """A text behind its head, wrapped under itself."""
    first, *rest = wrapped(text, columns(head), columns(head))
    return [head + first.lstrip(), *rest]


def show_lines(lines: Sequence[str], encoding: str | None) -> None:
    """On standard output; on a terminal the lights have their colour (but see NO_COLOR), on a
    serial console none: what it makes of such codes is not known."""
    if not sys.stdout.isatty() or is_ascii(encoding):
        show("\n".join(lines))
        return
    from rich.text import Text

    screen = console()
    for line in lines:
        text = Text(line)
        for light, style in STYLES.items():
            sign = mark(light, encoding)
            if line.startswith(f"{sign} "):
                text.stylize(style, 0, len(sign))
        screen.print(text, soft_wrap=True)


def as_json(steps: Sequence[Step], gateway: str, words: Words) -> dict[str, object]:
    """Keys are stable; `code` is for programs, the words for people."""
    return {
        "schema": SCHEMA,
        "gateway": gateway,
        "good": all(step.light == GOOD for step in steps),
        "steps": [_step(step, words) for step in steps],
    }


def _step(step: Step, words: Words) -> dict[str, object]:
    told = None if step.light == GOOD else tell(step.code, step.facts, words)
    return {
        "name": step.name,
        "light": step.light,
        "code": step.code,
        "note": note_of(step, words),
        "what": told.what if told else "",
        "cause": told.cause if told else "",
        "remedy": told.remedy if told else "",
        "took_ms": step.took_ms,
        "facts": dict(step.facts),
    }
