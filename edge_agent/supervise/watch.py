"""The main thread's part of the watchdog: looks at each thread, frees, tells, feeds.

Who does not come round is written to the state directory, too: the recorder may be the one.
"""

from __future__ import annotations

import faulthandler
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_agent.supervise.notify import Notifier
from edge_agent.supervise.progress import Stuck, Turn, Verdict, in_words, judge

FEEDS: Final = 4
"""So often within the watchdog's time."""
_log = logging.getLogger(__name__)


@dataclass
class Watched:
    """One thread; `free` closes what it waits for. The other two are asked each time."""

    name: str
    turn_ms: Callable[[], int]
    deadline_ms: Callable[[], int]
    free: Callable[[], None]
    freed_ms: int | None = None

    def turn(self) -> Turn:
        return Turn(self.name, self.turn_ms(), self.deadline_ms(), self.freed_ms)


@dataclass
class Watch:
    """Of all threads; `look` is called with each turn of the main loop.

    `told` is told who is stuck, once each time, before the watchdog is left unfed; and nobody, when
    all came back.
    """

    notifier: Notifier
    watched: list[Watched]
    told: Callable[[Sequence[Stuck]], None]
    _fed_ms: int | None = None
    _stuck: frozenset[str] = field(default=frozenset())

    def look(self, now_ms: int) -> Verdict:
        verdict = judge([one.turn() for one in self.watched], now_ms)
        late = {stuck.name for stuck in verdict.free}
        for one in self.watched:
            if one.name in late:
                _log.error(
                    "%s stands still; what it waits for is closed under it, and opened again",
                    one.name,
                )
                one.freed_ms = now_ms
                one.free()
        self._tell(verdict)
        if verdict.feeds and self._is_hungry(now_ms):
            self._fed_ms = now_ms
            self.notifier.alive()
        return verdict

    def _tell(self, verdict: Verdict) -> None:
        names = frozenset(stuck.name for stuck in verdict.stuck)
        if names - self._stuck:
            _log.critical(
                "%s and did not return when what it waits for was closed: the watchdog is not fed",
                in_words(verdict.stuck),
            )
            faulthandler.dump_traceback(2)  # where each thread stands, for whoever mends it
            self.notifier.status(f"stuck: {in_words(verdict.stuck)}")
            self.told(verdict.stuck)
        elif self._stuck and not names:
            _log.warning("%s came back; the watchdog is fed again", ", ".join(sorted(self._stuck)))
            self.told(())
        self._stuck = names

    def _is_hungry(self, now_ms: int) -> bool:
        every_ms = self.notifier.watchdog_ms // FEEDS
        return self._fed_ms is None or now_ms - self._fed_ms >= every_ms
