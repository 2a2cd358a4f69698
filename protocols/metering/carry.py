"""What one interval hands to the next: all that the next scan needs to be understood.

A record carries its opening Carry, so that it can be recomputed from its scans alone; the Carry
after one record equals the opening Carry of the next.
"""

from __future__ import annotations

from typing import NamedTuple

from protocols.metering.body import INT64_MIN, Body, Fields
from protocols.metering.instant import Instant, parse_instant

MAX_TOTALS = 16  # totals of one meter
MAX_COMPONENTS = 21
E9 = 1_000_000_000


class Position(NamedTuple):
    """Where a total stood at the last accepted meter scan: its segment and its index in counts."""

    point: str
    segment: int
    index_counts: int

    def to_body(self) -> Body:
        return (self.point, self.segment, self.index_counts)


class Moment(NamedTuple):
    """A monotonic time of one boot."""

    boot_no: int
    mono_ms: int

    def to_body(self) -> Body:
        return (self.boot_no, self.mono_ms)


class Reading(NamedTuple):
    """Latest value of a transmitter as it shows it (gauge or absolute), in 0.1 Pa or mK.

    `since_ms`: monotonic time at which the transmitter began to show just this value.
    """

    value: int
    boot_no: int
    mono_ms: int
    since_ms: int

    def to_body(self) -> Body:
        return tuple(self)


class Analysis(NamedTuple):
    """Latest good analysis of a chromatograph: 21 mole fractions in 1e-9, and when it was read.

    `hs_j_m3`: superior heating value at the run's base conditions, 0 where it asks for none.
    """

    composition: tuple[int, ...]
    hs_j_m3: int
    boot_no: int
    mono_ms: int

    def to_body(self) -> Body:
        return tuple(self)


class Counters(NamedTuple):
    """The run's own counters in cm3 (EN 12405-1): they go on over every meter that it ever had.

    The unhaltable counters count whatever passes, in alarm or not: main and error together.
    """

    line_main: int = 0
    line_error: int = 0
    line_reverse: int = 0
    base_main: int = 0
    base_error: int = 0

    @property
    def line_unhaltable(self) -> int:
        return self.line_main + self.line_error

    @property
    def base_unhaltable(self) -> int:
        return self.base_main + self.base_error


class Carry(NamedTuple):
    """State between two intervals.

    `next_seq`: telemetry seq after the last scan that is in; `reference`: instant of the last
    accepted meter scan, None before the first; `segment`: number that a total's first segment gets;
    remainders of the base volumes in 1e-9 cm3; `flowed`: when the line index last went forward.
    """

    next_seq: int
    segment: int
    reference: Instant | None = None
    positions: tuple[Position, ...] = ()
    main_remainder: int = 0
    error_remainder: int = 0
    counters: Counters = Counters()
    flowed: Moment | None = None
    pressure: Reading | None = None
    temperature: Reading | None = None
    atmosphere: Reading | None = None
    gas: Analysis | None = None

    def to_body(self) -> Body:
        return (
            self.next_seq,
            self.segment,
            self.reference.to_body() if self.reference else None,
            tuple(position.to_body() for position in self.positions),
            self.main_remainder,
            self.error_remainder,
            tuple(self.counters),
            *(
                None if part is None else part.to_body()
                for part in (
                    self.flowed, self.pressure, self.temperature, self.atmosphere, self.gas,
                )
            ),
        )  # fmt: skip


def parse_carry(body: object) -> Carry:
    """The strict inverse of `Carry.to_body`; raises BodyError."""
    fields = Fields("carry", body, 12)
    next_seq, segment = fields.integer("next_seq"), fields.integer("segment")
    reference = fields.item()
    return Carry(
        next_seq,
        segment,
        None if reference is None else parse_instant(reference),
        tuple(_position(item) for item in fields.items("positions", MAX_TOTALS)),
        fields.integer("main_remainder", 0, E9 - 1),
        fields.integer("error_remainder", 0, E9 - 1),
        _counters(fields.item()),
        _moment(fields.item()),
        _reading("pressure", fields.item()),
        _reading("temperature", fields.item()),
        _reading("atmosphere", fields.item()),
        _analysis(fields.item()),
    )


def _position(body: object) -> Position:
    fields = Fields("carry.position", body, 3)
    return Position(fields.text("point"), fields.integer("segment"), fields.integer("index_counts"))


def _counters(body: object) -> Counters:
    fields = Fields("carry.counters", body, 5)
    return Counters(*(fields.integer(name) for name in Counters._fields))


def _moment(body: object) -> Moment | None:
    if body is None:
        return None
    fields = Fields("carry.flowed", body, 2)
    return Moment(fields.integer("boot_no"), fields.integer("mono_ms"))


def _reading(name: str, body: object) -> Reading | None:
    if body is None:
        return None
    fields = Fields(f"carry.{name}", body, 4)
    integer = fields.integer
    return Reading(
        integer("value", INT64_MIN), integer("boot_no"), integer("mono_ms"), integer("since_ms")
    )


def _analysis(body: object) -> Analysis | None:
    if body is None:
        return None
    fields = Fields("carry.gas", body, 4)
    items = fields.items("composition", MAX_COMPONENTS)
    shares = Fields("carry.gas.composition", items, MAX_COMPONENTS)
    composition = tuple(shares.integer(f"[{at}]", 0, E9) for at in range(MAX_COMPONENTS))
    if sum(composition) != E9:
        raise fields.fault("composition", f"its parts make {sum(composition)}, not 10^9")
    integer = fields.integer
    return Analysis(composition, integer("hs_j_m3"), integer("boot_no"), integer("mono_ms"))
