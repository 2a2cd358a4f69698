"""Writing coils and registers: the request, its exact echo, and the server's side.

Modbus Application Protocol V1.1b3, clauses 6.5, 6.6, 6.11 and 6.12. What a write is allowed to
change is decided elsewhere; here are only the bytes. A register of the Enron/Daniel dialect has
four bytes, also in function 6.
"""

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

from protocols.modbus.frames import MAX_DATA, FrameError

WRITE_COIL: Final = 5
WRITE_REGISTER: Final = 6
WRITE_COILS: Final = 15
WRITE_REGISTERS: Final = 16
WRITE_FUNCTIONS: Final = (WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS)
MAX_WRITE_REGISTERS: Final = 123
MAX_WRITE_BITS: Final = 1968
COIL_ON: Final = 0xFF00

_HEAD: Final = struct.Struct(">BH")
_MANY: Final = struct.Struct(">BHHB")


class Written(NamedTuple):
    """The device has taken the write: its answer was the exact echo."""


@dataclass(frozen=True, slots=True)
class Write:
    """`values` from the 0-based `address` on: 0 or 1 for coils, else whole registers."""

    unit: int
    function: int
    address: int
    values: tuple[int, ...]
    register_bytes: int = 2

    @property
    def pdu(self) -> bytes:
        """As a PDU. ValueError outside the standard's limits."""
        fault = _fault(self)
        if fault:
            raise ValueError(fault)
        head = _HEAD.pack(self.function, self.address)
        if self.function == WRITE_COIL:
            return head + (COIL_ON if self.values[0] else 0).to_bytes(2, "big")
        if self.function == WRITE_COILS:
            data = sum(bit << n for n, bit in enumerate(self.values))
            packed = data.to_bytes((len(self.values) + 7) // 8, "little")
        else:
            packed = b"".join(value.to_bytes(self.register_bytes, "big") for value in self.values)
        if self.function == WRITE_REGISTER:
            return head + packed
        return _MANY.pack(self.function, self.address, len(self.values), len(packed)) + packed

    @property
    def echo(self) -> bytes:
        """The PDU of the exact answer: all of a single write, the head of a multiple one."""
        single = self.function in (WRITE_COIL, WRITE_REGISTER)
        return self.pdu if single else self.pdu[:5]

    @property
    def answer_size(self) -> int:
        """The bytes of the exact answer's PDU."""
        return len(self.echo)


def parse_write(unit: int, pdu: bytes, register_bytes: int = 2) -> Write:
    """The write in a PDU; raises FrameError for anything that `Write.pdu` could not have made."""
    if len(pdu) < 5 or pdu[0] not in WRITE_FUNCTIONS:
        raise FrameError("no request to write")
    function, address = _HEAD.unpack_from(pdu)
    if function == WRITE_COIL:
        values: tuple[int, ...] = (int(pdu[3:5] == COIL_ON.to_bytes(2, "big")),)
    elif function == WRITE_REGISTER:
        values = (int.from_bytes(pdu[3:], "big"),)
    else:
        count = int.from_bytes(pdu[3:5], "big")
        values = _unpack(function, count, pdu[6:], register_bytes)
    write = Write(unit, function, address, values, register_bytes)
    if _fault(write) or write.pdu != pdu:
        raise FrameError("malformed request to write")
    return write


def _unpack(function: int, count: int, data: bytes, register_bytes: int) -> tuple[int, ...]:
    if function == WRITE_COILS:
        bits = int.from_bytes(data, "little")
        return tuple(bits >> n & 1 for n in range(min(count, MAX_WRITE_BITS + 1)))
    size = register_bytes
    return tuple(int.from_bytes(data[at : at + size], "big") for at in range(0, len(data), size))


def _fault(write: Write) -> str:
    count, coils = len(write.values), write.function in (WRITE_COIL, WRITE_COILS)
    most = MAX_WRITE_BITS if coils else MAX_WRITE_REGISTERS
    if write.function not in WRITE_FUNCTIONS:
        return f"function {write.function} does not write"
    if write.function in (WRITE_COIL, WRITE_REGISTER):
        most = 1
    if not (1 <= count <= most and 0 <= write.address <= 0x10000 - count):
        return f"cannot write {count} values from {write.address}"
    if not coils and count * write.register_bytes > MAX_DATA:
        return f"cannot write {count} registers of {write.register_bytes} bytes at once"
    top = 1 if coils else (1 << 8 * write.register_bytes) - 1
    if any(not 0 <= value <= top for value in write.values):
        return f"a value to write is outside 0..{top}"
    return ""
