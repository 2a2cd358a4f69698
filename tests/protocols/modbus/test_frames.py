"""Frames of both roles: published vectors and golden bytes first, then tables, then properties."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.frames import (
    FrameError,
    Request,
    answer_pdu,
    crc16,
    exception_pdu,
    parse_read_request,
    read_request,
    rtu_frame,
    split_rtu,
    split_tcp,
    tcp_frame,
    tcp_length,
)

_TEXT = (Path(__file__).parents[2] / "golden" / "frames.txt").read_text()
GOLDEN = {
    name: bytes.fromhex(data)
    for name, data in (line.split(":") for line in _TEXT.splitlines() if not line.startswith("#"))
}


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (bytes.fromhex("02 07"), 0x1241),  # Modbus over Serial Line V1.02, appendix B
        (b"123456789", 0x4B37),  # the catalogue's check value of CRC-16/MODBUS
        (b"", 0xFFFF),
    ],
)
def test_crc(data, crc):
    """The CRC agrees with the published values."""
    assert crc16(data) == crc


BUILT = {
    "spec_request_rtu": rtu_frame(1, read_request(3, 107, 3)),
    "spec_answer_rtu": rtu_frame(1, answer_pdu(3, (0x022B, 0, 0x0064))),
    "spec_request_tcp": tcp_frame(1, 1, read_request(3, 107, 3)),
    "spec_answer_tcp": tcp_frame(1, 1, answer_pdu(3, (0x022B, 0, 0x0064))),
    "rosemount_query_rtu": rtu_frame(1, read_request(4, 400, 2)),
    "rosemount_format_0_rtu": rtu_frame(1, answer_pdu(4, (0x42C8, 0x8000))),
    "rosemount_format_1_rtu": rtu_frame(1, answer_pdu(4, (0x8000, 0x42C8))),
    "rosemount_format_2_rtu": rtu_frame(1, answer_pdu(4, (0x0080, 0xC842))),
    "rosemount_format_3_rtu": rtu_frame(1, answer_pdu(4, (0xC842, 0x0080))),
    "exception_02_rtu": rtu_frame(1, exception_pdu(3, 2)),
    "exception_06_tcp": tcp_frame(7, 2, exception_pdu(4, 6)),
    "flowsic_totals_request_rtu": rtu_frame(1, read_request(3, 4100, 12)),
}


def test_golden_frames():
    """What we build is, byte for byte, what the standard and the manuals print."""
    assert BUILT == GOLDEN


@pytest.mark.parametrize(
    "frame", [b"", b"\x01", b"\x01\x03\x00", bytes(257), bytes.fromhex("0103006B00037416")]
)
def test_split_rtu_refuses(frame):
    """Too short, too long or with another CRC is no frame."""
    with pytest.raises(FrameError):
        split_rtu(frame)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "00 01 00 00 00 02 01",  # no function
        "00 01 00 01 00 02 01 03",  # another protocol
        "00 01 00 00 00 01 01 03",  # length too small
        "00 01 00 00 00 03 01 03",  # length larger than the frame
        "00 01 00 00 00 02 01 03 00",  # a byte behind it
        "00 01 00 00 01 00 01" + "00" * 255,  # longer than a PDU may be
    ],
)
def test_split_tcp_refuses(frame):
    """A header that does not describe exactly these bytes is no frame."""
    with pytest.raises(FrameError):
        split_tcp(bytes.fromhex(frame))


@pytest.mark.parametrize(("function", "address", "count"), [(1, 0, 1), (3, 0, 0), (3, 0, 126)])
def test_read_request_refuses(function, address, count):
    """We never ask for what the standard does not allow."""
    with pytest.raises(ValueError, match="read"):
        read_request(function, address, count)


def test_last_register():
    """Register 65535 can be read, and nothing beyond it."""
    assert parse_read_request(1, read_request(4, 65535, 1)) == Request(1, 4, 65535, 1)
    with pytest.raises(ValueError, match="cannot read 2"):
        read_request(4, 65535, 2)
    with pytest.raises(FrameError, match="cannot read 2"):
        parse_read_request(1, bytes.fromhex("04 FFFF 0002"))


def test_an_answer_has_registers():
    """A server cannot answer with nothing or too much."""
    for registers in ((), (0,) * 126):
        with pytest.raises(ValueError, match="an answer has"):
            answer_pdu(3, registers)


@given(st.integers(0, 255), st.sampled_from([3, 4]), st.integers(0, 65535), st.integers(1, 125))
def test_requests_round_trip(unit, function, address, count):
    """What the agent asks, a server understands, over both transports."""
    count = min(count, 0x10000 - address)
    request = Request(unit, function, address, count)
    pdu = read_request(function, address, count)
    assert parse_read_request(*split_rtu(rtu_frame(unit, pdu))) == request
    frame = tcp_frame(0xABCD, unit, pdu)
    assert tcp_length(frame[:7]) == len(frame)
    transaction, found, inner = split_tcp(frame)
    assert (transaction, parse_read_request(found, inner)) == (0xABCD, request)


@given(st.integers(0, 255), st.binary(max_size=12))
def test_any_pdu_is_a_request_or_refused(unit, pdu):
    """Bytes of a stranger are a read within the limits, or FrameError."""
    try:
        request = parse_read_request(unit, pdu)
    except FrameError:
        return
    assert read_request(request.function, request.address, request.count) == pdu
