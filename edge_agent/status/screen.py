"""`edge-agent status` as a screen of 80 columns and 24 lines: lines and cells. Pure.

It draws by itself, without Rich: importing that alone costs half of what the command may take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.screen import mark_of
from edge_agent.status.headline import headline
from edge_agent.status.lines import BAD, GOOD, WARNING, Line, lines_of
from edge_agent.status.words_of_time import Local, span
from edge_agent.terminal import columns, printable, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.language import Words
    from edge_agent.status.model import Run, Snapshot

WIDTH: Final = 80
MOST_LINES: Final = 23  # of 24: the prompt comes below
_CELLS: Final = (14, 11, 11, 10, 8, 9)  # index, flows, P, T, C; with the blank before each
_LEAST_NAME: Final = 6
_SUBSTITUTE: Final = "*"
_COLOURS: Final = {GOOD: "\x1b[32m", WARNING: "\x1b[33m", BAD: "\x1b[1;31m"}
_PLAIN: Final = "\x1b[0m"


class Look(NamedTuple):
    """How the terminal is: its colours, its characters, how many lines it has."""

    colours: bool = False
    ascii_only: bool = False
    most_lines: int | None = MOST_LINES


def screen(
    snapshot: Snapshot, words: Words, local: Local, look: Look, *, is_broken: bool = False
) -> list[str]:
    """All lines of it; at most `most_lines`, the least needed left out.

    `is_broken`: gateway.toml cannot be read, and the agent runs by the last good one.
    """
    light, sentence = headline(snapshot, words)
    at = "-" if snapshot.utc_ms is None else f"{local(snapshot.utc_ms):%Y-%m-%d %H:%M:%S}"
    under = words(
        "under",
        gateway=snapshot.gateway,
        site=snapshot.site,
        at=at,
        up=span(1000 * snapshot.up_s, words),
        version=snapshot.version,
    )
    head = [*_sentence(light, sentence, look), _fit(under, WIDTH, look)]
    faults = [Line(BAD, words("config.broken"))] if is_broken else []
    body = _body([*faults, *lines_of(snapshot, words, local)], words, look)
    if look.most_lines is not None and len(head) + len(body) > look.most_lines:
        kept = look.most_lines - len(head) - 1
        more = words("more", count=len(body) - kept)
        body = [*body[:kept], _fit(more, WIDTH, look)]
    return [*head, *body]


def worst(snapshot: Snapshot, words: Words, local: Local) -> str:
    """The light of all of it."""
    lights = {line.light for line in lines_of(snapshot, words, local)}
    lights.add(headline(snapshot, words)[0])
    return next(light for light in (BAD, WARNING, GOOD) if light in lights)


def _body(lines: Sequence[Line], words: Words, look: Look) -> list[str]:
    """The lines, with a head above the first run."""
    runs = [line.run for line in lines if line.run is not None]
    room = WIDTH - _mark_width(look) - sum(_CELLS)
    name_width = min(room, max(_LEAST_NAME, *(columns(run.id) for run in runs), 0) + 1)
    found: list[str] = []
    has_head = False
    for line in lines:
        if line.run is None:
            found.append(_line(line.light, line.text, look))
            continue
        if not has_head:
            has_head = True
            found.append(_run_head(words, name_width, look))
        found.append(_line(line.light, _row(line.run, name_width), look))
    return found


def _run_head(words: Words, name_width: int, look: Look) -> str:
    names = ("index", "line", "base", "p", "t", "c")
    cells = (
        _right(words(f"head.{name}"), width) for name, width in zip(names, _CELLS, strict=True)
    )
    text = " " * _mark_width(look) + _left(words("head.run"), name_width) + "".join(cells)
    return _fit(text, WIDTH, look)


def _row(run: Run, name_width: int) -> str:
    name = run.id if columns(run.id) < name_width else f"{run.id[: name_width - 2]}~"
    told = run.substituted
    cells = (
        run.line_text,
        _number(run.line_flow_m3_h, 3),
        _number(run.base_flow_m3_h, 3),
        _number(run.pressure_kpa, 2, substituted="pressure_substituted" in told),
        _number(run.temperature_c, 2, substituted="temperature_substituted" in told),
        _number(run.c, 5, substituted=bool({"gas_substituted"} & {*told})),
    )
    right = (_right(cell, width) for cell, width in zip(cells, _CELLS, strict=True))
    return _left(name, name_width) + "".join(right)


def _number(value: float | None, digits: int, *, substituted: bool = False) -> str:
    """Fewer decimals where it is large: a cell has eight characters or so."""
    if value is None:
        return "-"
    large = len(str(int(abs(value)))) - 3
    text = f"{value:.{max(0, digits - max(0, large))}f}"
    return text + _SUBSTITUTE if substituted else text


def _sentence(light: str, text: str, look: Look) -> list[str]:
    """The headline is never cut: it goes on in a second line."""
    width = _mark_width(look)
    first, *rest = wrapped(text, width)
    if look.colours:
        rest = [f"{_COLOURS[light]}{line}{_PLAIN}" for line in rest]
    return [_line(light, first[width:], look), *rest]


def _line(light: str, text: str, look: Look) -> str:
    sign = _left(mark_of(light, ascii_only=look.ascii_only), _mark_width(look))
    room = WIDTH - _mark_width(look)
    if light == GOOD or not look.colours:
        sign = f"{_COLOURS[light]}{sign}{_PLAIN}" if look.colours else sign
        return sign + _fit(text, room, look)
    return f"{_COLOURS[light]}{sign}{_fit(text, room, look)}{_PLAIN}"


def _mark_width(look: Look) -> int:
    """Of the widest mark, and a blank."""
    lights = (GOOD, WARNING, BAD)
    return max(len(mark_of(light, ascii_only=look.ascii_only)) for light in lights) + 1


def _fit(text: str, room: int, look: Look) -> str:
    """Within a line: what is too long ends with a sign that it goes on."""
    clean = printable(text)
    if look.ascii_only:
        clean = clean.replace("°", "deg").encode("ascii", "replace").decode("ascii")
    if columns(clean) <= room:
        return clean
    while columns(clean) > room - 2:
        clean = clean[:-1]
    return f"{clean.rstrip()} >"


def _left(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _right(text: str, width: int) -> str:
    return " " * (width - columns(text)) + text
