"""A request that finds out whether an RTU device is in step.

An answer on a serial line does not say which request it belongs to: a device that lags behind by
one request answers with the right unit, function and CRC, but the wrong registers. A read whose
answer has another function or length than that of every block cannot be answered by a late block,
and a late answer to it cannot pass for a block.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from protocols.modbus.plan import Block, block_of, plan
from protocols.registers.profile import Point, Profile

MAX_RUN: Final = 6


def order_block(profile: Profile) -> Block | None:
    """The read of the register that tells the order of the floats, where the profile has one."""
    if profile.order_point is None:
        return None
    return plan([profile.point(profile.order_point)], profile)[0]


def probe_block(profile: Profile, blocks: Sequence[Block]) -> Block | None:
    """A read that no answer to one of `blocks` can answer; None where the profile has none.

    The order register comes first, then points that are polled anyway, then others: whole values.
    """
    taken = {_shape(block) for block in blocks}
    order = order_block(profile)
    if order and _shape(order) not in taken:
        return order
    polled = [point for block in blocks for point in block.points]
    for points in (polled, profile.points):
        for candidate in _candidates(points, profile):
            if _shape(candidate) not in taken and len(plan(candidate.points, profile)) == 1:
                return candidate
    return None


def same_shape(one: Block, other: Block) -> bool:
    """Whether an answer to the one could be taken for an answer to the other."""
    return _shape(one) == _shape(other)


def _shape(block: Block) -> tuple[int, int, int]:
    """What an answer says of its request: unit, function, bytes."""
    return block.bank, block.function, block.data_bytes


def _candidates(points: Sequence[Point], profile: Profile) -> Iterator[Block]:
    """Single points, then ever longer runs; whether one request may read them is not said yet."""
    ordered = sorted(points, key=lambda point: (point.bank, point.function, point.address))
    for length in range(1, MAX_RUN + 1):
        for start in range(len(ordered) - length + 1):
            run = ordered[start : start + length]
            first, last = run[0], run[-1]
            if (first.bank, first.function) == (last.bank, last.function):
                yield block_of(run, profile)
