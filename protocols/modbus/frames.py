"""Modbus frames as bytes, for both roles: reads, and the RTU and TCP frames around them.

PDU: Modbus Application Protocol V1.1b3, clauses 6.1 to 6.4 and 7. RTU frame `unit pdu crc`, CRC low
byte first: Modbus over Serial Line V1.02, clause 2.5.1. TCP frame `transaction 0 length unit pdu`:
Modbus Messaging on TCP/IP V1.0b, clause 3.1. The Enron/Daniel dialect: a register has four bytes,
and the quantity may name a record of an archive; simplymodbus.ca/Enron.htm, enron_history.htm.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

READ_COILS: Final = 1
READ_DISCRETE: Final = 2
READ_HOLDING: Final = 3
READ_INPUT: Final = 4
BIT_FUNCTIONS: Final = (READ_COILS, READ_DISCRETE)
READ_FUNCTIONS: Final = (READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT)
EXCEPTION_BIT: Final = 0x80
MAX_COUNT: Final = 125
MAX_BITS: Final = 2000
MAX_DATA: Final = 250
"""Bytes of data in one answer: 125 registers or 2000 bits."""
MAX_PDU: Final = 253
MIN_RTU: Final = 4  # unit, function, CRC
MAX_RTU: Final = 256
MBAP: Final = 7
MAX_TCP: Final = MBAP + MAX_PDU

_REQUEST: Final = struct.Struct(">BHH")
_MBAP: Final = struct.Struct(">HHHB")


class FrameError(ValueError):
    """Bytes that are no frame, or no request that this server knows."""


@dataclass(frozen=True, slots=True)
class Request:
    """One read: `count` registers (or bits) from the 0-based `address`.

    `register_bytes` is 4 in the Enron/Daniel dialect. With `record_bytes` the device has an archive
    at `address`, `count` is the number of a record and not a quantity, and the record is so long.
    """

    unit: int
    function: int
    address: int
    count: int
    register_bytes: int = 2
    record_bytes: int = 0

    @property
    def data_bytes(self) -> int:
        """The byte count of the exact answer."""
        if self.record_bytes:
            return self.record_bytes
        if self.function in BIT_FUNCTIONS:
            return (self.count + 7) // 8
        return self.register_bytes * self.count

    @property
    def answer_size(self) -> int:
        """The bytes of the exact answer's PDU."""
        return 2 + self.data_bytes

    @property
    def pdu(self) -> bytes:
        """As a PDU. ValueError outside the standard's and the dialect's limits."""
        fault = _read_fault(self)
        if fault:
            raise ValueError(fault)
        return _REQUEST.pack(self.function, self.address, self.count)


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_TABLE: Final = _crc_table()


def crc16(data: bytes) -> int:
    """CRC of Modbus over Serial Line V1.02, clause 6.2.2: polynomial A001 reflected, start FFFF."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def sound_beginning(data: bytes) -> int:
    """How long the shortest beginning is that is a sound RTU frame; 0 where none is.

    One pass: over a frame together with its CRC, the CRC is 0.
    """
    crc = 0xFFFF
    for length, byte in enumerate(data[:MAX_RTU], 1):
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
        if not crc and length >= MIN_RTU:
            return length
    return 0


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """The frame on a serial line."""
    body = bytes((unit,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """The frame on a TCP connection."""
    return _MBAP.pack(transaction, 0, 1 + len(pdu), unit) + pdu


def read_request(function: int, address: int, count: int) -> bytes:
    """The PDU that asks for `count` registers or bits. ValueError outside the standard's limits."""
    return Request(0, function, address, count).pdu


def answer_pdu(function: int, registers: Sequence[int]) -> bytes:
    """The PDU that a server answers a read of registers with; four bytes are two words here."""
    if not 1 <= len(registers) <= MAX_COUNT:
        raise ValueError(f"{len(registers)} registers; an answer has 1..{MAX_COUNT}")
    return struct.pack(f">BB{len(registers)}H", function, 2 * len(registers), *registers)


