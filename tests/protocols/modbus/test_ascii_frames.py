"""ASCII frames: the standard's example first, then what is refused, then properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.answer import Damaged, Registers, check_ascii
from protocols.modbus.ascii_frames import ascii_frame, ascii_size, lrc, split_ascii
from protocols.modbus.frames import FrameError, Request, answer_pdu, read_request

ASKED = Request(0x11, 3, 0x6B, 3)
ANSWER = ascii_frame(0x11, answer_pdu(3, (0xAE41, 0x5652, 0x4340)))


def test_published_frames():
    """The query printed at simplymodbus.ca/ASCII.htm; the answer's LRC was summed by hand."""
    assert ascii_frame(0x11, read_request(3, 0x6B, 3)) == b":1103006B00037E\r\n"
    assert ANSWER == b":110306AE4156524340CC\r\n"
    assert check_ascii(ASKED, ANSWER) == Registers((0xAE41, 0x5652, 0x4340))


def test_lrc():
    """The LRC is what makes the sum of all bytes a multiple of 256."""
    assert lrc(bytes.fromhex("1103006B0003")) == 0x7E
    assert lrc(b"") == 0


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b":\r\n",
        b":1103006B00037E\n\r",
        b"1103006B00037E\r\n",
        b";1103006B00037E\r\n",
        b":1103006B00037e\r\n",  # the standard writes A to F
        b":1103006B0003 7\r\n",
        b":1103006B00037E\r\n\r\n",
        b"::1103006B00037E\r\n",
        b":1103006B0003\r\n",
        b":" + b"00" * 300 + b"\r\n",
    ],
)
def test_split_refuses(frame):
    """Whatever is not exactly one frame is refused."""
    with pytest.raises(FrameError):
        split_ascii(frame)


@given(st.integers(0, 255), st.binary(min_size=1, max_size=253))
def test_round_trip(unit, pdu):
    """What one side makes the other takes apart, and its size is known beforehand."""
    frame = ascii_frame(unit, pdu)
    assert split_ascii(frame) == (unit, pdu)
    assert len(frame) == ascii_size(len(pdu))


def test_every_single_bit_of_one_frame():
    """No single wrong bit of a frame passes: an LRC promises that, and no more."""
    for bit in range(8 * len(ANSWER)):
        broken = bytearray(ANSWER)
        broken[bit // 8] ^= 1 << bit % 8
        assert isinstance(check_ascii(ASKED, bytes(broken)), Damaged), bit


@given(st.binary(max_size=80), st.integers(0, 22))
def test_inserted_and_truncated(junk, at):
    """Bytes inserted into or behind a frame, and a lost end, are never a value."""
    if junk:
        assert isinstance(check_ascii(ASKED, ANSWER[:at] + junk + ANSWER[at:]), Damaged)
        assert isinstance(check_ascii(ASKED, ANSWER + junk), Damaged)
    assert isinstance(check_ascii(ASKED, ANSWER[:at]), Damaged)
