"""What the running agent tells of itself beside its readings, put together for the main thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from edge_agent.bus.poller import Now
from edge_agent.config.model import AgentConfig
from edge_agent.observe.health import HealthRecord
from edge_agent.observe.journald import Folded
from edge_agent.observe.machine import Machine
from edge_agent.recording.device_recording import News

COUNTS_MS: Final = 60_000
"""Between looks for counts of log lines that are due."""


class Observation:
    """Health into the log, counts of folded log lines."""

    def __init__(self, config: AgentConfig, tell: Callable[[News], bool], clock: Now) -> None:
        self._machine = Machine(config.state_dir)
        self._health = HealthRecord(self._machine.health, tell, clock, config.observe.health_ms)
        self._counts_ms = 0

    def tick(self, now_ms: int) -> None:
        """As often as the main thread comes by."""
        self._health.tick(now_ms)
        if now_ms - self._counts_ms < COUNTS_MS:
            return
        self._counts_ms = now_ms
        for handler in logging.getLogger().handlers:
            if isinstance(handler, Folded):
                handler.tell_due()
