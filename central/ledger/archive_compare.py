"""Whether what a device's archive says of a gap agrees with the index's own difference. Pure.

The gap is booked by the index, whatever comes out here. Two kinds of figures compare with it:

| figure | how |
|---|---|
| an index (a total under the name of the run's line total) | lies between the gap's two, in turn |
| a volume of each record's period, in a unit of volume | their sum is the difference |

Where the gap begins and ends between two records, the sum is less than the difference, by no more
than the meter can pass in the rest.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from protocols.metering.index import flow_bound
from protocols.metering.run_config import RunConfig
from protocols.registers.codec import Value
from protocols.registers.register_map import RegisterMap

CM3: Final[Mapping[str, int]] = {
    "m3": 10**6, "m³": 10**6, "dm3": 10**3, "l": 10**3, "L": 10**3, "cm3": 1,
}  # fmt: skip
EDGE_MS: Final = 2_000
"""A device's clock is read to the second."""
F32_PARTS: Final = Fraction(1, 1 << 23)


class Verdict(StrEnum):
    """What the comparison says."""

    ADDS_UP = "adds_up"
    WITHIN = "within"
    DIFFERS = "differs"
    NOT_COMPARED = "not_compared"


class Comparison(NamedTuple):
    """`archive_cm3`: what the archive's own figures make, where they are volumes."""

    verdict: Verdict
    gap_cm3: int | None
    archive_cm3: int | None


class GapEnds(NamedTuple):
    """A gap's instants, and the line index before and after."""

    start_utc_ms: int
    end_utc_ms: int
    index_start: int
    index_end: int


class Decoded(NamedTuple):
    """One record: its time, what it covers, its values."""

    utc_ms: int | None
    device_s: int
    period_s: int
    values: Mapping[str, Value]
    map: RegisterMap


def compare(config: RunConfig, gap: GapEnds, records: Sequence[Decoded]) -> Comparison:
    """Of one archive's records in one gap, in any order."""
    line = config.line
    counts = (gap.index_end - gap.index_start) % line.modulus
    gap_cm3 = counts * config.count_cm3
    nothing = Comparison(Verdict.NOT_COMPARED, gap_cm3, None)
    ordered = sorted(records, key=lambda record: record.device_s)
    if not ordered or any(line.point not in record.values for record in ordered):
        return nothing
    if _is_index(ordered[0].map, line.point):
        verdict = _indexes(config, gap, ordered)
        return nothing if verdict is None else Comparison(verdict, gap_cm3, None)
    return _volumes(config, gap, ordered, gap_cm3) or nothing


def _is_index(map_: RegisterMap, name: str) -> bool:
    if any(composite.name == name for composite in map_.composites):
        return True
    return any(point.name == name and point.kind == "counter" for point in map_.points)


def _indexes(config: RunConfig, gap: GapEnds, records: Sequence[Decoded]) -> Verdict | None:
    """They go from the gap's first index to its last without a turn back.

    A record at an edge of the gap, to the clock's second, may be of the moment beside it; where no
    clock tells, that is the first and the last. Its index is then beside the gap's by no more than
    the meter can pass in that time.
    """
    name, modulus = config.line.point, config.line.modulus
    whole = (gap.index_end - gap.index_start) % modulus
    passed = []
    for place, record in enumerate(records):
        number = record.values[name].number
        if type(number) is not int:
            return None
        counts = (number - gap.index_start) % modulus
        if counts <= whole:
            passed.append(counts)
            continue
        is_outermost = place in (0, len(records) - 1)
        beside = min(modulus - counts, counts - whole)
        if beside > _beside(config, record) or not _is_at_an_edge(record, gap, is_outermost):
            return Verdict.DIFFERS
    if not passed:
        return None
    return Verdict.ADDS_UP if passed == sorted(passed) else Verdict.DIFFERS


def _beside(config: RunConfig, record: Decoded) -> int:
    """Counts by which a record at an edge may be out; without a clock it may be a period away."""
    away_ms = EDGE_MS if record.utc_ms is not None else EDGE_MS + 1000 * record.period_s
    return flow_bound(config.qmax_l_h, away_ms, config.count_cm3)


def _is_at_an_edge(record: Decoded, gap: GapEnds, is_outermost: bool) -> bool:
    if record.utc_ms is None:
        return is_outermost
    edges = (gap.start_utc_ms, gap.end_utc_ms)
    return min(abs(record.utc_ms - edge) for edge in edges) <= EDGE_MS


def _volumes(
    config: RunConfig, gap: GapEnds, records: Sequence[Decoded], gap_cm3: int
) -> Comparison | None:
    """The sum of the records that lie in the gap whole; None where units or times are not known."""
    period_ms = 1000 * (records[0].period_s or _spacing_s(records))
    inside, tolerance_cm3 = Fraction(0), Fraction(config.count_cm3)
    covered_ms = 0
    for record in records:
        value = record.values[config.line.point]
        scale = CM3.get(value.unit)
        if scale is None or value.number is None or record.utc_ms is None or not period_ms:
            return None
        if record.utc_ms - period_ms < gap.start_utc_ms - EDGE_MS:
            continue
        volume = Fraction(value.number) * scale
        inside += volume
        tolerance_cm3 += config.count_cm3 + abs(volume) * F32_PARTS
        covered_ms += period_ms
    if not covered_ms:
        return None
    rest_ms = gap.end_utc_ms - gap.start_utc_ms - covered_ms
    rest_cm3 = gap_cm3 - inside
    edges_cm3 = Fraction(config.qmax_l_h * max(0, rest_ms), 3_600)  # l/h x ms / 3600 = cm3
    if abs(rest_cm3) <= tolerance_cm3 and rest_ms <= 2 * EDGE_MS:
        verdict = Verdict.ADDS_UP
    elif -tolerance_cm3 <= rest_cm3 <= edges_cm3 + tolerance_cm3:
        verdict = Verdict.WITHIN
    else:
        verdict = Verdict.DIFFERS
    return Comparison(verdict, gap_cm3, round(inside))


def _spacing_s(records: Sequence[Decoded]) -> int:
    """The period where it is a setting: the least step from record to record."""
    times = [record.device_s for record in records]
    return min((b - a for a, b in pairwise(times) if b > a), default=0)
