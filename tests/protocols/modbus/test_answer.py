"""The exact-answer check: a damaged answer is never a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.answer import (
    Damaged,
    ExceptionAnswer,
    Registers,
    check_answer,
    check_rtu,
    check_tcp,
)
from protocols.modbus.frames import (
    MAX_RTU,
    Request,
    answer_pdu,
    bits_pdu,
    crc16,
    exception_pdu,
    rtu_frame,
    tcp_frame,
)

ASKED = Request(unit=5, function=3, address=4100, count=3)
PDU = answer_pdu(3, (1, 2, 3))


def test_the_answer():
    """The exact answer gives the words as they came, over both transports."""
    assert check_rtu(ASKED, rtu_frame(5, PDU)) == Registers((1, 2, 3))
    assert check_tcp(ASKED, 9, tcp_frame(9, 5, PDU)) == Registers((1, 2, 3))


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6, 11])
def test_exceptions(code):
    """A refusal tells its code."""
    frame = rtu_frame(5, exception_pdu(3, code))
    assert check_rtu(ASKED, frame) == ExceptionAnswer(code)


@pytest.mark.parametrize(
    ("unit", "pdu", "reason"),
    [
        (6, PDU, "answer of unit 6, asked 5"),
        (6, exception_pdu(3, 2), "answer of unit 6"),
        (5, b"", "empty"),
        (5, answer_pdu(4, (1, 2, 3)), "answer to function 4, asked 3"),
        (5, exception_pdu(4, 2), "answer to function 132"),
        (5, bytes((0x83,)), "malformed exception"),
        (5, bytes((0x83, 2, 0)), "malformed exception"),
        (5, bytes((0x83, 0)), "malformed exception"),
        (5, answer_pdu(3, (1, 2)), "answer of 6 bytes, 8 asked for"),  # a register too few
        (5, answer_pdu(3, (1, 2, 3, 4)), "answer of 10 bytes"),
        (5, bytes.fromhex("03 05 0001 0002 03"), "answer of 7 bytes"),  # odd byte count
        (5, bytes.fromhex("03 05 0001 0002 0003"), "answer of 8 bytes"),  # it lies about the count
        (5, PDU + b"\0", "answer of 9 bytes"),
        (5, PDU[:-1], "answer of 7 bytes"),
    ],
)
def test_damaged(unit, pdu, reason):
    """Another unit, function, byte count or length is never a value, even with a sound CRC."""
    answer = check_answer(ASKED, unit, pdu)
    assert isinstance(answer, Damaged)
    assert reason in answer.reason
    assert isinstance(check_rtu(ASKED, rtu_frame(unit, pdu)), Damaged)
    assert isinstance(check_tcp(ASKED, 9, tcp_frame(9, unit, pdu)), Damaged)


def test_late_answer_of_another_transaction():
    """Over TCP the answer to an earlier request is told from its transaction."""
    assert check_tcp(ASKED, 9, tcp_frame(8, 5, PDU)) == Damaged("answer to transaction 8, asked 9")


@st.composite
def answers(draw):
    """A request and a true answer to it."""
    count = draw(st.integers(1, 125))
    request = Request(draw(st.integers(1, 247)), draw(st.sampled_from([3, 4])), 0, count)
    registers = draw(st.lists(st.integers(0, 65535), min_size=count, max_size=count))
    exception = draw(st.booleans())
    pdu = (
        exception_pdu(request.function, draw(st.integers(1, 255)))
        if exception
        else answer_pdu(request.function, registers)
    )
    return request, rtu_frame(request.unit, pdu)


@given(answers())
def test_whole_answers_are_taken(case):
    """An undamaged answer is never refused."""
    assert not isinstance(check_rtu(*case), Damaged)


@given(answers(), st.data())
def test_one_or_two_flipped_bits(case, data):
    """Any one or two flipped bits of an answer make it damaged."""
    request, frame = case
    bits = data.draw(st.sets(st.integers(0, 8 * len(frame) - 1), min_size=1, max_size=2))
    broken = bytearray(frame)
    for bit in bits:
        broken[bit // 8] ^= 1 << bit % 8
    assert isinstance(check_rtu(request, bytes(broken)), Damaged)


@given(answers(), st.data())
def test_inserted_deleted_truncated(case, data):
    """A byte too many or too few anywhere, junk at either end, a lost tail: damaged."""
    request, frame = case
    at = data.draw(st.integers(0, len(frame) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=8))
    for broken in (
        frame[:at] + junk + frame[at:],
        frame[:at] + frame[at + 1 :],
        frame[:at],
        frame + junk,
    ):
        assert isinstance(check_rtu(request, broken), Damaged)


def test_every_single_bit_of_one_frame():
    """Not one bit of a real answer may change, over TCP (which has no CRC) outside its data."""
    frame = rtu_frame(5, PDU)
    for bit in range(8 * len(frame)):
        broken = bytearray(frame)
        broken[bit // 8] ^= 1 << bit % 8
        assert isinstance(check_rtu(ASKED, bytes(broken)), Damaged), bit
    tcp = tcp_frame(9, 5, PDU)
    for bit in range(8 * 9):  # header, unit, function, byte count
        broken = bytearray(tcp)
        broken[bit // 8] ^= 1 << bit % 8
        assert isinstance(check_tcp(ASKED, 9, bytes(broken)), Damaged), bit


@given(answers(), st.binary(max_size=300))
def test_any_bytes_are_judged(case, data):
    """Random bytes never raise; to be registers they must have exactly the answer's length."""
    request, _ = case
    for judged, overhead in ((check_rtu(request, data), 5), (check_tcp(request, 1, data), 9)):
        if isinstance(judged, Registers):
            assert len(data) == overhead + 2 * request.count


