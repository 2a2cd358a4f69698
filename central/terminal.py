"""What `edge-central` prints: rows with tabs for programs, within 80 columns for a person."""

import argparse
import io
import os
import sys
import unicodedata
from typing import Final, NoReturn, TextIO

WIDTH: Final = 80
_INDENT: Final = "    "
_WIDE: Final = ("W", "F")


def show(text: str, stream: TextIO | None = None) -> None:
    """On standard output, or the stream: rows (their fields between tabs) folded on a terminal."""
    where = sys.stdout if stream is None else stream
    text = without_control(text)
    if where.isatty():
        is_message = where is sys.stderr
        lines = text.split("\n")
        text = "\n".join(folded(one) if is_message or "\t" in one else one for one in lines)
    print(text, file=where, flush=True)


def without_control(text: str) -> str:
    """Without what steers a terminal or turns its text round: gateways say what they like."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else " " if c.isspace() else "?" for c in text
    )


def row_of(*fields: object) -> str:
    """Fields between tabs; none of them can begin another field or row."""
    return "\t".join(" ".join(f"{field}".split()) for field in fields)


def overwrite(text: str) -> None:
    """How far a long work is: a line that the next one replaces; nothing into a file or a pipe."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def folded(row: str) -> str:
    """In lines of at most WIDTH columns, the second and later ones indented; fields apart by two
    blanks and whole where they can be; a word is never cut, so that a key can be copied.
    """
    lines = [""]
    for field in filter(None, row.split("\t")):
        gap = "  " if lines[-1].strip() else ""
        if _columns(lines[-1] + gap + field) <= WIDTH:
            lines[-1] += gap + field
            continue
        if lines[-1].strip():
            lines.append(_INDENT)
        for word in field.split(" "):
            gap = " " if lines[-1].strip() else ""
            if gap and _columns(lines[-1] + gap + word) > WIDTH:
                lines.append(_INDENT + word)
            else:
                lines[-1] += gap + word
    return "\n".join(lines)


class Parser(argparse.ArgumentParser):
    """Its complaints are in lines of a terminal's width too."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        show(f"{self.prog}: error: {message}", sys.stderr)
        self.exit(2)


def fit_streams() -> None:
    """A locale without some character is no failure: it is told by a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def leave_pipe() -> None:
    """Nobody reads on: what is left in the buffer must not fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in _WIDE else 1 for c in text)
