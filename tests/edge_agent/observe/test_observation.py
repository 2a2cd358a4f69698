"""The main thread's part: health, and counts of log lines that nothing else would bring out."""

import logging
from pathlib import Path

from edge_agent.observe.journald import Folded
from edge_agent.observe.observation import COUNTS_MS, Observation
from edge_agent.recording.device_recording import News
from tests.edge_agent.gateway import SetClock, config_of


class Due(Folded):
    """Counts how often it was asked."""

    asked = 0

    def tell_due(self) -> None:
        self.asked += 1


def test_a_tick_tells_health_and_lets_counts_out(tmp_path: Path) -> None:
    """Health at the first tick, counts once a minute."""
    told: list[News] = []
    observation = Observation(config_of(tmp_path), lambda news: not told.append(news), SetClock())
    handler = Due(logging.NullHandler())
    logging.getLogger().addHandler(handler)
    try:
        for now_ms in range(COUNTS_MS, 4 * COUNTS_MS, 500):
            observation.tick(now_ms)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    assert len(told) == 1
    assert handler.asked == 3
