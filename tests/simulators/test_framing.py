"""Frames on each transport: what goes in comes out, what is damaged is nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.frames import FrameError, answer_pdu, read_request
from simulators.framing import ASCII, RTU, TCP, Burst, Framing, Wrapped, plain

_ALL = pytest.mark.parametrize("framing", [RTU, ASCII, TCP], ids=lambda framing: framing.name)


@_ALL
@given(st.integers(0, 255), st.binary(min_size=1, max_size=253), st.integers(0, 0xFFFF))
def test_a_frame_is_taken_apart_as_it_was_joined(
    framing: Framing, unit: int, pdu: bytes, tag: int
) -> None:
    """Unit, PDU and tag survive; no frame is longer than the framing says."""
    wrapped = Wrapped(tag if framing is TCP else 0, unit, pdu)
    frame = framing.join(wrapped)
    assert framing.split(frame) == wrapped
    assert len(frame) <= framing.longest
    assert frame.endswith(framing.end)


@_ALL
def test_a_plain_exchange_answers_the_request_that_was_asked(framing: Framing) -> None:
    """The answer carries the request's unit and tag; an unknown unit is silence."""
    exchange = plain(framing, lambda unit, pdu: answer_pdu(pdu[0], [unit]) if unit == 7 else None)
    request = Wrapped(513 if framing is TCP else 0, 7, read_request(3, 0, 1))
    answer = framing.join(request._replace(pdu=answer_pdu(3, [7])))
    assert exchange(framing.join(request)) == (Burst(0, answer),)
    assert exchange(framing.join(request._replace(unit=8))) == ()


@_ALL
def test_a_cut_frame_is_heard_by_nobody(framing: Framing) -> None:
    """The exchange refuses what is no frame, so that the transport can count or close."""
    exchange = plain(framing, lambda *_: b"\x03")
    with pytest.raises(FrameError):
        exchange(framing.join(Wrapped(0, 7, read_request(3, 0, 1)))[:-1])
