"""What a running agent answers of its buses: one table for the agent's composition root."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_agent.bus.bus import BusThread
from edge_agent.bus.poller import Now
from edge_agent.bus_tools.evidence import stats_routes
from edge_agent.bus_tools.lending import Note, lending_routes
from edge_agent.bus_tools.raw_route import raw_routes
from edge_agent.control.protocol import Route
from edge_agent.recording.device_recording import News


def bus_routes(
    buses: Sequence[BusThread], note: Note, tell: Callable[[News], bool], clock: Now
) -> dict[str, Route]:
    """Take and release, raw reads, counters."""
    routes = lending_routes(buses, note, tell, clock)
    return routes | raw_routes(buses, clock) | stats_routes(buses, clock)
