"""The exact-answer check: the answer to the request asked, or no answer at all.

An answer counts only with the unit and function asked for, the byte count that belongs to what was
asked, and not a byte more or less; a write only with its exact echo. Everything else is Damaged,
never a value.
"""

import struct
from typing import NamedTuple, assert_never

from protocols.modbus.ascii_frames import split_ascii
from protocols.modbus.file_record import FileRecord, record_words
from protocols.modbus.frames import (
    BIT_FUNCTIONS,
    EXCEPTION_BIT,
    FrameError,
    Request,
    split_rtu,
    split_tcp,
)
from protocols.modbus.write import Write, Written


class Registers(NamedTuple):
    """The 16-bit words as they came; two a register of four bytes, one (0 or 1) a coil or input."""

    words: tuple[int, ...]


class ExceptionAnswer(NamedTuple):
    """The device refuses; Modbus Application Protocol V1.1b3, clause 7 (02 address, 06 busy)."""

    code: int


class Damaged(NamedTuple):
    """Bytes came, but not the answer; `reason` for the technician."""

    reason: str


Checked = Registers | Written | ExceptionAnswer | Damaged
Asked = Request | Write | FileRecord


def check_answer(asked: Asked, unit: int, pdu: bytes) -> Checked:
    """Judge the PDU that came as answer; never raises."""
    if unit != asked.unit:
        return Damaged(f"answer of unit {unit}, asked {asked.unit}")
    if not pdu:
        return Damaged("empty answer")
    function = pdu[0]
    if function == asked.function | EXCEPTION_BIT:
        if len(pdu) != 2 or pdu[1] == 0:
            return Damaged(f"malformed exception of {len(pdu)} bytes")
        return ExceptionAnswer(pdu[1])
    if function != asked.function:
        return Damaged(f"answer to function {function}, asked {asked.function}")
    match asked:
        case Request():
            return _check_read(asked, pdu)
        case FileRecord():
            words = record_words(asked, pdu)
            return Damaged("no record of a file") if words is None else Registers(words)
        case Write():
            return Written() if pdu == asked.echo else Damaged("the echo is not what was written")
        case _:
            assert_never(asked)


def _check_read(request: Request, pdu: bytes) -> Registers | Damaged:
    size = request.data_bytes
    if len(pdu) != 2 + size or pdu[1] != size:
        return Damaged(f"answer of {len(pdu)} bytes, {2 + size} asked for")
    if request.function in BIT_FUNCTIONS:
        bits = int.from_bytes(pdu[2:], "little")  # the padding behind the last bit says nothing
        return Registers(tuple(bits >> place & 1 for place in range(request.count)))
    return Registers(struct.unpack_from(f">{size // 2}H", pdu, 2))


def check_rtu(asked: Asked, frame: bytes) -> Checked:
    """Judge all the bytes that came over a serial line after the request."""
    try:
        unit, pdu = split_rtu(frame)
    except FrameError as error:
        return Damaged(str(error))
    return check_answer(asked, unit, pdu)


def check_ascii(asked: Asked, frame: bytes) -> Checked:
    """Judge all the characters that came over an ASCII line after the request."""
    try:
        unit, pdu = split_ascii(frame)
    except FrameError as error:
        return Damaged(str(error))
    return check_answer(asked, unit, pdu)


def check_tcp(asked: Asked, transaction: int, frame: bytes) -> Checked:
    """Judge one whole frame that came over a TCP connection after the request."""
    try:
        found, unit, pdu = split_tcp(frame)
    except FrameError as error:
        return Damaged(str(error))
    if found != transaction:
        return Damaged(f"answer to transaction {found}, asked {transaction}")
    return check_answer(asked, unit, pdu)
