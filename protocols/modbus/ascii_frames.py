"""Modbus ASCII: `:` unit and PDU in hexadecimal, LRC, CR LF.

Modbus over Serial Line V1.02, clauses 2.5.2 and 6.2.1. The LRC is a sum: it finds each single bit
error, but not two that cancel out. Only digits and A to F are hexadecimal here, as the standard
writes them.
"""

from typing import Final, Literal

from protocols.modbus.frames import MAX_PDU, FrameError

Framing = Literal["rtu", "ascii"]

START: Final = b":"
END: Final = b"\r\n"
_DIGITS: Final = frozenset(b"0123456789ABCDEF")
MIN_ASCII: Final = 9  # start, unit, function, LRC, end
MAX_ASCII: Final = 3 + 2 * (MAX_PDU + 2)


def lrc(data: bytes) -> int:
    """The two's complement of the sum of the bytes."""
    return -sum(data) & 0xFF


def ascii_frame(unit: int, pdu: bytes) -> bytes:
    """The frame on a serial line."""
    body = bytes((unit,)) + pdu
    return START + (body + bytes((lrc(body),))).hex().upper().encode() + END


def ascii_size(pdu_size: int) -> int:
    """The characters of a frame around a PDU."""
    return 3 + 2 * (pdu_size + 2)


def split_ascii(frame: bytes) -> tuple[int, bytes]:
    """Unit and PDU of exactly one ASCII frame; raises FrameError for any other bytes."""
    if not MIN_ASCII <= len(frame) <= MAX_ASCII or len(frame) % 2 == 0:
        raise FrameError(f"{len(frame)} characters are no ASCII frame")
    digits = frame[1:-2]
    if frame[:1] != START or frame[-2:] != END or not _DIGITS.issuperset(digits):
        raise FrameError("no ASCII frame: colon, hexadecimal digits, CR LF")
    data = bytes.fromhex(digits.decode())
    if lrc(data[:-1]) != data[-1]:
        raise FrameError(f"LRC does not match in {len(frame)} characters")
    return data[0], data[1:-1]
