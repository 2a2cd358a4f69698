"""The exact-answer check: the answer to the request asked, or no answer at all.

An answer counts only with the unit and function asked for, a byte count of twice the registers
asked for, and not a byte more or less. Everything else is Damaged, never a value.
"""

import struct
from typing import NamedTuple

from protocols.modbus.frames import EXCEPTION_BIT, FrameError, Request, split_rtu, split_tcp


class Registers(NamedTuple):
    """The 16-bit words as they came, as many as were asked for."""

    words: tuple[int, ...]


class ExceptionAnswer(NamedTuple):
    """The device refuses; Modbus Application Protocol V1.1b3, clause 7 (02 address, 06 busy)."""

    code: int


class Damaged(NamedTuple):
    """Bytes came, but not the answer; `reason` for the technician."""

    reason: str


Checked = Registers | ExceptionAnswer | Damaged


def check_answer(request: Request, unit: int, pdu: bytes) -> Checked:
    """Judge the PDU that came as answer; never raises."""
    if unit != request.unit:
        return Damaged(f"answer of unit {unit}, asked {request.unit}")
    if not pdu:
        return Damaged("empty answer")
    function = pdu[0]
    if function == request.function | EXCEPTION_BIT:
        if len(pdu) != 2 or pdu[1] == 0:
            return Damaged(f"malformed exception of {len(pdu)} bytes")
        return ExceptionAnswer(pdu[1])
    if function != request.function:
        return Damaged(f"answer to function {function}, asked {request.function}")
    wanted = 2 + 2 * request.count
    if len(pdu) != wanted or pdu[1] != 2 * request.count:
        return Damaged(f"answer of {len(pdu)} bytes, {wanted} asked for")
    return Registers(struct.unpack_from(f">{request.count}H", pdu, 2))


def check_rtu(request: Request, frame: bytes) -> Checked:
    """Judge all the bytes that came over a serial line after the request."""
    try:
        unit, pdu = split_rtu(frame)
    except FrameError as error:
        return Damaged(str(error))
    return check_answer(request, unit, pdu)


def check_tcp(request: Request, transaction: int, frame: bytes) -> Checked:
    """Judge one whole frame that came over a TCP connection after the request."""
    try:
        found, unit, pdu = split_tcp(frame)
    except FrameError as error:
        return Damaged(str(error))
    if found != transaction:
        return Damaged(f"answer to transaction {found}, asked {transaction}")
    return check_answer(request, unit, pdu)
