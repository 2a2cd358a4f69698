"""Faults between a device and its line: pure, and the same for the same seed.

Each fault draws for itself, by seed, fault and number of the request: one fault more in the plan
does not move the others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from protocols.modbus.frames import exception_pdu
from simulators.framing import Burst, Framing, Wrapped
from simulators.plausible import Now

if TYPE_CHECKING:
    from simulators.fault_plan import Every, FaultPlan
    from simulators.framing import Respond

BUSY: Final = 6
_MOST_NOISE: Final = 8


def distorted(plan: FaultPlan, elapsed_ms: int, utc_ms: int) -> Now:
    """What the device believes: totals that stand still or jump, a clock that drifts, an order."""
    totals_ms, order, jump = elapsed_ms, None, 0
    if plan.frozen is not None:
        totals_ms -= plan.frozen.into_ms(elapsed_ms) or 0
    if plan.jump is not None:
        jump = elapsed_ms // plan.jump.period_ms * plan.jump.counts
    if plan.order is not None and elapsed_ms >= plan.order.at_ms:
        order = plan.order.order
    return Now(elapsed_ms, totals_ms, utc_ms + elapsed_ms * plan.drift // 1_000_000, jump, order)


def is_so(every: Every | None, now_ms: int) -> bool:
    """Whether a fault that comes and goes is there now."""
    return every is not None and every.into_ms(now_ms) is not None


def refused(plan: FaultPlan, seed: int, number: int, now_ms: int, pdu: bytes) -> bytes | None:
    """The exception that a request gets instead of its answer, if it gets one."""
    function = pdu[0] & 0x7F
    if is_so(plan.busy, now_ms):
        return exception_pdu(function, BUSY)
    first = int.from_bytes(pdu[1:3], "big")
    last = first + max(1, int.from_bytes(pdu[3:5], "big")) - 1
    for hole in plan.hole:
        if first <= hole.last and last >= hole.first:
            return exception_pdu(function, hole.code)
    if Draw(seed, number).happens("exception", plan.exception.share):
        return exception_pdu(function, plan.exception.much)
    return None


def bursts(
    plan: FaultPlan, draw: Draw, framing: Framing, answer: Wrapped, before: bytes
) -> Sequence[Burst]:
    """What goes over the line instead of the answer; `before`: the answer to the request before."""
    if draw.happens("lost", plan.lost):
        return ()
    if draw.happens("foreign", plan.foreign):
        answer = answer._replace(unit=answer.unit % 247 + 1)
    frame = before if before and draw.happens("behind", plan.behind) else framing.join(answer)
    if draw.happens("head", plan.head.share):
        frame = frame[plan.head.much :]
    if draw.happens("cut", plan.cut) and len(frame) > 1:
        frame = frame[: draw.of("length").randrange(1, len(frame))]
    frame = draw.flipped(frame, plan.bit)
    if draw.happens("noise", plan.noise):
        rng = draw.of("bytes")
        frame = rng.randbytes(rng.randint(1, _MOST_NOISE)) + frame
    after_ms = draw.of("delay").randint(*plan.delay) if plan.delay[1] else 0
    if draw.happens("late", plan.late.share):
        after_ms += plan.late.much
    sent = [Burst(after_ms, frame)]
    if draw.happens("gap", plan.gap.share) and len(frame) > 1:
        at = draw.of("place").randrange(1, len(frame))
        sent = [Burst(after_ms, frame[:at]), Burst(after_ms + plan.gap.much, frame[at:])]
    if draw.happens("twice", plan.twice):
        sent += sent
    return [burst for burst in sent if burst.data]


class Draw:
    """What chance says of one request."""

    def __init__(self, seed: int, number: int) -> None:
        self._name = f"{seed}/{number}"

    def of(self, fault: str) -> random.Random:
        return random.Random(f"{self._name}/{fault}")

    def happens(self, fault: str, share: float) -> bool:
        return share > 0.0 and self.of(fault).random() < share

    def flipped(self, frame: bytes, share: float) -> bytes:
        """Each bit is wrong with this chance."""
        if share == 0.0:
            return frame
        rng = self.of("bit")
        wrong = sum((rng.random() < share) << place for place in range(8 * len(frame)))
        size = len(frame)
        return (int.from_bytes(frame, "big") ^ wrong).to_bytes(size, "big")


class FaultyExchange:
    """An exchange with faults; it counts requests and remembers the answer before."""

    def __init__(
        self,
        framing: Framing,
        respond: Respond,
        plan: FaultPlan,
        seed: int,
        elapsed_ms: Callable[[], int],
    ) -> None:
        self._framing = framing
        self._respond = respond
        self._plan = plan
        self._seed = seed
        self._elapsed_ms = elapsed_ms
        self._number = 0
        self._before = b""

    def __call__(self, frame: bytes) -> Sequence[Burst]:
        """As an Exchange; raises FrameError where the request is no frame."""
        request = self._framing.split(frame)
        number, now_ms = self._number, self._elapsed_ms()
        self._number += 1
        answer = self._respond(request.unit, request.pdu)
        if answer is None or is_so(self._plan.silence, now_ms):
            return ()
        refusal = refused(self._plan, self._seed, number, now_ms, request.pdu)
        wrapped = request._replace(pdu=answer if refusal is None else refusal)
        before, self._before = self._before, self._framing.join(wrapped)
        return bursts(self._plan, Draw(self._seed, number), self._framing, wrapped, before)
