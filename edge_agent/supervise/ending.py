"""The order and the time of the agent's end: within STOP_S and the drain, and nothing lost.

Buses, then the last intervals, then the uplink with what is left of the time; the next start sends
the rest. Only the last commit is waited for longer, where the disk is slow: systemd's
TimeoutStopSec leaves room for that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from edge_agent.bus.bus import BusThread
    from edge_agent.uplink.uplink import Uplink

STOP_S: Final = 3.0  # beside the drain: the whole end, where the disk is no slower
BUS_END_S: Final = 1.0  # all of them: most requests have their answer by then
PORT_END_S: Final = 0.5
FINISH_S: Final = 15.0  # a commit of a slow card under load takes seconds
RECORDER_END_S: Final = 1.0
CONTROL_END_S: Final = 0.5
_log = logging.getLogger(__name__)


class Finishing(Protocol):
    """The recorder's end."""

    def is_alive(self) -> bool: ...

    def finish(self, timeout_s: float) -> bool:
        """Close the runs; True when that is durable."""

    def end(self) -> None: ...

    def join(self, timeout: float | None = None) -> None: ...

    @property
    def has_stopped(self) -> bool:
        """What `finish` asked for is durable."""


class Parts(NamedTuple):
    """What ends, in this order; `stop` is what buses and sockets wait for."""

    stop: threading.Event
    buses: Sequence[BusThread]
    recorder: Finishing
    uplink: Uplink
    control: Sequence[threading.Thread]


def end_in_order(parts: Parts, drain_s: float) -> bool:
    """True where all was stored. At most STOP_S + `drain_s`, but for a slow disk's last commit."""
    until_s = time.monotonic() + STOP_S + drain_s
    _end_buses(parts)
    recorder, uplink = parts.recorder, parts.uplink
    if recorder.is_alive() and not recorder.finish(FINISH_S):
        _log.warning("the last intervals are not stored yet; the journal is slow")
    # without the recorder no receipt could be kept: start again soon rather than send
    left_s = max(0.0, until_s - time.monotonic() - RECORDER_END_S)
    drained = uplink.drain(min(drain_s, left_s) if recorder.is_alive() else 0.0)
    recorder.end()
    recorder.join(RECORDER_END_S)
    join_all(parts.control, CONTROL_END_S)
    # only now: what the recorder stored late came behind the uplink's last look
    if not drained or uplink.exchange.pending():
        _log.warning("some leaves have no receipt yet; they are sent after the next start")
    return recorder.has_stopped


def _end_buses(parts: Parts) -> None:
    """A request that is answered still counts; one that a dead device has is not waited for."""
    parts.stop.set()
    for bus in parts.buses:
        bus.jobs.wake()
    if join_all(parts.buses, BUS_END_S):
        return
    for bus in parts.buses:
        if bus.is_alive():
            bus.close_port()
    join_all(parts.buses, PORT_END_S)


def join_all(threads: Sequence[threading.Thread], within_s: float) -> bool:
    """Wait for all of them together; False where one goes on."""
    until_s = time.monotonic() + within_s
    for thread in threads:
        thread.join(max(0.0, until_s - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
