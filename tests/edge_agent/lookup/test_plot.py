"""A curve of characters."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest

from edge_agent.lookup.plot import HEIGHT, WIDTH, Curve, drawn

START = datetime(2026, 11, 26, 8, 0)  # noqa: DTZ001  # a wall clock


def curve(count: int, step_s: int) -> Curve:
    times = [START + timedelta(seconds=step_s * place) for place in range(count)]
    return Curve(times, [math.sin(place / 9) for place in range(count)], "kPa")


@pytest.mark.parametrize("count", [2, 3, 50, 5000])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_it_fits_and_has_its_times(count: int, ascii_only: bool) -> None:
    """80 columns, one line more than its height for the unit; ASCII where nothing else shows."""
    lines = drawn(curve(count, 300), ascii_only=ascii_only, colours=False)
    assert len(lines) <= HEIGHT + 1
    assert max(map(len, lines)) <= WIDTH
    assert "\x1b" not in "".join(lines)
    assert not ascii_only or "".join(lines).isascii()
    assert "kPa" in lines[-1]
    assert ("11-26 08:00" if count == 5000 else "08:00") in lines[-2]


def test_colours_are_wished_for() -> None:
    """NO_COLOR, a pipe: none."""
    assert "\x1b" in "".join(drawn(curve(50, 60), ascii_only=False, colours=True))


def test_seconds_show_within_ten_minutes() -> None:
    """Five ticks of one minute would be the same."""
    assert "08:00:00" in drawn(curve(20, 1), ascii_only=False, colours=False)[-2]
