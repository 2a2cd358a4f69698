"""What the parts of a profile must be to each other: no overlap, no loose end, no torn total."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from protocols.registers.composite import Composite, reference_faults
from protocols.registers.point import BIT_FUNCTIONS, MAX_SCAN_WORDS, Point
from protocols.registers.profile import MAX_READ_REGISTERS, Limits
from protocols.registers.profile_fields import shown

MAX_GAP: Final = 32


def name_faults(points: Sequence[Point], composites: Sequence[Composite]) -> list[str]:
    """Names are unique: a value is found by nothing else."""
    seen: set[str] = set()
    faults = []
    named = [(f"points[{i}]", one.name) for i, one in enumerate(points)]
    named += [(f"composites[{i}]", one.name) for i, one in enumerate(composites)]
    for where, name in named:
        if name in seen:
            faults.append(f"{where}: {name} appears twice")
        seen.add(name)
    return faults


def overlap_faults(points: Sequence[Point]) -> list[str]:
    """No register belongs to two points, unless they are different bit fields of one value."""
    faults = []
    order = sorted(range(len(points)), key=lambda i: (*_space(points[i]), points[i].address))
    reach: Point | None = None  # the point of this space that ends last so far
    for index in order:
        point = points[index]
        if reach is None or _space(reach) != _space(point):
            reach = point
            continue
        if point.address < reach.end and not _share_a_register(points, index, order):
            faults.append(
                f"points[{index}]: {reach.name} and {point.name} overlap at {point.address}"
            )
        if point.end > reach.end:
            reach = point
    return faults


def _share_a_register(points: Sequence[Point], index: int, order: Sequence[int]) -> bool:
    """Whether all points before this one that overlap it are other bit fields of the same value."""
    point = points[index]
    before = [points[i] for i in order[: order.index(index)]]
    overlapping = [p for p in before if _space(p) == _space(point) and p.end > point.address]
    return all(
        bool(p.bits and point.bits)
        and (p.address, p.type, p.order) == (point.address, point.type, point.order)
        and (p.bits[1] < point.bits[0] or point.bits[1] < p.bits[0])
        for p in overlapping
    )


def _space(point: Point) -> tuple[int, int]:
    return point.bank, point.function


def need_faults(points: Sequence[Point], composites: Sequence[Composite]) -> list[str]:
    """What is scaled or summed by another point finds it."""
    by_name = {point.name: point for point in points}
    faults = [
        f"points[{index}].{fault}"
        for index, point in enumerate(points)
        for fault in reference_faults(point.name, point.needs, by_name)
    ]
    faults += [
        f"composites[{index}].parts: {fault}"
        for index, one in enumerate(composites)
        for fault in reference_faults(one.name, one.needs, by_name)
    ]
    for index, one in enumerate(composites):
        scaled = [name for name in one.part_points if name in by_name and by_name[name].factor]
        faults += [f"composites[{index}].parts: {name} has a factor of its own" for name in scaled]
    return faults


def merged_groups(groups: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Groups that share a point become one: it cannot be read by two requests."""
    merged: list[list[str]] = []
    for group in groups:
        joined = list(dict.fromkeys(group))
        for other in [one for one in merged if set(one) & set(joined)]:
            merged.remove(other)
            joined = list(dict.fromkeys([*other, *joined]))
        merged.append(joined)
    return tuple(tuple(group) for group in merged if len(group) > 1)


