"""Lines of a screen as parts with a style, cut and filled by columns; Han take two. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from edge_agent.terminal import columns, printable

PLAIN: Final = ""
DIM: Final = "dim"
BOLD: Final = "bold"
REVERSE: Final = "reverse"
_ELLIPSIS: Final = "…"
_ASCII_ELLIPSIS: Final = "~"


class Part(NamedTuple):
    """Text in one style, as Rich names styles."""

    text: str
    style: str = PLAIN


Line = tuple[Part, ...]


def left(text: str, width: int, *, ascii_only: bool = False) -> str:
    """As wide as that, filled on the right; what does not fit is cut, and shows it."""
    cut = _cut(text, width, ascii_only=ascii_only)
    return cut + " " * (width - columns(cut))


def right(text: str, width: int, *, ascii_only: bool = False) -> str:
    """The same, filled on the left."""
    cut = _cut(text, width, ascii_only=ascii_only)
    return " " * (width - columns(cut)) + cut


def plain(line: Line) -> str:
    """Without its styles."""
    return "".join(part.text for part in line)


def spread(first: str, last: str, width: int, *, ascii_only: bool = False) -> str:
    """One at each end of a line; the first one gives way."""
    room = max(0, width - columns(last) - 2)
    return left(first, room, ascii_only=ascii_only) + "  " + last


def _cut(text: str, width: int, *, ascii_only: bool) -> str:
    text = printable(text)
    if ascii_only:
        text = text.replace("°", "deg").encode("ascii", "replace").decode("ascii")
    if columns(text) <= width:
        return text
    mark = _ASCII_ELLIPSIS if ascii_only else _ELLIPSIS
    kept, used = "", columns(mark)
    for char in text:
        used += columns(char)
        if used > width:
            break
        kept += char
    return (kept + mark)[:width] if width > 0 else ""
