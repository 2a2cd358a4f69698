"""What the running agent shows to the keeper of its configuration."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge_agent.remote.custody import Custody, Shown

if TYPE_CHECKING:
    from edge_agent.bus.bus import BusThread
    from edge_agent.bus.poller import Now
    from edge_agent.config_store.start import Started
    from edge_agent.recorder.recorder import Recorder
    from edge_agent.uplink.uplink import Uplink


def custody_of(
    started: Started,
    parts: tuple[Sequence[BusThread], Uplink, Recorder],
    clock: Now,
    hang_up: threading.Event,
) -> Custody:
    """The thread; not started."""
    buses, uplink, recorder = parts

    def answers() -> dict[str, int]:
        return {
            name: counts.good for bus in buses for name, counts in bus.counters.by_device.items()
        }

    shown = Shown(
        answers,
        lambda: uplink.reaches_central,
        lambda: uplink.is_closed,
        recorder.note,
        clock,
    )
    return Custody(started, shown, hang_up)