def atomic_faults(
    groups: Sequence[Sequence[str]],
    points: Sequence[Point],
    max_registers: int,
    max_gap: int,
    limits: Limits,
) -> list[str]:
    """Each group can be read by one request within the device's limits."""
    by_name = {point.name: point for point in points}
    faults = []
    for group in groups:
        members = sorted((by_name[name] for name in group), key=lambda point: point.address)
        first, last = members[0], max(members, key=lambda point: point.end)
        what = f"atomic: {', '.join(group)}"
        if len({(*_space(point), point.register_bytes) for point in members}) > 1:
            faults.append(f"{what}: are not of one function, bank and width")
            continue
        count = last.end - first.address
        if count > max_registers or count * first.register_bytes > limits.max_data_bytes:
            faults.append(f"{what}: {count} registers are more than one request may read")
        if limits.single_values:
            faults.append(f"{what}: the device gives single_values only")
        if _widest_hole(first, last, points) > max_gap:
            faults.append(f"{what}: registers between them are no points, and max_gap is {max_gap}")
    return faults


def _widest_hole(first: Point, last: Point, points: Sequence[Point]) -> int:
    """The most registers in a row, between two points, that no point describes."""
    inside = [
        point
        for point in points
        if _space(point) == _space(first) and first.address <= point.address < last.end
    ]
    inside.sort(key=lambda point: point.address)
    ends: list[int] = []
    for point in inside:
        ends.append(max(point.end, ends[-1] if ends else 0))
    starts = [point.address for point in inside[1:]]
    return max((start - end for start, end in zip(starts, ends, strict=False)), default=0)


def limit_faults(
    points: Sequence[Point], max_registers: int, max_gap: int, limits: Limits
) -> list[str]:
    """Every value fits into a request that the device answers."""
    faults = []
    words = [point for point in points if point.function not in BIT_FUNCTIONS]
    widest = max((point.registers for point in words), default=1)
    if not widest <= max_registers <= MAX_READ_REGISTERS:
        faults.append(f"max_registers: {max_registers} must be {widest}..{MAX_READ_REGISTERS}")
    most = max((2 * point.words for point in words), default=2)
    if not most <= limits.max_data_bytes <= 2 * MAX_READ_REGISTERS:
        faults.append(f"max_data_bytes: must be {most}..{2 * MAX_READ_REGISTERS}")
    if not 0 <= max_gap <= MAX_GAP:
        faults.append(f"max_gap: must be 0..{MAX_GAP}")
    if max_gap and limits.whole_values:
        faults.append("max_gap: must be 0 where whole_values forbids to read over holes")
    faults += [
        f"points[{index}].address: {point.name} ends beyond last_register {limits.last_register}"
        for index, point in enumerate(points)
        if point.end - 1 > limits.last_register
    ]
    if not all(1 <= code <= 0x7F for code in limits.hole_codes):
        faults.append("hole_codes: must be exception codes, 1..127")
    return faults


def default_faults(
    names: Sequence[object], points: Sequence[Point], composites: Sequence[Composite]
) -> list[str]:
    """What is polled by default is there, once, and fits a scan."""
    known = {point.name for point in points} | {one.name for one in composites}
    strange = [name for name in names if not isinstance(name, str) or name not in known]
    faults = [f"default_points: {shown(name)} is no point" for name in strange]
    texts = [name for name in names if isinstance(name, str)]
    if not texts or len(set(texts)) != len(texts):
        faults.append("default_points: must name at least one point, and none twice")
    wide = {point.name for point in points if point.words > MAX_SCAN_WORDS}
    faults += [f"default_points: {name} is longer than 64 bits" for name in texts if name in wide]
    return faults


def range_faults(ranges: Sequence[tuple[int, int, int]], dialect: str) -> list[str]:
    """Ranges of wide registers do not overlap, and belong to the dialect that has them."""
    faults = []
    if bool(ranges) != (dialect == "enron"):
        faults.append('ranges: needed by dialect = "enron", and by no other')
    for index, (first, last, width) in enumerate(ranges):
        if not 0 <= first <= last <= 0xFFFF or width not in (2, 4):
            faults.append(f"ranges[{index}]: needs 0 <= first <= last, register_bytes 2 or 4")
    if any(a[1] >= b[0] for a, b in pairwise(sorted(ranges))):
        faults.append("ranges: overlap")
    return faults
