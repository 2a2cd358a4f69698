"""What one interval hands to the next: all that the next scan needs to be understood.

A record carries its opening Carry, so that it can be recomputed from its scans alone; the Carry
after one record equals the opening Carry of the next.
"""

from __future__ import annotations

from typing import NamedTuple

from protocols.metering.body import Body, Fields
from protocols.metering.instant import Instant, parse_instant

MAX_TOTALS = 16  # totals of one meter
E9 = 1_000_000_000


class Position(NamedTuple):
    """Where a total stood at the last accepted meter scan: its segment and its index in counts."""

    point: str
    segment: int
    index_counts: int

    def to_body(self) -> Body:
        return (self.point, self.segment, self.index_counts)


class Reading(NamedTuple):
    """Latest good value of a transmitter, absolute, in 0.1 Pa or mK, and when it came."""

    value: int
    boot_no: int
    mono_ms: int

    def to_body(self) -> Body:
        return (self.value, self.boot_no, self.mono_ms)


class Carry(NamedTuple):
    """State between two intervals.

    `next_seq`: telemetry seq after the last scan that is in; `reference`: instant of the last
    accepted meter scan, None before the first; `segment`: number that a total's first segment gets;
    remainders of the base volumes in 1e-9 cm3.
    """

    next_seq: int
    segment: int
    reference: Instant | None = None
    positions: tuple[Position, ...] = ()
    main_remainder: int = 0
    error_remainder: int = 0
    pressure: Reading | None = None
    temperature: Reading | None = None

    def to_body(self) -> Body:
        return (
            self.next_seq,
            self.segment,
            self.reference.to_body() if self.reference else None,
            tuple(position.to_body() for position in self.positions),
            self.main_remainder,
            self.error_remainder,
            self.pressure.to_body() if self.pressure else None,
            self.temperature.to_body() if self.temperature else None,
        )


def parse_carry(body: object) -> Carry:
    """The strict inverse of `Carry.to_body`; raises BodyError."""
    fields = Fields("carry", body, 8)
    next_seq, segment = fields.integer("next_seq"), fields.integer("segment")
    reference = fields.item()
    return Carry(
        next_seq,
        segment,
        None if reference is None else parse_instant(reference),
        tuple(_position(item) for item in fields.items("positions", MAX_TOTALS)),
        fields.integer("main_remainder", 0, E9 - 1),
        fields.integer("error_remainder", 0, E9 - 1),
        _reading("pressure", fields.item()),
        _reading("temperature", fields.item()),
    )


def _position(body: object) -> Position:
    fields = Fields("carry.position", body, 3)
    return Position(fields.text("point"), fields.integer("segment"), fields.integer("index_counts"))


def _reading(name: str, body: object) -> Reading | None:
    if body is None:
        return None
    fields = Fields(f"carry.{name}", body, 3)
    return Reading(fields.integer("value", 1), fields.integer("boot_no"), fields.integer("mono_ms"))
