"""When the gateway may use its link: always, or in windows of the day. Pure: UTC is an argument.

Windows are in the site's own time, because tariffs and people are. A gateway that does not know the
time uses the link: it may be the only way to learn it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

MAX_WINDOWS: Final = 24
LOOK_AGAIN_S: Final = 600.0  # a clock may be set, summer time may begin
_DAY_S: Final = 86_400
_WINDOW: Final = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]|24):([0-5][0-9])", re.ASCII
)


class Window(NamedTuple):
    """From `start_s` to before `end_s`, of the local day; over midnight where it ends earlier."""

    start_s: int
    end_s: int

    def holds(self, at_s: int) -> bool:
        if self.start_s < self.end_s:
            return self.start_s <= at_s < self.end_s
        return at_s >= self.start_s or at_s < self.end_s


class ConnectionWindows(NamedTuple):
    """No window: always."""

    zone: str
    windows: tuple[Window, ...] = ()

    def wait_s(self, utc_ms: int | None) -> float:
        """0 where the link may be used; else until then, at most `LOOK_AGAIN_S`."""
        if not self.windows or utc_ms is None:
            return 0.0
        utc = datetime.datetime.fromtimestamp(utc_ms / 1000, datetime.UTC)
        local = utc.astimezone(ZoneInfo(self.zone))
        at_s = local.hour * 3600 + local.minute * 60 + local.second
        if any(window.holds(at_s) for window in self.windows):
            return 0.0
        wait_s = min((window.start_s - at_s) % _DAY_S for window in self.windows)
        return min(float(wait_s), LOOK_AGAIN_S)


ALWAYS: Final = ConnectionWindows("UTC")


def parse_window(text: str) -> Window | None:
    """Read "22:00-06:00"; None for anything else, and for a window without length."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        return None
    start_h, start_min, end_h, end_min = (int(part) for part in found.groups())
    window = Window(start_h * 3600 + start_min * 60, end_h * 3600 + end_min * 60)
    if window.end_s > _DAY_S or window.start_s == window.end_s:
        return None
    return window


def parse_windows(zone: str, texts: Sequence[str]) -> ConnectionWindows | str:
    """All of them, or the one that is none."""
    windows: list[Window] = []
    for text in texts:
        window = parse_window(text)
        if window is None:
            return text
        windows.append(window)
    return ConnectionWindows(zone, tuple(windows))
