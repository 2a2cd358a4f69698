"""A curve of characters. plotext is imported here alone, and late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

WIDTH: Final = 80
HEIGHT: Final = 13
MOST_TICKS: Final = 5
DAY_S: Final = 86_400
SHORT_S: Final = 600
MOST_POINTS: Final = 2_000  # more do not show on 70 columns


class Curve(NamedTuple):
    """Values over local times, oldest first; `unit` stands at its side."""

    times: Sequence[datetime]
    values: Sequence[float]
    unit: str


def drawn(curve: Curve, *, ascii_only: bool, colours: bool) -> list[str]:
    """At most HEIGHT lines of WIDTH columns."""
    import plotext

    step = max(1, -(-len(curve.values) // MOST_POINTS))
    times, values = curve.times[::step], curve.values[::step]
    start = times[0]
    at = [(time - start).total_seconds() for time in times]
    plotext.clear_figure()
    plotext.theme("clear" if not colours else "pro")
    plotext.plot_size(WIDTH, HEIGHT)
    plotext.plot(at, list(values), marker="*" if ascii_only else "hd")
    places = [index * at[-1] / (MOST_TICKS - 1) for index in range(MOST_TICKS)]
    plotext.xticks(places, [_tick(start, times[-1], place) for place in places])
    plotext.ylabel(curve.unit)
    if ascii_only:
        plotext.frame(False)
    text: str = plotext.build()
    plotext.clear_figure()
    lines = text if colours else plotext.uncolorize(text)
    return [line.rstrip() for line in lines.splitlines()]


def _tick(start: datetime, end: datetime, place_s: float) -> str:
    """By the wall clock: the date where it takes more than a day, seconds within ten minutes."""
    at, lasts_s = start + timedelta(seconds=place_s), (end - start).total_seconds()
    form = "%m-%d %H:%M" if lasts_s > DAY_S else "%H:%M:%S" if lasts_s < SHORT_S else "%H:%M"
    return at.strftime(form)
