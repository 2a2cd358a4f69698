"""What the running agent tells of itself beside its readings, put together for the main thread."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from edge_agent.clock import mono_ms
from edge_agent.heap import drop_reserve, give_back
from edge_agent.observe.health import HealthRecord
from edge_agent.observe.journald import Folded
from edge_agent.observe.machine import Machine
from edge_agent.status.collect import Sources, snapshot

if TYPE_CHECKING:
    from edge_agent.status.model import Snapshot

COUNTS_MS: Final = 60_000
"""Between looks for counts of log lines that are due; and for what a backlog or a salvage has left
in the heap, up to a megabyte."""
AGAIN_MS: Final = 10_000
"""Between tries to have the metrics' port."""
RESERVE_MS: Final = 10_000
"""About a round of polls: what it leaves in reserve is 20 kB then."""
_log = logging.getLogger(__name__)


class Observation:
    """Health into the log, counts of folded log lines, metrics where they are wanted."""

    def __init__(self, sources: Sources, stop: threading.Event) -> None:
        """`stop`: ends the metrics' server."""
        self._sources = sources
        self._wanted = sources.config.observe
        self._machine = Machine(sources.config.state_dir)
        tell, each_ms = sources.recorder.tell, self._wanted.health_ms
        self._health = HealthRecord(self._machine.health, tell, sources.clock, each_ms)
        self._stop_event = stop
        self._started_ms = mono_ms()
        self._counts_ms = self._dropped_ms = 0
        self._serves = not self._wanted.metrics_host
        self._serve_ms = 0
        self._told = ""

    def tick(self, now_ms: int) -> None:
        """As often as the main thread comes by."""
        if not self._serves and now_ms >= self._serve_ms:
            self._serve_ms = now_ms + AGAIN_MS
            self._serves = self._serve()
        self._health.tick(now_ms)
        if now_ms - self._dropped_ms >= RESERVE_MS:
            self._dropped_ms = now_ms
            drop_reserve()
        if now_ms - self._counts_ms < COUNTS_MS:
            return
        self._counts_ms = now_ms
        give_back()
        for handler in logging.getLogger().handlers:
            if isinstance(handler, Folded):
                handler.tell_due()

    def _serve(self) -> bool:
        """Open the metrics' port; where it is not given metering goes on, and it is said once."""
        # only here: they cost memory that most gateways do without
        from edge_agent.observe.metrics import exposition
        from edge_agent.observe.scrape_server import ScrapeServer

        def text() -> bytes:
            return exposition(self._snapshot, self._machine.health)

        host, port = self._wanted.metrics_host, self._wanted.metrics_port
        try:
            server = ScrapeServer(host, port, text, self._stop_event)
        except OSError as error:
            if str(error) != self._told:
                self._told = str(error)
                _log.error("no metrics at %s:%d: %s (check [observe] metrics)", host, port, error)
            return False
        server.start()
        _log.info("metrics at http://%s:%d/metrics", host, server.port)
        return True

    def _snapshot(self) -> Snapshot:
        return snapshot(self._sources, mono_ms() - self._started_ms, with_values=False)
