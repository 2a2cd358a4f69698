"""One poll's outcome, and what a poller needs of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from edge_agent.config.model import DeviceConfig
from protocols.metering.instant import Instant
from protocols.modbus.plan import Block
from protocols.registers.register_map import RegisterMap


class Now(Protocol):
    """The part of the clock that polling needs."""

    def now(self) -> Instant: ...


class PolledScan(NamedTuple):
    """One poll of one device: raw integers in the map's order; all None where the poll failed.

    A single None in a GOOD scan is a point that the device refuses. `notice`: what the bus has to
    say once, for the log of events.
    """

    device: DeviceConfig
    instant: Instant
    quality: int
    register_map: RegisterMap
    raws: tuple[int | None, ...]
    notice: str = ""


class Line(NamedTuple):
    """What the poller must know of the bus: whether an answer names its request, its wire time."""

    transactions: bool
    wire_ms: Callable[[Block], float] = lambda _: 0.0


class Keeping(NamedTuple):
    """What outlives a restart: the points refused before, and who is told of a change."""

    refused: Sequence[str] = ()
    remember: Callable[[Sequence[str]], None] = lambda _: None
