"""The agent's own link on a real pty: whatever is wrong with an RTU answer, it is no value."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import pytest

from edge_agent.bus.link import Link, NoAnswer
from protocols.modbus.answer import Damaged
from protocols.modbus.frames import Request, answer_pdu, rtu_frame
from tests.edge_agent.modbus_servers import RawRtu, Step

pytestmark = pytest.mark.timing

ASKED: Final = Request(5, 3, 100, 4)
FRAME_BYTES: Final = 13
Disturb = Callable[[bytes], list[Step]]


def flipped(*bits: int) -> Disturb:
    pattern = sum(1 << bit for bit in bits)
    return lambda frame: [(int.from_bytes(frame, "big") ^ pattern).to_bytes(len(frame), "big")]


def lengthened(at: int, junk: bytes) -> Disturb:
    return lambda frame: [frame[:at] + junk + frame[at:]]


def shortened(start: int, end: int) -> Disturb:
    return lambda frame: [frame[:start] + frame[end:]]


def foreign(unit: int, function: int, count: int) -> Disturb:
    return lambda _: [rtu_frame(unit, answer_pdu(function, (9,) * count))]


def delayed(seconds: float, at: int = 0) -> Disturb:
    return lambda frame: [frame[:at], seconds, frame[at:]]


def disturbances() -> Iterator[Disturb]:
    """Each single bit, 400 of the pairs, a byte or three more or less anywhere, others', late."""
    drawn = random.Random(4)
    bits = range(8 * FRAME_BYTES)
    yield from (flipped(bit) for bit in bits)
    pairs = list(itertools.combinations(bits, 2))
    yield from (flipped(*pair) for pair in drawn.sample(pairs, 400))
    for at in range(FRAME_BYTES + 1):
        yield from (lengthened(at, junk) for junk in (b"\0", b"\xff", drawn.randbytes(3)))
    for at in range(FRAME_BYTES):
        yield from (shortened(at, at + count) for count in (1, 2, 3, FRAME_BYTES))
    others = [(6, 3, 4), (5, 3, 3), (5, 3, 5), (4, 3, 1), (5, 4, 4), (0, 3, 4), (255, 3, 4)]
    yield from (foreign(*other) for other in others)
    yield from (delayed(0.1 + 0.01 * n) for n in range(1, 8))  # before the quiet time ends
    yield from (delayed(0.1, at) for at in range(1, FRAME_BYTES))


def none_is_a_value(chosen: list[Disturb]) -> None:
    with RawRtu() as server:
        link = Link(replace(server.config, timeout_s=0.1, quiet_s=0.1, gap_s=0.05))
        for number, disturb in enumerate(chosen):
            server.replies[ASKED.unit] = lambda server, request, disturb=disturb: disturb(
                server.exact(request)
            )
            answer = link.exchange(ASKED)
            assert isinstance(answer, NoAnswer | Damaged), (number, answer)
        link.close()


def test_a_sample_of_disturbances() -> None:
    """Each thirtieth of them."""
    none_is_a_value(list(disturbances())[::30])


@pytest.mark.long
def test_all_disturbances() -> None:
    """All of them, two minutes."""
    chosen = list(disturbances())
    assert len(chosen) == 624
    none_is_a_value(chosen)
