"""The poll plan: from points to the fewest requests.

Each point is read whole and by exactly one request, and what must not tear (the parts of a total)
by the same one. A request keeps every limit of the profile: registers, bytes, even counts, the last
register, the widest hole in it, values that may not be cut or read together; and it never reads
over a register that the device refused. The shortest plan is found by trying every cut of the
sorted points, not by taking each block as long as it may be: with even counts a longer block may be
allowed where a part of it is not. Of equally short plans it is the one with the fewest registers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from protocols.modbus.frames import BIT_FUNCTIONS, MAX_BITS
from protocols.registers.profile import Point, Profile

Unit = tuple[Point, ...]
"""Points that one request must read together; mostly a single one."""
_NEVER: Final = (1 << 30, 1 << 30)


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive registers (or bits) read by one request, and the points in them, by address."""

    function: int
    address: int
    count: int
    points: tuple[Point, ...]
    bank: int = 0
    register_bytes: int = 2

    @property
    def data_bytes(self) -> int:
        """The data of its answer."""
        if self.function in BIT_FUNCTIONS:
            return (self.count + 7) // 8
        return self.count * self.register_bytes

    def words_of(self, point: Point, words: Sequence[int]) -> Sequence[int]:
        """A point's words among those of the answer."""
        start = (point.address - self.address) * self.register_bytes // 2
        return words[start : start + point.words]


def plan(
    points: Iterable[Point], profile: Profile, refused: Collection[Point] = ()
) -> tuple[Block, ...]:
    """The blocks that cover `points`, by bank, function and address."""
    blocks: list[Block] = []
    groups: dict[tuple[int, int, int], list[Unit]] = {}
    for unit in units(points, profile):
        groups.setdefault(_kind(unit[0]), []).append(unit)
    for _, members in sorted(groups.items()):
        blocks.extend(_shortest(members, profile, refused))
    return tuple(blocks)


def units(points: Iterable[Point], profile: Profile) -> list[Unit]:
    """What may not be cut, by address: groups that the profile calls atomic, parts of a total."""
    wanted = {point.name: point for point in points}
    group: dict[str, set[str]] = {name: {name} for name in wanted}
    for names in (*profile.atomic, *(composite.part_points for composite in profile.composites)):
        together = set().union(*(group[name] for name in names if name in wanted))
        for name in together:
            group[name] = together
    made = {
        tuple(sorted((wanted[name] for name in names), key=_place))
        for names in map(frozenset, group.values())
    }
    return sorted(made, key=lambda unit: _place(unit[0]))


def block_of(points: Sequence[Point], profile: Profile) -> Block:
    """The one request that reads these points of one function; even where the device wants that."""
    first = min(points, key=_place)
    end = max(point.end for point in points)
    count = end - first.address
    address = first.address
    if profile.limits.even_counts and count % 2 and first.function not in BIT_FUNCTIONS:
        count += 1
        if end > profile.limits.last_register:
            address -= 1
    ordered = tuple(sorted(points, key=_place))
    return Block(first.function, address, count, ordered, first.bank, first.register_bytes)


def halves(block: Block, profile: Profile) -> tuple[Block, Block] | None:
    """Two requests for the points of one; None where they may not be read apart."""
    members = units(block.points, profile)
    if len(members) == 1:
        return None
    middle = len(members) // 2
    first = [point for unit in members[:middle] for point in unit]
    second = [point for unit in members[middle:] for point in unit]
    return block_of(first, profile), block_of(second, profile)


def wider(block: Block, profile: Profile, refused: Collection[Point] = ()) -> Block | None:
    """The same points by a request for one point's registers more; None where the map has no such.

    The least of them all, and its answer has another length. What it reads beside is a known point.
    """
    if not block.points:
        return None
    kind = _kind(block.points[0])
    bad = [point for point in refused if _kind(point) == kind]
    candidates = [
        block_of([*block.points, point], profile)
        for point in profile.points
        if _kind(point) == kind
    ]
    fit = [
        one
        for one in candidates
        if one.data_bytes > block.data_bytes
        and not _is_too_long(one, profile)
        and _is_allowed(one, profile, bad)
    ]
    if not fit:
        return None
    return replace(min(fit, key=lambda one: one.data_bytes), points=block.points)


def _place(point: Point) -> tuple[int, int, int, int, str]:
    return (*_kind(point), point.address, point.name)


def _kind(point: Point) -> tuple[int, int, int]:
    """Points of another kind never share a request."""
    return point.bank, point.function, point.register_bytes


def _shortest(members: Sequence[Unit], profile: Profile, refused: Collection[Point]) -> list[Block]:
    """The best way to cut one kind's units into runs: fewest requests, then fewest registers."""
    bad = [point for point in refused if _kind(point) == _kind(members[0][0])]
    best: list[tuple[tuple[int, int], list[Block]]] = [((0, 0), [])]
    for end in range(1, len(members) + 1):
        cheapest: tuple[tuple[int, int], list[Block]] = (_NEVER, [])
        for start in range(end - 1, -1, -1):
            points = [point for unit in members[start:end] for point in unit]
            block = block_of(points, profile)
            alone = start == end - 1
            if not alone and _is_too_long(block, profile):
                break
            if alone or _is_allowed(block, profile, bad):
                (requests, registers), before = best[start]
                cost = (requests + 1, registers + block.count)
                if cost < cheapest[0]:
                    cheapest = (cost, [*before, block])
        best.append(cheapest)
    return best[-1][1]


def _is_too_long(block: Block, profile: Profile) -> bool:
    bits = block.function in BIT_FUNCTIONS
    most = MAX_BITS if bits else profile.max_registers
    return block.count > most or block.data_bytes > profile.limits.max_data_bytes


def _is_allowed(block: Block, profile: Profile, bad: Collection[Point]) -> bool:
    """Whether several units may be read by this one request."""
    end = block.address + block.count
    if any(point.address < end and point.end > block.address for point in bad):
        return False
    if end > profile.limits.last_register + 1:
        return False
    if profile.limits.single_values:
        return len({(point.address, point.end) for point in block.points}) == 1
    covered = block.address
    for point in block.points:
        if point.address - covered > profile.max_gap:
            return False
        if not _is_whole(covered, point.address, block, profile):
            return False
        covered = max(covered, point.end)
    return _is_whole(covered, end, block, profile)  # one more, where counts must be even


def _is_whole(start: int, end: int, block: Block, profile: Profile) -> bool:
    """Where values must be whole: whether those that nobody asked for fill the hole exactly."""
    if end <= start or not profile.limits.whole_values:
        return True
    covered = start
    kind = _kind(block.points[0])
    for point in sorted(profile.points, key=lambda point: point.address):
        if _kind(point) == kind and point.address == covered < end:
            covered = point.end
    return covered == end
