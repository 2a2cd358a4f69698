"""One screen of the live view: title, pages, the part of the page that fits, keys. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.live.cells import BOLD, DIM, REVERSE, Line, Part, left, spread
from edge_agent.live.pages import PAGES, Look, page_lines
from edge_agent.screen import BAD, STYLES, WARNING
from edge_agent.status.words_of_time import span
from edge_agent.terminal import columns

if TYPE_CHECKING:
    from edge_agent.live.trend import Trends
    from edge_agent.live.watcher import Seen
    from edge_agent.status.model import Snapshot

AROUND: Final = 3  # lines: title, pages, keys
STALE_MS: Final = 3_000
_HELP_LINES: Final = 14


@dataclass(frozen=True)
class Place:
    """Where the person is: which page, how far down, whether it stands still, whether he asked."""

    page: str = PAGES[0]
    top: int = 0
    paused: bool = False
    helps: bool = False

    def turned(self, by: int) -> int:
        """The number of the page that many further on, round and round."""
        return (PAGES.index(self.page) + by) % len(PAGES)


def most_top(count: int, height: int) -> int:
    """How far down a page of `count` lines can be moved on a screen of `height` lines."""
    return max(0, count - (height - AROUND))


def body_lines(snapshot: Snapshot, trends: Trends, look: Look, place: Place) -> list[Line]:
    """The whole page, or the help."""
    if place.helps:
        return [
            (Part(left(look.words(f"help.{n}"), look.width)),) for n in range(1, _HELP_LINES + 1)
        ]
    return page_lines(place.page, snapshot, trends, look)


def frame(
    seen: Seen, body: list[Line], look: Look, place: Place, height: int, now_ms: int
) -> list[Line]:
    """Exactly `height` lines, each as wide as the screen at most."""
    snapshot = seen.snapshot
    room = max(0, height - AROUND)
    shown = body[place.top : place.top + room]
    shown += [(Part(""),)] * (room - len(shown))
    title = look.words("title") if snapshot is None else _title(snapshot, look)
    first = (Part(title, REVERSE),)
    below = len(body) - place.top - room
    return [first, _tabs(snapshot, look, place), *shown, _last(seen, look, place, now_ms, below)]


def _title(snapshot: Snapshot, look: Look) -> str:
    at = "-"
    if snapshot.utc_ms is not None:
        at = f"{look.local(snapshot.utc_ms):%Y-%m-%d %H:%M:%S}"
    up = look.words("up", span=span(1000 * snapshot.up_s, look.codes))
    name = f" {snapshot.gateway}  {snapshot.site}"
    return spread(name, f"{at}  {up} ", look.width, ascii_only=look.ascii_only)


def _tabs(snapshot: Snapshot | None, look: Look, place: Place) -> Line:
    parts = []
    for page in PAGES:
        name = look.words(f"page.{page}")
        count = len(snapshot.alarms) if snapshot is not None and page == "alarms" else 0
        text = f"{name} {count}" if count else name
        here = page == place.page and not place.helps
        style = BOLD if here else STYLES[WARNING] if count else DIM
        parts.append(Part(f"[{text}]" if here else f" {text} ", style))
        parts.append(Part(" "))
    return tuple(parts)


def _last(seen: Seen, look: Look, place: Place, now_ms: int, below: int) -> Line:
    """Why nothing new comes, if so; else the keys."""
    age_ms = now_ms - seen.at_ms
    if seen.failure and (seen.snapshot is None or age_ms > STALE_MS):
        key = "gone" if seen.is_gone else "silent"
        text = look.words(key, age=span(age_ms, look.codes), why=seen.failure)
        return (Part(left(text, look.width, ascii_only=look.ascii_only), STYLES[BAD]),)
    if place.paused:
        text = look.words("paused")
        return (Part(left(text, look.width, ascii_only=look.ascii_only), STYLES[WARNING]),)
    keys = look.words("keys")
    more = look.words("below", count=below) if below > 0 else ""
    room = look.width - columns(more)
    return (Part(left(keys, room, ascii_only=look.ascii_only), DIM), Part(more, BOLD))
