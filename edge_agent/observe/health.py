"""The gateway's health as a statement in its log, at the start and each hour.

A card that fills, a supply that sags in the evening, a box that gets hot in July: who looks later
at a gap in the readings finds what the machine was like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from edge_agent.bus.poller import Now
from edge_agent.observe.machine import Health
from edge_agent.recording.device_recording import AGENT, News, Said
from protocols.evidence.statement import Statement

CODE: Final = "health"
AGAIN_MS: Final = 60_000


def health_statement(health: Health) -> Statement:
    return Statement(CODE, AGENT, "", health.fields())


class HealthRecord:
    """For the main thread: `tick` as often as it likes."""

    def __init__(
        self, look: Callable[[], Health], tell: Callable[[News], bool], clock: Now, each_ms: int
    ) -> None:
        """`tell`: False where the recorder has no room now: then again. `each_ms` 0: never."""
        self._look = look
        self._tell = tell
        self._clock = clock
        self._each_ms = each_ms
        self._due_ms = 0

    def tick(self, now_ms: int) -> None:
        """Tell the health where it is due."""
        if not self._each_ms or now_ms < self._due_ms:
            return
        said = Said(self._clock.now(), "", health_statement(self._look()))
        self._due_ms = now_ms + (self._each_ms if self._tell(said) else AGAIN_MS)
