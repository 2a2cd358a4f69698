"""The chain of a run's interval records: each opens where the one before it closed. Pure.

Together with TotalRecord's own law (main + error + quarantined - reverse = moved) it makes the
first law hold from a segment's first index to its last.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from protocols.metering.interval import IntervalRecord, TotalRecord


class Closing(NamedTuple):
    """Where the previous record of the run ended; `seq` is its leaf's."""

    seq: int
    telemetry_first: int
    telemetry_end: int
    part: int
    parts: int


class Break(NamedTuple):
    """Where the chain is broken: `point` is "" for the telemetry range."""

    point: str
    detail: str


def range_break(
    before: Closing | None, record: IntervalRecord, *, configured: bool
) -> Break | None:
    """Whether the telemetry ranges tile, with all parts of a split gap in order.

    `configured`: a configuration of the run came between the two records.
    """
    if before is None:
        if record.part == 0:
            return None
        return Break("", f"opens with part {record.part} of {record.parts}")
    first, end = record.telemetry_first, record.telemetry_end
    if before.part + 1 < before.parts:
        expected = (before.telemetry_first, before.telemetry_end, before.part + 1, before.parts)
        found = (first, end, record.part, record.parts)
        if found != expected:
            return Break("", f"(first, end, part, parts) is {found}, must be {expected}")
    elif record.part != 0 or first < before.telemetry_end:
        return Break("", f"part {record.part} from scan {first}, after {before.telemetry_end}")
    elif first > before.telemetry_end and not configured:
        # A configuration begins with the scans that follow it; no other record may skip any.
        return Break("", f"scans {before.telemetry_end} to {first} belong to no interval")
    return None


def total_breaks(
    last: Mapping[str, tuple[int, int]], totals: tuple[TotalRecord, ...]
) -> Iterator[tuple[int, Break]]:
    """Broken openings, by position in `totals`; `last` holds (segment, index) by point.

    A new segment starts where it starts; an old one must go on where it stood.
    """
    now = dict(last)
    for position, total in enumerate(totals):
        before = now.get(total.point)
        if before is not None:
            segment, index = before
            if total.segment < segment:
                detail = f"segment {total.segment} after {segment}"
                yield position, Break(total.point, detail)
            elif total.segment == segment and total.start != index:
                detail = f"opens at {total.start}, closed at {index} (segment {segment})"
                yield position, Break(total.point, detail)
        now[total.point] = (total.segment, total.end)


def law_fault(total: TotalRecord, moved_counts: int) -> str | None:
    """What contradicts main + error + quarantined - reverse = moved within one record."""
    if total.booked == moved_counts:
        return None
    return f"moved {moved_counts} counts, booked {total.booked} (segment {total.segment})"
