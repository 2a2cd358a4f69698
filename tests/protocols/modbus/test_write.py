"""Writes: the standard's examples, the exact echo, and the server's side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.answer import Damaged, ExceptionAnswer, check_answer
from protocols.modbus.frames import FrameError, exception_pdu
from protocols.modbus.write import Write, Written, parse_write

# Modbus Application Protocol V1.1b3: the examples of clauses 6.5, 6.6, 6.11 and 6.12
EXAMPLES = [
    (Write(1, 5, 172, (1,)), "05 00AC FF00", "05 00AC FF00"),
    (Write(1, 6, 1, (3,)), "06 0001 0003", "06 0001 0003"),
    (Write(1, 15, 19, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0)), "0F 0013 000A 02 CD01", "0F 0013 000A"),
    (Write(1, 16, 1, (10, 0x0102)), "10 0001 0002 04 000A 0102", "10 0001 0002"),
    # a register of four bytes in the Enron/Daniel dialect: float 2.5 to register 7007
    (Write(1, 6, 7007, (0x40200000,), 4), "06 1B5F 40200000", "06 1B5F 40200000"),
    (Write(1, 16, 7007, (1, 2), 4), "10 1B5F 0002 08 00000001 00000002", "10 1B5F 0002"),
]


@pytest.mark.parametrize(("write", "request_", "echo"), EXAMPLES)
def test_published_frames(write, request_, echo):
    """Request and answer are those of the standard; the server reads the same write."""
    assert write.pdu == bytes.fromhex(request_)
    assert write.echo == bytes.fromhex(echo)
    assert parse_write(1, write.pdu, write.register_bytes) == write
    assert check_answer(write, 1, write.echo) == Written()


@pytest.mark.parametrize("write", [example[0] for example in EXAMPLES])
def test_only_the_exact_echo_counts(write):
    """One wrong byte, one too many or too few, another unit: the write is not known to be done."""
    echo = write.echo
    for at in range(len(echo)):
        broken = echo[:at] + bytes((echo[at] ^ 1,)) + echo[at + 1 :]
        assert isinstance(check_answer(write, 1, broken), Damaged)
    for broken in (b"", echo[:-1], echo + b"\0"):
        assert isinstance(check_answer(write, 1, broken), Damaged)
    assert isinstance(check_answer(write, 2, echo), Damaged)
    assert check_answer(write, 1, exception_pdu(write.function, 3)) == ExceptionAnswer(3)


@pytest.mark.parametrize(
    "write",
    [
        Write(1, 3, 0, (1,)),
        Write(1, 5, 0, (2,)),
        Write(1, 5, 0, (0, 1)),
        Write(1, 6, 0, ()),
        Write(1, 6, 0, (65536,)),
        Write(1, 6, 0, (-1,)),
        Write(1, 6, 65536, (1,)),
        Write(1, 15, 0, (0,) * 1969),
        Write(1, 16, 0, (0,) * 124),
        Write(1, 16, 65535, (1, 2)),
        Write(1, 16, 0, (0,) * 63, 4),
    ],
)
def test_what_may_not_be_written(write):
    """We never send what the standard does not allow."""
    with pytest.raises(ValueError, match="write"):
        _ = write.pdu


@pytest.mark.parametrize(
    "pdu",
    ["", "05", "05 0000 FF01", "05 0000 0001", "06 0000 01", "10 0001 0002 04 000A", "03 0000 0001",
     "10 0001 0003 04 000A 0102", "0F 0013 000A 02 CDFF", "10 0001 0002 05 000A 0102"],
)  # fmt: skip
def test_parse_refuses(pdu):
    """A server takes only what a master could have made."""
    with pytest.raises(FrameError):
        parse_write(1, bytes.fromhex(pdu))


@given(st.integers(0, 255), st.binary(max_size=30))
def test_any_pdu_is_a_write_or_refused(unit, pdu):
    """Bytes of a stranger are a write within the limits, or FrameError."""
    try:
        write = parse_write(unit, pdu)
    except FrameError:
        return
    assert write.pdu == pdu
