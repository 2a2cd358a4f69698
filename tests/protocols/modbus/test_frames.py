"""Frames of both roles: published vectors and golden bytes first, then tables, then properties."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.frames import (
    FrameError,
    Request,
    answer_pdu,
    bits_pdu,
    crc16,
    exception_pdu,
    parse_read_request,
    read_request,
    rtu_frame,
    sound_beginning,
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


@pytest.mark.parametrize(
    ("function", "address", "count"), [(5, 0, 1), (3, 0, 0), (3, 0, 126), (1, 0, 2001), (2, 0, 0)]
)
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


def test_coils_and_inputs():
    """The examples of the standard's clauses 6.1 and 6.2, request and answer."""
    assert read_request(1, 19, 19) == bytes.fromhex("01 0013 0013")
    coils = [int(bit) for byte in ["CD", "6B", "05"] for bit in f"{int(byte, 16):08b}"[::-1]]
    assert bits_pdu(1, coils[:19]) == bytes.fromhex("01 03 CD 6B 05")
    assert read_request(2, 196, 22) == bytes.fromhex("02 00C4 0016")
    assert Request(1, 2, 196, 22).data_bytes == 3
    for bits in ((), (0,) * 2001):
        with pytest.raises(ValueError, match="an answer has"):
            bits_pdu(1, bits)


def test_a_register_of_four_bytes():
    """In the Enron/Daniel dialect the byte count is four times the quantity, up to 62 registers."""
    asked = Request(1, 3, 7001, 5, register_bytes=4)
    assert (asked.data_bytes, asked.answer_size) == (20, 22)
    assert asked.pdu == bytes.fromhex("03 1B59 0005")
    assert parse_read_request(1, asked.pdu, register_bytes=4) == asked
    with pytest.raises(ValueError, match="cannot read 63 registers"):
        _ = Request(1, 3, 7001, 63, register_bytes=4).pdu
    with pytest.raises(ValueError, match="2 or 4 bytes"):
        _ = Request(1, 3, 7001, 1, register_bytes=3).pdu


def test_a_record_of_an_archive():
    """Where the quantity is a record's number, it is no quantity: record 0 and 840 are there."""
    for record in (0, 10, 840):
        asked = Request(1, 3, 701, record, record_bytes=20)
        assert asked.data_bytes == 20
        assert parse_read_request(1, asked.pdu, record_bytes=20) == asked
    # simplymodbus.ca/enron_history.htm: history table 701, record 10
    frame = rtu_frame(1, Request(1, 3, 701, 10, record_bytes=20).pdu)
    assert frame == bytes.fromhex("01 03 02 BD 00 0A 54 51")
    with pytest.raises(ValueError, match="record"):
        _ = Request(1, 3, 701, 10, record_bytes=21).pdu


@given(st.binary(max_size=300))
def test_a_sound_beginning(data):
    """The shortest one, as by trying each length."""
    tried = [at for at in range(4, 257) if at <= len(data) and data[:at][-2:] == (
        crc16(data[: at - 2]).to_bytes(2, "little"))]  # fmt: skip
    assert sound_beginning(data) == min(tried, default=0)
    frame = rtu_frame(7, b"\x41" + data[:249])
    assert 0 < sound_beginning(frame + data) <= len(frame)
