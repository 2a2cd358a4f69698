"""What the commands draw with: Rich on a terminal of any kind, plain where it is none.

A serial console has no UTF-8 and no colour that can be relied on: then boxes and marks are ASCII.
`NO_COLOR` (no-color.org) is obeyed by Rich itself.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH: Final = 80
GOOD: Final = "good"
WARNING: Final = "warning"
BAD: Final = "bad"
STYLES: Final = {GOOD: "green", WARNING: "yellow", BAD: "bold red"}
_MARKS: Final = {GOOD: "●", WARNING: "▲", BAD: "✖"}
_ASCII_MARKS: Final = {GOOD: "[ok]", WARNING: "[ ! ]", BAD: "[BAD]"}


def console(*, stderr: bool = False) -> Console:
    """A console no wider than the terminal; 80 columns where there is none."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    plain = not stream.isatty()
    return Console(
        file=stream,
        width=WIDTH if plain else None,
        highlight=False,
        emoji=False,
        markup=False,
        safe_box=True,
    )


def is_ascii(encoding: str | None) -> bool:
    """Whether marks and lines must do without Unicode: no UTF-8, locale C (in which Python writes
    UTF-8 nevertheless, PEP 540), or a terminal as a serial console has it (getty says vt220).
    """
    term = os.environ.get("TERM", "")
    asked = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((value for value in asked if value), "")
    plain = locale in ("C", "POSIX") or term == "dumb" or term.startswith("vt")
    return plain or "utf" not in (encoding or "").lower()


def mark(light: str, encoding: str | None) -> str:
    """The traffic light of a line, as a sign that can be told without its colour."""
    return mark_of(light, ascii_only=is_ascii(encoding))


def mark_of(light: str, *, ascii_only: bool) -> str:
    """The same where it is known already what the terminal can show."""
    return (_ASCII_MARKS if ascii_only else _MARKS)[light]


def table(*columns: str, encoding: str | None = None) -> Table:
    """A table with a line under its head and nothing else around it."""
    from rich import box
    from rich.table import Table

    edge = box.ASCII_DOUBLE_HEAD if is_ascii(encoding) else box.SIMPLE_HEAD
    made = Table(box=edge, show_edge=False, pad_edge=False, padding=(0, 1))
    for column in columns:
        made.add_column(column)
    return made
