"""An interval record as far as an hour or a gas day needs it, and when it begins.

The agent has interval records, central has rows of its ledger: both are made slices, so that both
sum by the same rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from protocols.metering.carry import Counters
from protocols.metering.interval import IntervalRecord, TotalRecord
from protocols.metering.quality import Flag

ESTIMATED: Final = int(Flag.ESTIMATED | Flag.GAP)
SUBSTITUTED: Final = int(
    Flag.SUBSTITUTE_PRESSURE
    | Flag.SUBSTITUTE_TEMPERATURE
    | Flag.SUBSTITUTE_ATMOSPHERE
    | Flag.SUBSTITUTE_GAS
    | Flag.Z_OUT_OF_RANGE
)


class Slice(NamedTuple):
    """Fields of an IntervalRecord, with the time that it covers in UTC ms.

    `opening`: the run's own counters before it, None where unknown.
    """

    begin_ms: int
    end_ms: int
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
    config_hash: bytes
    opening: Counters | None = None
    totals: tuple[TotalRecord, ...] = ()

    @property
    def closing(self) -> Counters | None:
        """The run's own counters after it."""
        return None if self.opening is None else _counted(self.opening, self)


SAME_FIELDS: Final = Slice._fields[
    Slice._fields.index("line_main_cm3") : Slice._fields.index("opening")
]
"""The fields that are the interval record's own, in their order."""


def begin_of(start_utc_ms: int | None, end_utc_ms: int | None, elapsed_ms: int) -> int | None:
    """When an interval begins, by which it belongs to a period; None where no clock tells."""
    if start_utc_ms is not None:
        return start_utc_ms
    return None if end_utc_ms is None else end_utc_ms - elapsed_ms


def covered_to(begin_ms: int, end_utc_ms: int | None, elapsed_ms: int) -> int:
    """The end of the time that an interval covers: a clock that was set back uncovers nothing."""
    return max(begin_ms + elapsed_ms, end_utc_ms or 0)


def slices_of(records: Iterable[IntervalRecord]) -> Iterator[Slice]:
    """The run's records in the order of its log.

    All parts of a gap carry the counters before the first of them, so they are counted on from
    part to part. Records that no clock tells the time of belong to no period, and are left out.
    """
    counted: Counters | None = None
    before: IntervalRecord | None = None
    for record in records:
        if record.part == 0:
            counted = record.carry.counters
        elif before is None or (before.carry, before.part) != (record.carry, record.part - 1):
            counted = None
        begin_ms = begin_of(record.start.utc_ms, record.end.utc_ms, record.elapsed_ms)
        if begin_ms is not None:
            end_ms = covered_to(begin_ms, record.end.utc_ms, record.elapsed_ms)
            own = (getattr(record, name) for name in SAME_FIELDS)
            yield Slice._make((begin_ms, end_ms, *own, counted, record.totals))
        counted = None if counted is None else _counted(counted, record)
        before = record


def _counted(counters: Counters, one: IntervalRecord | Slice) -> Counters:
    return Counters(*(was + getattr(one, f"{n}_cm3") for n, was in counters._asdict().items()))
