"""The poll plan: from points to the fewest requests.

Each point is read whole and by exactly one request. A request reads over at most the profile's
`max_gap` registers that nobody asked for, never over a register that the device refused, and never
asks for more than `max_registers`. Taking each block as long as it may be is optimal: whatever is
allowed for a run of points is allowed for any part of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from protocols.registers.profile import Point, Profile


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive registers read by one request, and the points in them, by address."""

    function: int
    address: int
    count: int
    points: tuple[Point, ...]


def plan(
    points: Sequence[Point], profile: Profile, refused: Collection[Point] = ()
) -> tuple[Block, ...]:
    """The blocks that cover `points`, by function and address."""
    ordered = sorted(set(points), key=lambda point: (point.function, point.address))
    blocks: list[Block] = []
    run: list[Point] = []
    for point in ordered:
        if run and not _may_join(run, point, profile, refused):
            blocks.append(block_of(run))
            run = []
        run.append(point)
    if run:
        blocks.append(block_of(run))
    return tuple(blocks)


def block_of(points: Sequence[Point]) -> Block:
    """The one request that reads these points of one function, sorted by address."""
    first = points[0]
    end = max(point.end for point in points)
    return Block(first.function, first.address, end - first.address, tuple(points))


def _may_join(
    run: Sequence[Point], point: Point, profile: Profile, refused: Collection[Point]
) -> bool:
    end = max(member.end for member in run)
    if point.function != run[0].function or point.address - end > profile.max_gap:
        return False
    if max(end, point.end) - run[0].address > profile.max_registers:
        return False
    return not any(
        bad.function == point.function and bad.address < point.address and bad.end > end
        for bad in refused
    )
