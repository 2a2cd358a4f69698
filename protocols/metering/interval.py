"""The interval record of one meter run (API MPMS 21.1: quantity transaction record)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from protocols.metering.body import Body, BodyError, Fields
from protocols.metering.carry import Carry, parse_carry
from protocols.metering.instant import Instant, parse_instant
from protocols.metering.quality import ALL_FLAGS

ALGORITHM = 2  # version of the rules in run.py; a record says by which it was made
MAX_SEGMENTS = 64  # total records of one interval; an index that keeps resetting closes it early
MAX_PARTS = 4096  # records that one gap is split into


class TotalRecord(NamedTuple):
    """One total in one segment, in counts; `start` and `end` as the register showed them.

    First law: main + error + quarantined - reverse = end - start, unwrapped.
    """

    point: str
    segment: int
    start: int
    end: int
    main: int
    error: int
    quarantined: int
    reverse: int = 0

    def moved(self, modulus: int) -> int:
        """end - start, unwrapped: what was converted makes less than a turn (see `booking.py`)."""
        apart = self.quarantined - self.reverse
        return (self.end - self.start - apart) % modulus + apart

    @property
    def booked(self) -> int:
        """What must equal `moved`."""
        return self.main + self.error + self.quarantined - self.reverse

    def to_body(self) -> Body:
        return tuple(self)


@dataclass(frozen=True, slots=True)
class IntervalRecord:
    """One closed interval; volumes in cm3 (1e-6 m3), P in 0.1 Pa absolute, T in mK, Z and C 1e-9.

    `line_*` is our own volume: the line total's increments, and the line error total's in error;
    `line_reverse_cm3` is never taken off them. P, T, Z and C are flow-time-weighted means; with no
    flow, those of the last scan. `cf_e9` is the meter's correction, weighted by volume: Vc = Vm Cf.
    `hs_j_m3` is the superior heating value in force at base conditions, 0 where none is known. A
    gap over whole intervals gives `parts` records with one carry and one range of telemetry.
    """

    run: str
    config_hash: bytes
    algorithm: int
    carry: Carry
    telemetry_end: int
    part: int  # 0-based
    parts: int
    start: Instant
    end: Instant
    totals: tuple[TotalRecord, ...]
    line_main_cm3: int
    line_error_cm3: int
    line_reverse_cm3: int
    base_main_cm3: int
    base_error_cm3: int
    p_dpa: int
    t_mk: int
    z_e9: int
    c_e9: int
    cf_e9: int
    hs_j_m3: int
    flow_time_ms: int
    elapsed_ms: int
    polls: int
    polls_failed: int
    flags: int

    @property
    def telemetry_first(self) -> int:
        """Telemetry seq of the first scan that this record was made from."""
        return self.carry.next_seq

    def to_body(self) -> Body:
        return (
            self.run, self.config_hash, self.algorithm, self.carry.to_body(),
            self.telemetry_end, self.part, self.parts,
            self.start.to_body(), self.end.to_body(),
            tuple(total.to_body() for total in self.totals),
            self.line_main_cm3, self.line_error_cm3, self.line_reverse_cm3,
            self.base_main_cm3, self.base_error_cm3,
            self.p_dpa, self.t_mk, self.z_e9, self.c_e9, self.cf_e9, self.hs_j_m3,
            self.flow_time_ms, self.elapsed_ms, self.polls, self.polls_failed, self.flags,
        )  # fmt: skip

    @classmethod
    def from_body(cls, body: object) -> IntervalRecord:
        """The strict inverse of `to_body`; raises BodyError."""
        fields = Fields("interval", body, 26)
        record = cls(
            run=fields.text("run"),
            config_hash=fields.data("config_hash", 32),
            algorithm=fields.integer("algorithm"),
            carry=parse_carry(fields.item()),
            telemetry_end=fields.integer("telemetry_end"),
            part=fields.integer("part", 0, MAX_PARTS - 1),
            parts=fields.integer("parts", 1, MAX_PARTS),
            start=parse_instant(fields.item()),
            end=parse_instant(fields.item()),
            totals=tuple(parse_total(item) for item in fields.items("totals", 2 * MAX_SEGMENTS)),
            line_main_cm3=fields.integer("line_main_cm3"),
            line_error_cm3=fields.integer("line_error_cm3"),
            line_reverse_cm3=fields.integer("line_reverse_cm3"),
            base_main_cm3=fields.integer("base_main_cm3"),
            base_error_cm3=fields.integer("base_error_cm3"),
            p_dpa=fields.integer("p_dpa"),
            t_mk=fields.integer("t_mk"),
            z_e9=fields.integer("z_e9"),
            c_e9=fields.integer("c_e9"),
            cf_e9=fields.integer("cf_e9"),
            hs_j_m3=fields.integer("hs_j_m3"),
            flow_time_ms=fields.integer("flow_time_ms"),
            elapsed_ms=fields.integer("elapsed_ms"),
            polls=fields.integer("polls"),
            polls_failed=fields.integer("polls_failed"),
            flags=fields.integer("flags", 0, ALL_FLAGS),
        )
        record.check()
        return record

    def check(self) -> None:
        """Raise BodyError where the fields contradict each other."""
        if self.part >= self.parts:
            raise BodyError(f"interval.part: {self.part} of {self.parts}")
        if self.telemetry_end < self.telemetry_first:
            raise BodyError(
                f"interval.telemetry_end: {self.telemetry_end} before {self.telemetry_first}"
            )


def parse_total(body: object) -> TotalRecord:
    """The strict inverse of `TotalRecord.to_body`; raises BodyError."""
    fields = Fields("interval.total", body, 8)
    return TotalRecord(
        fields.text("point"),
        fields.integer("segment"),
        fields.integer("start"),
        fields.integer("end"),
        fields.integer("main"),
        fields.integer("error"),
        fields.integer("quarantined"),
        fields.integer("reverse"),
    )
