"""The chain of a run's interval records: each opens where the one before it closed. Pure.

Together with TotalRecord's own law (main + error + quarantined - reverse = moved) it makes the
first law hold from a segment's first index to its last. Where records are lost, or where an epoch
begins otherwise than the one before ended, what the index moved meanwhile is told, and not booked.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from protocols.metering.interval import IntervalRecord, TotalRecord


class Closing(NamedTuple):
    """Where the previous record of the run ended; its telemetry is numbered by `scans_epoch`."""

    epoch: int
    seq: int
    scans_epoch: int
    telemetry_first: int
    telemetry_end: int
    part: int
    parts: int


class Joint(NamedTuple):
    """What stands in the log between a record and the run's one before it.

    `epoch` is the record's; `is_seam`: an epoch began; `is_lossy`: billing leaves are lost;
    `is_configured`: a configuration of the run; `same_meter` is False also where nobody knows.
    """

    epoch: int
    is_seam: bool = False
    is_lossy: bool = False
    is_configured: bool = False
    same_meter: bool = True


class Break(NamedTuple):
    """Where the chain is broken: `point` is "" for the telemetry range."""

    point: str
    detail: str


class Stood(NamedTuple):
    """Where a total last stood, and the epoch since which its openings were the closings before."""

    segment: int
    index_counts: int
    since_epoch: int


class Opening(NamedTuple):
    """How one total of a record opens. `fault` is None where it goes on as it must.

    `unbooked_counts` moved in lost records within the segment; `unseen_counts` before it began.
    """

    since_epoch: int
    unbooked_counts: int = 0
    unseen_counts: int = 0
    fault: str | None = None
    is_broken: bool = False


def range_break(
    before: Closing | None, record: IntervalRecord, scans_epoch: int, joint: Joint
) -> Break | None:
    """Whether the telemetry ranges tile, with all parts of a split gap in order."""
    if joint.is_lossy:  # what is lost may have been the parts or the ranges between
        return None
    if before is None:
        if record.part == 0:
            return None
        return Break("", f"opens with part {record.part} of {record.parts}")
    first, end = record.telemetry_first, record.telemetry_end
    same_numbers = before.scans_epoch == scans_epoch
    if before.part + 1 < before.parts:
        expected = (before.telemetry_first, before.telemetry_end, before.part + 1, before.parts)
        found = (first, end, record.part, record.parts)
        if found != expected or not same_numbers:
            return Break("", f"(first, end, part, parts) is {found}, must be {expected}")
    elif record.part != 0 or (same_numbers and first < before.telemetry_end):
        return Break("", f"part {record.part} from scan {first}, after {before.telemetry_end}")
    elif same_numbers and first > before.telemetry_end and not joint.is_configured:
        # A configuration begins with the scans that follow it; no other record may skip any.
        return Break("", f"scans {before.telemetry_end} to {first} belong to no interval")
    return None


def openings(
    last: Mapping[str, Stood],
    totals: tuple[TotalRecord, ...],
    joint: Joint,
    modulus_of: Callable[[str], int | None],
) -> list[Opening]:
    """How each of a record's totals opens; `last` holds where they stood, by point.

    A new segment starts where it starts; an old one must go on where it stood. Of a total's several
    segments in one record only the first can have anything between it and the record before.
    """
    found = []
    now = dict(last)
    joints = dict.fromkeys(last, joint)
    for total in totals:
        before, between = now.get(total.point), joints.get(total.point, Joint(joint.epoch))
        opening = Opening(joint.epoch)
        if before is not None:
            opening = _opening(before, total, between, modulus_of(total.point))
        found.append(opening)
        now[total.point] = Stood(total.segment, total.end, opening.since_epoch)
        joints[total.point] = Joint(joint.epoch)
    return found


def _opening(before: Stood, total: TotalRecord, joint: Joint, modulus: int | None) -> Opening:
    goes_on = total.segment == before.segment
    if goes_on and total.start == before.index_counts:
        return Opening(before.since_epoch)
    moved = f"closed at {before.index_counts} (segment {before.segment}), opens at {total.start}"
    moved += "" if goes_on else f" (segment {total.segment})"
    counts = None
    if joint.same_meter and modulus:
        counts = between_counts(before.index_counts, total.start, modulus)
    if joint.is_seam:
        since = before.since_epoch if total.segment > before.segment else joint.epoch
        fault = f"where epoch {joint.epoch} begins: {moved}; {_told(counts, 'recorded')}"
        return Opening(since, 0, counts or 0, fault)
    if total.segment > before.segment:
        if not joint.is_lossy:
            return Opening(before.since_epoch)
        return Opening(before.since_epoch, fault=f"new segment after lost records: {moved}")
    if goes_on and joint.is_lossy:
        fault = f"in records that are lost: {moved}; {_told(counts, 'booked')}"
        return Opening(before.since_epoch, counts or 0, fault=fault, is_broken=counts is None)
    return Opening(before.since_epoch, fault=moved, is_broken=True)


def between_counts(closed: int, opened: int, modulus: int) -> int:
    """How far the index moved, the short way round; negative where it stands before the closing."""
    counts = (opened - closed) % modulus
    return counts - modulus if counts > modulus // 2 else counts


def _told(counts: int | None, verb: str) -> str:
    if counts is None:
        return "another meter, or no configuration: what passed is not known"
    if counts < 0:
        return f"{-counts} counts are {verb} twice"
    return f"{counts} counts are not {verb}"


def law_fault(total: TotalRecord, moved_counts: int) -> str | None:
    """What contradicts main + error + quarantined - reverse = moved within one record."""
    if total.booked == moved_counts:
        return None
    return f"moved {moved_counts} counts, booked {total.booked} (segment {total.segment})"
