"""What a scan of one device consists of: its register maps, its requests, what is cut from each.

Two of each: with the slow points (True) and without them (False). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from edge_agent.bus.joining import Joined
from edge_agent.config.model import DeviceConfig
from protocols.modbus.plan import Block, plan
from protocols.registers.codec import assemble
from protocols.registers.profile import Point
from protocols.registers.register_map import RegisterMap

_PATTERNS: Final = ("u32", "f32")
_PAIRS: Final[Mapping[str, tuple[int, int]]] = {"ABCD": (0, 1), "CDAB": (1, 0)}


class Cut(NamedTuple):
    """Where in a block's words a point lies, as this device sends it."""

    point: Point
    start: int
    stop: int


class Pair(NamedTuple):
    """A 32-bit pattern, the most frequent of values: where its high and its low word lie."""

    name: str
    high: int
    low: int


class Step(NamedTuple):
    """One request of the plan, and what is cut out of its answer."""

    block: Block
    pairs: tuple[Pair, ...]
    cuts: tuple[Cut, ...]  # all others
    counts: bool  # holds a counter: its instant is the scan's

    def take(self, words: Sequence[int], found: dict[str, int]) -> None:
        """The raw integers of an answer, by point name."""
        for name, high, low in self.pairs:
            found[name] = words[high] << 16 | words[low]
        for point, start, stop in self.cuts:
            found[point.name] = assemble(point, words[start:stop])


def wanted(device: DeviceConfig, *, full: bool) -> tuple[Point, ...]:
    """The points to read, as the profile has them."""
    return device.profile.points_of(_names(device, full))


def maps_of(device: DeviceConfig, how: Joined) -> dict[bool, RegisterMap]:
    """In the order and at the addresses that the device told."""
    fast = RegisterMap.of(device.profile, _names(device, False), how.order, how.shift)
    if not device.slow_points:
        return {False: fast, True: fast}
    full = RegisterMap.of(device.profile, _names(device, True), how.order, how.shift)
    return {False: fast, True: full}


def steps_of(
    device: DeviceConfig, maps: Mapping[bool, RegisterMap], holes: Collection[Point]
) -> dict[bool, tuple[Step, ...]]:
    """The fewest requests for all but the holes."""
    made = {}
    for full, map_ in maps.items():
        points = [point for point in wanted(device, full=full) if point not in holes]
        blocks = plan(points, device.profile, holes)
        made[full] = tuple(step_of(block, map_) for block in blocks)
    return made


def step_of(block: Block, map_: RegisterMap) -> Step:
    """A block, and its points as the map has them."""
    sent = {point.name: point for point in map_.points}
    pairs, cuts = [], []
    for point in block.points:
        start = (point.address - block.address) * point.register_bytes // 2
        own = sent[point.name]
        if own.type in _PATTERNS and not own.bits and own.order in _PAIRS:
            high, low = _PAIRS[own.order]
            pairs.append(Pair(own.name, start + high, start + low))
        else:
            cuts.append(Cut(own, start, start + own.words))
    counts = any(point.kind == "counter" for point in block.points)
    return Step(block, tuple(pairs), tuple(cuts), counts)


def _names(device: DeviceConfig, full: bool) -> tuple[str, ...]:
    return (*device.points, *device.slow_points) if full else device.points
