"""Function 20: the standard's example, the exact answer, the server's side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers, check_answer
from protocols.modbus.file_record import FileRecord, parse_file_record
from protocols.modbus.frames import FrameError, exception_pdu

# the first group of the example in clause 6.14: two registers of record 1 in file 4
ASKED = FileRecord(1, 4, 1, 2)
ANSWER = bytes.fromhex("14 06 05 06 0DFE 0020")


def test_a_record():
    """A history that only function 20 gives is read (libmodbus #708)."""
    assert ASKED.pdu == bytes.fromhex("14 07 06 0004 0001 0002")
    assert ASKED.answer_size == len(ANSWER)
    assert check_answer(ASKED, 1, ANSWER) == Registers((0x0DFE, 0x0020))
    assert check_answer(ASKED, 1, exception_pdu(20, 2)) == ExceptionAnswer(2)
    assert parse_file_record(1, ASKED.pdu) == ASKED


def test_only_the_exact_answer_counts():
    """Another length, type or unit, a byte too many or too few is damaged."""
    for at in range(4):
        broken = ANSWER[:at] + bytes((ANSWER[at] ^ 1,)) + ANSWER[at + 1 :]
        assert isinstance(check_answer(ASKED, 1, broken), Damaged)
    for broken in (b"", ANSWER[:-1], ANSWER + b"\0"):
        assert isinstance(check_answer(ASKED, 1, broken), Damaged)
    assert isinstance(check_answer(ASKED, 2, ANSWER), Damaged)


@pytest.mark.parametrize(
    ("file", "record", "count"), [(0, 0, 1), (65536, 0, 1), (1, 10_000, 1), (1, 0, 0), (1, 0, 123)]
)
def test_what_cannot_be_asked(file, record, count):
    """We never ask for what the standard does not allow."""
    with pytest.raises(ValueError, match=r"file|record"):
        _ = FileRecord(1, file, record, count).pdu


@given(st.integers(0, 255), st.binary(max_size=12))
def test_any_pdu_is_a_record_or_refused(unit, pdu):
    """Bytes of a stranger are a request within the limits, or FrameError."""
    try:
        asked = parse_file_record(unit, pdu)
    except FrameError:
        return
    assert asked.pdu == pdu
