"""A block asked for some registers more where its answer could be that of the request before.

Of one device; `protocols/modbus/apart.py` says why. A device may lack what the map has: where it
refuses the wider read, or is silent on it, the block is asked as it is from then on. No I/O here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from edge_agent.bus.joining import is_no_reply
from edge_agent.bus.link import Answer, NoAnswer
from protocols.modbus.answer import ExceptionAnswer, Registers
from protocols.modbus.frames import BIT_FUNCTIONS
from protocols.modbus.plan import Block, wider
from protocols.modbus.probe import same_shape
from protocols.registers.profile import Point, Profile

MAX_LOST: Final = 3
"""Silences in a row, of one wider read: a device that answers all else does not know it."""


_Place = tuple[int, int, int, int]


class Widened:
    """What is asked instead of blocks, as far as it is known; made anew with the plan."""

    def __init__(self, profile: Profile, refused: Collection[Point]) -> None:
        self._profile = profile
        self._refused = refused
        self._wider: dict[_Place, Block | None] = {}
        self._lost: dict[_Place, int] = {}

    def instead(self, block: Block, last: Block | None) -> Block:
        """What to ask for a block, after `last`."""
        if last is not block and (last is None or not same_shape(block, last)):
            return block
        place = _place(block)
        if place not in self._wider:
            self._wider[place] = wider(block, self._profile, self._refused)
        return self._wider[place] or block

    def cut(self, block: Block, asked: Block, answer: Answer) -> Answer | None:
        """The answer as if the block had been asked; None: it was refused, so ask the block."""
        if isinstance(answer, Registers):
            self._lost.pop(_place(block), None)
            start = block.address - asked.address
            if block.function in BIT_FUNCTIONS:
                return Registers(answer.words[start : start + block.count])
            size = block.register_bytes // 2
            return Registers(answer.words[start * size : (start + block.count) * size])
        if isinstance(answer, NoAnswer):  # damage tells the very fault that this is against
            place = _place(block)
            self._lost[place] = self._lost.get(place, 0) + 1
            if self._lost[place] >= MAX_LOST:
                self._wider[place] = None
        elif isinstance(answer, ExceptionAnswer) and not is_no_reply(answer):
            self._wider[_place(block)] = None
            return None
        return answer


def _place(block: Block) -> _Place:
    """A key; the hash of a block goes over all its points."""
    return block.bank, block.function, block.address, block.count
