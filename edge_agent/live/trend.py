"""What snapshots say one after another: trends of figures, requests a second. Pure.

A trend holds as much as is drawn, however long somebody watches: when it is full, each two of its
points become one, and every point then stands for twice the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from edge_agent.status.model import Snapshot

POINTS: Final = 64  # before two become one
RATE_MS: Final = 10_000  # requests a second are a mean of so long
SAMPLE_MS: Final = 5_000  # more often a poll says nothing new, and a slow line has to draw it
MAX_SERIES: Final = 1024
ASCII_LEVELS: Final = "_.-~=+*#"
LEVELS: Final = "▁▂▃▄▅▆▇█"
_FAILED: Final = ("no_answer", "damaged", "crc", "length", "foreign", "echo", "exception", "late")


class Trend:
    """One figure over time."""

    def __init__(self) -> None:
        self._points: list[float] = []
        self._each = 1  # samples that make a point
        self._sum = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        """The next sample; they come at equal times."""
        self._sum += value
        self._count += 1
        if self._count < self._each:
            return
        self._points.append(self._sum / self._count)
        self._sum, self._count = 0.0, 0
        if len(self._points) > POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=False)
            self._points = [(a + b) / 2 for a, b in pairs]
            self._each *= 2

    def drawn(self, width: int, *, ascii_only: bool) -> str:
        """The newest on the right; a figure that never changed is a line at the bottom."""
        levels = ASCII_LEVELS if ascii_only else LEVELS
        points = _joined(self._points, width)
        if not points:
            return ""
        low, high = min(points), max(points)
        span = high - low
        # a change that no one could read off the figure is none
        if span <= 1e-6 * max(abs(low), abs(high)):
            return levels[0] * len(points)
        top = len(levels) - 1
        return "".join(levels[round(top * (one - low) / span)] for one in points)


def _joined(points: list[float], width: int) -> list[float]:
    """All of the time in at most `width` points."""
    each = -(-len(points) // width)
    if each <= 1:
        return points
    return [sum(part) / len(part) for part in _parts(points, each)]


def _parts(points: list[float], each: int) -> Iterable[list[float]]:
    first = len(points) % each  # the newest part is whole
    if first:
        yield points[:first]
    for at in range(first, len(points), each):
        yield points[at : at + each]


class Rate(NamedTuple):
    """Requests a second."""

    good: float
    failed: float


class Trends:
    """Of all figures of a site, fed with each snapshot that came."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, ...], Trend] = {}
        self._seen: list[tuple[int, dict[str, tuple[int, int]]]] = []
        self._sampled_ms: int | None = None

    def take(self, snapshot: Snapshot, now_ms: int) -> None:
        """Values that are not known leave their trend as it is."""
        self._count(snapshot, now_ms)
        if self._sampled_ms is not None and now_ms - self._sampled_ms < SAMPLE_MS:
            return
        self._sampled_ms = now_ms
        for run in snapshot.runs:
            self._add(("run", run.id), run.line_flow_m3_h)
        for device in snapshot.devices:
            for value in device.values:
                self._add(("value", device.name, value.name), value.number)
        for bus in snapshot.buses:
            rate = self.rate(bus.name)
            self._add(("bus", bus.name), None if rate is None else rate.good + rate.failed)

    def _count(self, snapshot: Snapshot, now_ms: int) -> None:
        counts = {bus.name: _good_failed(bus.counts) for bus in snapshot.buses}
        counts |= {f"/{one.name}": _good_failed(one.counts) for one in snapshot.devices}
        if self._seen and _is_restarted(self._seen[-1][1], counts):
            self._seen.clear()
        self._seen.append((now_ms, counts))
        while len(self._seen) > 2 and now_ms - self._seen[1][0] >= RATE_MS:
            self._seen.pop(0)

    def of(self, *key: str) -> Trend:
        """One that has no points where nothing was told yet."""
        return self._series.get(key) or Trend()

    def rate(self, name: str) -> Rate | None:
        """Of a bus, or of a device by "/" and its name; None before there are two snapshots."""
        if len(self._seen) < 2:
            return None
        (then_ms, before), (now_ms, after) = self._seen[0], self._seen[-1]
        if name not in before or name not in after or now_ms <= then_ms:
            return None
        seconds = (now_ms - then_ms) / 1000
        good, failed = (a - b for a, b in zip(after[name], before[name], strict=True))
        return Rate(good / seconds, failed / seconds)

    def _add(self, key: tuple[str, ...], value: float | None) -> None:
        if value is None or (key not in self._series and len(self._series) >= MAX_SERIES):
            return
        self._series.setdefault(key, Trend()).add(value)


def _good_failed(counts: Mapping[str, int]) -> tuple[int, int]:
    return counts.get("good", 0), sum(counts.get(name, 0) for name in _FAILED)


def _is_restarted(
    before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]
) -> bool:
    """The agent's counters begin anew with it."""
    return any(name in after and after[name][0] < before[name][0] for name in before)
