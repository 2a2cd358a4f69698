"""A request that finds out whether an RTU device is in step.

An answer on a serial line does not say which request it belongs to: a device that lags behind by
one request answers with the right unit, function and CRC, but the wrong registers. A read whose
answer has another function or length than that of every block cannot be answered by a late block,
and a late answer to it cannot pass for a block.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from protocols.modbus.plan import Block, block_of
from protocols.registers.profile import Point, Profile


def order_block(profile: Profile) -> Block | None:
    """The read of the register that tells the order of the floats, where the profile has one."""
    if profile.order_point is None:
        return None
    return block_of([profile.point(profile.order_point)])


def probe_block(profile: Profile, blocks: Sequence[Block]) -> Block | None:
    """A read that no answer to one of `blocks` can answer; None where the profile has none.

    The order register comes first, then points that are polled anyway, then others: whole values.
    """
    shapes = {(block.function, block.count) for block in blocks}
    polled = [point for block in blocks for point in block.points]
    for candidate in (order_block(profile), *_candidates(polled), *_candidates(profile.points)):
        if candidate and (candidate.function, candidate.count) not in shapes:
            return candidate
    return None


def _candidates(points: Sequence[Point]) -> Iterator[Block]:
    """Single points, then pairs that lie side by side."""
    ordered = sorted(points, key=lambda point: (point.function, point.address))
    yield from (block_of([point]) for point in ordered)
    for low, high in pairwise(ordered):
        if (low.function, low.end) == (high.function, high.address):
            yield block_of([low, high])
