"""How the bus tools speak: in the language asked for, in 80 columns or as one JSON object."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from edge_agent.console import show
from edge_agent.language import Words, load_words
from edge_agent.screen import is_ascii
from edge_agent.terminal import columns, is_chinese, wrapped

SCHEMA: Final = 1


def words() -> Words:
    """Of this folder; in the environment's language."""
    return _words(chinese=is_chinese(os.environ))


@cache
def _words(*, chinese: bool) -> Words:
    return load_words("edge_agent.bus_tools", chinese=chinese)


def say(key: str, **values: object) -> str:
    """The words of a key, filled in."""
    return words()(key, **values)


def lines(text: str, indent: int = 0, hanging: int | None = None) -> list[str]:
    """Within 80 columns."""
    return wrapped(text, indent, indent if hanging is None else hanging)


def tell(told: Iterable[str], *, stderr: bool = False) -> None:
    """Lines, on standard output or error."""
    text = "\n".join(told)
    if stderr:
        sys.stderr.write(f"{text}\n")
    else:
        show(text)


def to_json(answer: Mapping[str, object]) -> str:
    """One line; ASCII where the terminal has nothing else."""
    told = {"schema": SCHEMA, **answer}
    return json.dumps(told, ensure_ascii=is_ascii(sys.stdout.encoding))


def fitted(text: str, width: int) -> str:
    """Exactly so many columns: filled up, or cut with a mark."""
    if columns(text) > width:
        while columns(text) > width - 1:
            text = text[:-1]
        text += "~"
    return text + " " * (width - columns(text))