def test_every_two_bits_of_a_typical_frame():
    """The FLOWSIC500's totals: none of 26,796 one- and two-bit errors is a value."""
    request = Request(1, 3, 4100, 12)
    frame = rtu_frame(1, answer_pdu(3, tuple(range(900, 912))))
    whole = int.from_bytes(frame, "big")
    bits = 8 * len(frame)
    for first in range(bits):
        for second in range(first, bits):
            flipped = whole ^ (1 << first | 1 << second)
            answer = check_rtu(request, flipped.to_bytes(len(frame), "big"))
            assert isinstance(answer, Damaged), (first, second)


def test_no_two_bits_of_the_longest_frame_cancel_out():
    """The CRC is linear: two flipped bits pass only where they change it alike, and none do."""
    zero = crc16(bytes(MAX_RTU - 2))
    changes = {1 << bit for bit in range(16)}  # a bit of the CRC itself
    for bit in range(8 * (MAX_RTU - 2)):
        body = bytearray(MAX_RTU - 2)
        body[bit // 8] = 1 << bit % 8
        changes.add(crc16(bytes(body)) ^ zero)
    assert len(changes) == 8 * MAX_RTU
    assert 0 not in changes


def test_enron_answers():
    """Printed answers whose byte count is no multiple of the quantity (simplymodbus.ca).

    A check of byte count = 2 x quantity refuses each of them: modpoll #3.
    """
    answer = bytes.fromhex(
        "01 03 14 47 EA F8 00 47 9C 40 00 43 C8 EE AD 44 00 43 6B 42 87 FF FF B6 1E"
    )
    record = check_rtu(Request(1, 3, 701, 10, record_bytes=20), answer)
    assert isinstance(record, Registers)
    assert record.words[:4] == (0x47EA, 0xF800, 0x479C, 0x4000)  # 120304.0, 80000.0
    assert isinstance(check_rtu(Request(1, 3, 701, 10), answer), Registers)  # 20 bytes by chance
    assert isinstance(check_rtu(Request(1, 3, 701, 5), answer), Damaged)
    # five registers of four bytes have the same length
    assert check_rtu(Request(1, 3, 7001, 5, register_bytes=4), answer) == record


def test_bits():
    """Coils come as one word of 0 or 1 each; the padding of the last byte is not looked at."""
    coils = (1, 0, 1, 1, 0, 0, 1, 1, 1, 1)
    asked = Request(3, 1, 19, 10)
    assert check_answer(asked, 3, bits_pdu(1, coils)) == Registers(coils)
    assert check_answer(asked, 3, bytes.fromhex("01 02 CD FF")) == Registers(coils)
    assert isinstance(check_answer(asked, 3, bits_pdu(1, coils[:8])), Damaged)
