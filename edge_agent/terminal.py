"""Lines of at most 80 columns in two languages; a Chinese character takes two of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

WIDTH: Final = 80
LABEL: Final = 26  # columns of a label before its value
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
_WITHOUT_HAN: Final = ("vt", "linux")
_WIDE: Final = ("W", "F")
_NEVER_FIRST: Final = "，。；：、）"  # of a line
_NEVER_LAST: Final = "（"


def is_chinese(environment: Mapping[str, str]) -> bool:
    """Whether the first language variable that is set asks for Chinese (POSIX, 8.2), and the
    terminal can show it: a serial console (getty says vt220) has no such characters.
    """
    if environment.get("TERM", "").startswith(_WITHOUT_HAN):
        return False
    for name in _VARIABLES:
        if value := environment.get(name):
            return value.lower().startswith("zh")
    return False


def columns(text: str) -> int:
    """How many columns a terminal needs for the text."""
    return sum(2 if unicodedata.east_asian_width(c) in _WIDE else 1 for c in text)


def printable(text: str) -> str:
    """The text without what would draw on the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def wrapped(text: str, indent: int = 0, hanging: int | None = None) -> list[str]:
    """Lines within WIDTH; the first begins at ``indent``, the others at ``hanging``.

    Breaks at blanks, between Chinese characters, and within what is longer than a line.
    """
    margin = indent if hanging is None else hanging
    lines: list[str] = []
    line = " " * indent
    empty = True
    for piece in _pieces(printable(text)):
        if columns(line) + columns(piece.rstrip()) > WIDTH and not empty:
            lines.append(line.rstrip())
            line, empty = " " * margin, True
        for part in _cut(piece, WIDTH - margin):
            if columns(line) + columns(part.rstrip()) > WIDTH and not empty:
                lines.append(line.rstrip())
                line = " " * margin
            line += part
            empty = False
    return [*lines, line.rstrip()]


def labelled(label: str, value: str, indent: int = 2) -> list[str]:
    """A label and its value beside it, wrapped under itself."""
    room = max(LABEL - columns(label), 1)
    head = " " * indent + printable(label) + " " * room
    first, *rest = wrapped(value, columns(head), indent + LABEL)
    return [head + first.lstrip(), *rest]


def utc(utc_ms: int) -> str:
    """An instant as UTC, to the ms; as ms where no calendar has it."""
    try:
        instant = _EPOCH + timedelta(milliseconds=utc_ms)
    except OverflowError:
        return f"{utc_ms} ms"
    return f"{instant:%Y-%m-%d %H:%M:%S}.{utc_ms % 1000:03d} UTC"


def _pieces(text: str) -> list[str]:
    """Words with the blank behind them; each Chinese character alone."""
    pieces: list[str] = []
    word = ""
    for char in text:
        if char in _NEVER_FIRST and (word or pieces):
            if word:
                pieces.append(word)
                word = ""
            pieces[-1] += char
            continue
        wide = unicodedata.east_asian_width(char) in _WIDE
        if wide and word and word != _NEVER_LAST:
            pieces.append(word)
            word = ""
        word += char
        if (wide and word != _NEVER_LAST) or char == " ":
            pieces.append(word)
            word = ""
    return [*pieces, word] if word else pieces


def _cut(piece: str, most: int) -> list[str]:
    """A piece in parts of at most ``most`` columns; only narrow ones are ever that long."""
    return [piece[at : at + most] for at in range(0, max(len(piece), 1), most)]
