"""The kind of damage, by bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.ascii_frames import ascii_frame
from protocols.modbus.damage import MAX_SAMPLE_BYTES, Damage, Sample, damage_of, frame_size
from protocols.modbus.frames import answer_pdu, exception_pdu, read_request, rtu_frame, tcp_frame

ASK = read_request(3, 100, 4)
PDU = answer_pdu(3, (1, 2, 3, 4))
RTU, ASCII, TCP = rtu_frame(5, ASK), ascii_frame(5, ASK), tcp_frame(9, 5, ASK)
GOOD = rtu_frame(5, PDU)
DUE = len(GOOD)


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        (RTU, Damage.ECHO),
        (RTU + GOOD, Damage.ECHO),
        (rtu_frame(6, PDU), Damage.FOREIGN),
        (rtu_frame(5, answer_pdu(4, (1, 2, 3, 4))), Damage.FOREIGN),
        (b"\xff" + rtu_frame(9, ASK) + b"\x01", Damage.FOREIGN),
        (rtu_frame(5, answer_pdu(3, (1, 2))), Damage.LENGTH),
        (GOOD[:-1], Damage.LENGTH),
        (GOOD + GOOD, Damage.LENGTH),
        (b"\0" + GOOD, Damage.LENGTH),
        (GOOD[:-1] + bytes([GOOD[-1] ^ 1]), Damage.CRC),
        (bytes(DUE), Damage.CRC),
        (b"\x05\x83\x02\x00\x00", Damage.CRC),
    ],
)
def test_rtu(heard, kind):
    """An echo, somebody else's frame, a wrong length, a wrong check."""
    assert damage_of(Sample(RTU, heard, DUE), "rtu") is kind


def test_ascii_and_tcp():
    """The same by their own frames; TCP has no check of its own."""
    line = ascii_frame(5, PDU)
    assert damage_of(Sample(ASCII, ASCII, len(line)), "ascii") is Damage.ECHO
    wrong = line[:9] + b"7" + line[10:]
    assert damage_of(Sample(ASCII, wrong, len(line)), "ascii") is Damage.CRC
    assert damage_of(Sample(ASCII, line[:-2], len(line)), "ascii") is Damage.LENGTH
    assert damage_of(Sample(TCP, tcp_frame(9, 6, PDU), 17), "tcp") is Damage.FOREIGN
    assert damage_of(Sample(TCP, tcp_frame(9, 5, PDU)[:-3], 17), "tcp") is Damage.LENGTH


def test_sizes():
    """Of a whole frame around a PDU."""
    assert frame_size("rtu", len(PDU)) == DUE
    assert frame_size("ascii", len(PDU)) == len(ascii_frame(5, PDU))
    assert frame_size("tcp", len(PDU)) == len(tcp_frame(9, 5, PDU))
    assert frame_size("rtu", 2) == len(rtu_frame(5, exception_pdu(3, 2)))


@given(st.binary(min_size=1, max_size=1024), st.sampled_from(["rtu", "ascii", "tcp"]))
def test_any_bytes_have_a_kind(heard, wrapping):
    """Never an error, and what is kept is bounded."""
    sample = Sample({"rtu": RTU, "ascii": ASCII, "tcp": TCP}[wrapping], heard, DUE)
    assert damage_of(sample, wrapping) in Damage
    assert len(sample.bounded().heard) <= MAX_SAMPLE_BYTES
