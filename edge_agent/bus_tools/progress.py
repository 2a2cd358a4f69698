"""A line that tells how far a long look is, with an estimate: on a terminal only, gone at the end.

Drawn by hand on standard error: nothing to import on a slow processor, and a serial console
understands it.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final

from edge_agent.bus_tools.showing import fitted
from edge_agent.screen import is_ascii

BAR: Final = 20
WIDTH: Final = 79
EVERY_S: Final = 0.2
"""A console of 9600 baud must not be kept busy by it."""


class Bar:
    """`show` as often as one likes."""

    def __init__(self, title: str, *, shown: bool) -> None:
        self._title = title
        self._shown = shown and sys.stderr.isatty()
        self._drawn_s = 0.0

    def __enter__(self) -> Bar:
        return self

    def show(self, done_s: float, total_s: float, where: str) -> None:
        """Seconds of the estimate that are over; what is being done."""
        now_s = time.monotonic()
        if not self._shown or now_s - self._drawn_s < EVERY_S:
            return
        self._drawn_s = now_s
        line = bar_line((done_s, total_s), f"{self._title} {where}", plain=is_ascii("utf-8"))
        sys.stderr.write(f"\r{line}")
        sys.stderr.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * WIDTH + "\r")
            sys.stderr.flush()


def bar_line(seconds: tuple[float, float], told: str, *, plain: bool) -> str:
    """Of WIDTH columns: bar, what is left at most, what is done."""
    done_s, total_s = seconds
    share = min(1.0, done_s / total_s) if total_s > 0 else 1.0
    full, empty = ("#", ".") if plain else ("█", "░")
    filled = round(BAR * share)
    left_s = max(0.0, total_s - done_s)
    left = f"{left_s:.0f} s" if left_s < 120 else f"{left_s / 60:.0f} min"
    return fitted(f"{full * filled}{empty * (BAR - filled)} <{left:>7}  {told}", WIDTH)
