"""The live view on a terminal: Textual draws what `frame` says and hands on the keys.

The terminal's own colours and background: a laptop in the sun, a serial console without colour.
Only lines that changed are drawn: at 9600 baud a whole screen takes two seconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from edge_agent.clock import mono_ms
from edge_agent.live.cells import Line
from edge_agent.live.frame import AROUND, Place, body_lines, frame, most_top
from edge_agent.live.pages import PAGES, Look
from edge_agent.live.trend import Trends
from edge_agent.live.watcher import Seen, Watcher

LOOK_S: Final = 0.25
_FAR: Final = 1_000_000  # lines


class Lines(Widget):
    """The whole screen, line by line."""

    DEFAULT_CSS = "Lines { width: 100%; height: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []

    def show(self, lines: list[Line]) -> None:
        """Draw what is not on the screen yet."""
        before, self._lines = self._lines, lines
        if len(before) != len(lines):
            self.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, lines, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        if y >= len(self._lines):
            return Strip.blank(self.size.width)
        parts = (Segment(one.text, Style.parse(one.style)) for one in self._lines[y])
        return Strip(parts).adjust_cell_length(self.size.width)


class Live(App[int]):
    """Runs until a person ends it."""

    CSS = "Screen { overflow: hidden; }"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    def __init__(self, watcher: Watcher, look: Look) -> None:
        super().__init__(ansi_color=True)
        self._watcher = watcher
        self._look = look
        self._trends = Trends()
        self._shown: Seen | None = None  # what a pause holds on the screen
        self._place = Place()
        self._fed_ms = -1
        self._all = Lines()

    def compose(self) -> ComposeResult:
        yield self._all

    def on_mount(self) -> None:
        self.set_interval(LOOK_S, self._look_again)
        self._draw()

    def on_resize(self, _event: events.Resize) -> None:
        self._draw()

    def on_key(self, event: events.Key) -> None:
        """All keys are here: there is nothing that could have the focus."""
        event.stop()
        if event.key in ("q", "ctrl+c", "ctrl+q"):
            self.exit(0)
            return
        self._place = self._after(event.key, event.character or "")
        self._draw()

    def _after(self, key: str, character: str) -> Place:
        place, screen = self._place, max(1, self.size.height - AROUND)
        moves = {
            "up": -1, "down": 1, "pageup": -screen, "pagedown": screen,
            "home": -_FAR, "end": _FAR,
        }  # fmt: skip
        if key in moves:
            return replace(place, top=place.top + moves[key])
        if key in ("left", "right", "tab"):
            page = PAGES[place.turned(-1 if key == "left" else 1)]
            return replace(place, page=page, top=0, helps=False)
        if character.isdecimal() and 1 <= int(character) <= len(PAGES):
            return replace(place, page=PAGES[int(character) - 1], top=0, helps=False)
        if character == "?":
            return replace(place, helps=not place.helps, top=0)
        if key == "escape":
            return replace(place, helps=False, top=0)
        if key == "p":
            return replace(place, paused=not place.paused)
        return place

    def _look_again(self) -> None:
        seen = self._watcher.seen
        if self._place.paused:
            return
        if seen.snapshot is not None and seen.at_ms != self._fed_ms:
            self._fed_ms = seen.at_ms
            self._trends.take(seen.snapshot, seen.at_ms)
            self._draw()
        elif seen.failure:
            self._draw()

    def _draw(self) -> None:
        """All of it; Textual sends only the lines that changed."""
        if self._shown is None or not self._place.paused:
            self._shown = self._watcher.seen
        seen, height = self._shown, self.size.height
        look = replace(self._look, width=self.size.width)
        body: list[Line] = []
        if seen.snapshot is not None:
            body = body_lines(seen.snapshot, self._trends, look, self._place)
        top = min(max(0, self._place.top), most_top(len(body), height))
        self._place = replace(self._place, top=top)
        lines = frame(seen, body, look, self._place, height, mono_ms())
        self._all.show(lines)