def bits_pdu(function: int, bits: Sequence[int]) -> bytes:
    """The PDU that a server answers a read of coils or discrete inputs with; the first is bit 0."""
    if not 1 <= len(bits) <= MAX_BITS:
        raise ValueError(f"{len(bits)} bits; an answer has 1..{MAX_BITS}")
    packed = sum((bit & 1) << place for place, bit in enumerate(bits))
    size = (len(bits) + 7) // 8
    return bytes((function, size)) + packed.to_bytes(size, "little")


def exception_pdu(function: int, code: int) -> bytes:
    """The PDU that a server refuses a request with."""
    return bytes((function | EXCEPTION_BIT, code))


def split_rtu(frame: bytes) -> tuple[int, bytes]:
    """Unit and PDU of exactly one RTU frame; raises FrameError for any other bytes."""
    if not MIN_RTU <= len(frame) <= MAX_RTU:
        raise FrameError(f"{len(frame)} bytes are no RTU frame")
    if crc16(frame[:-2]) != int.from_bytes(frame[-2:], "little"):
        raise FrameError(f"CRC does not match in {len(frame)} bytes")
    return frame[0], frame[1:-2]


def split_tcp(frame: bytes) -> tuple[int, int, bytes]:
    """Transaction, unit and PDU of exactly one TCP frame; raises FrameError for any other bytes."""
    if len(frame) <= MBAP:
        raise FrameError(f"{len(frame)} bytes are no TCP frame")
    transaction, _, _, unit = _MBAP.unpack_from(frame)
    if len(frame) != tcp_length(frame):
        raise FrameError(f"{len(frame)} bytes, but the header says {tcp_length(frame)}")
    return transaction, unit, frame[MBAP:]


def tcp_length(data: bytes) -> int:
    """The length of the whole TCP frame that begins here; `data` is at least the 7-byte header.

    Raises FrameError where no frame can begin: the stream is out of step and must be closed.
    """
    _, protocol, length, _ = _MBAP.unpack_from(data)
    if protocol != 0:
        raise FrameError(f"protocol identifier {protocol} is not Modbus")
    if not 2 <= length <= MAX_PDU + 1:
        raise FrameError(f"header length {length} is outside 2..{MAX_PDU + 1}")
    return MBAP - 1 + int(length)


def parse_read_request(
    unit: int, pdu: bytes, register_bytes: int = 2, record_bytes: int = 0
) -> Request:
    """The request in a PDU; raises FrameError where it is no read within the standard's limits."""
    if len(pdu) != _REQUEST.size or pdu[0] not in READ_FUNCTIONS:
        raise FrameError("no request to read registers")
    function, address, count = _REQUEST.unpack(pdu)
    request = Request(unit, function, address, count, register_bytes, record_bytes)
    fault = _read_fault(request)
    if fault:
        raise FrameError(fault)
    return request


def _read_fault(request: Request) -> str:
    function, address, count = request.function, request.address, request.count
    if function not in READ_FUNCTIONS:
        return f"function {function} does not read registers"
    if request.register_bytes not in (2, 4):
        return f"a register has 2 or 4 bytes, not {request.register_bytes}"
    if request.record_bytes:
        good = 0 <= count <= 0xFFFF and 0 <= address <= 0xFFFF
        if good and request.record_bytes in range(2, MAX_DATA + 1, 2):
            return ""
        return f"cannot read record {count} of {address}, {request.record_bytes} bytes"
    bits = function in BIT_FUNCTIONS
    if (
        1 <= count <= (MAX_BITS if bits else MAX_COUNT)
        and request.data_bytes <= MAX_DATA
        and 0 <= address <= 0x10000 - count
    ):
        return ""
    return f"cannot read {count} {'bits' if bits else 'registers'} from {address}"
