"""Before a read whose answer could be taken for the last one's, something else is asked.

Of a line without transactions; `protocols/modbus/apart.py` says why. What is asked between is a
read that the unit has answered before. Pollers mostly spare it (`widened.py`): it is there for
devices whose maps leave nothing to widen, and for jobs. No I/O here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from protocols.modbus.answer import Asked, ExceptionAnswer, Registers
from protocols.modbus.frames import Request
from protocols.modbus.write import Write

REPEAT_S: Final = 60.0
"""How long the very same request may be repeated unparted: its late answer is the same points'."""
MAX_KNOWN: Final = 2
"""Shapes a unit: of two, one is another than any that is asked."""
_Answer = TypeVar("_Answer")
_Shape = tuple[int, int]


class _Last(NamedTuple):
    """What a unit was asked last, and since when nothing else."""

    asked: Asked
    shape: _Shape
    since_s: float


class Apart:
    """Of one line."""

    def __init__(self) -> None:
        self._last: dict[int, _Last] = {}
        self._known: dict[int, dict[_Shape, Request]] = {}

    def ask(
        self, once: Callable[[Asked], _Answer], asked: Asked, now_s: float, *, learn: bool = True
    ) -> _Answer:
        """The answer, or the loss of the one before it. `learn`: it may be asked to part others."""
        shape = (asked.function, asked.answer_size)
        last = self._last.get(asked.unit)
        since_s = now_s
        if last is not None and last.shape == shape:
            is_again = last.asked == asked
            if is_again and now_s - last.since_s < REPEAT_S:
                since_s = last.since_s
            elif not isinstance(asked, Write):  # an echo tells its address
                lost = self._part(once, asked, shape, now_s)
                if lost is not None:
                    return lost
        self._last[asked.unit] = _Last(asked, shape, since_s)
        answer = once(asked)
        if learn and isinstance(asked, Request) and not asked.record_bytes:
            self._learn(asked, shape, answer)
        return answer

    def _part(
        self, once: Callable[[Asked], _Answer], before: Asked, shape: _Shape, now_s: float
    ) -> _Answer | None:
        """Ask something of another shape; its answer where that is a loss."""
        known = self._known.get(before.unit, {})
        other = next((one for one in known if one != shape), None)
        if other is None:
            return None
        self._last[before.unit] = _Last(known[other], other, now_s)
        answer = once(known[other])
        if isinstance(answer, Registers | ExceptionAnswer):
            return None
        known[other] = known.pop(other)  # the other one has its turn
        return answer

    def _learn(self, asked: Request, shape: _Shape, answer: _Answer) -> None:
        """Keep the shortest that are answered; a refusal parts as well, if there is no better."""
        known = self._known.setdefault(asked.unit, {})
        if shape in known or not isinstance(answer, Registers | ExceptionAnswer):
            return
        if isinstance(answer, Registers) or len(known) < MAX_KNOWN:
            known[shape] = asked
        if len(known) > MAX_KNOWN:
            del known[max(known, key=lambda one: one[1])]
