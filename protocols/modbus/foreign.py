"""Requests that we did not make: somebody else is master on our line.

For the technician, and to know whom to probe anew. Here a frame is searched for, which for a value
would be forbidden: by chance eight bytes of noise pass once in some hundred thousand.
"""

from typing import Final

from protocols.modbus.ascii_frames import Framing
from protocols.modbus.frames import FrameError, Request, parse_read_request, split_rtu
from protocols.modbus.write import WRITE_COIL, WRITE_REGISTER

REQUEST_BYTES: Final = 8
_HEX: Final = frozenset(b"0123456789ABCDEF")
_WRITES: Final = (WRITE_COIL, WRITE_REGISTER)


def sender_of(heard: bytes, framing: Framing) -> set[int]:
    """The units that may have sent these bytes: a frame begins with its unit.

    On RTU a byte of noise may stand before it, as an adapter makes one when the line is let go.
    """
    if framing == "rtu":
        return set(heard[:2])
    digits = heard[1:3]
    return {int(digits, 16)} if len(digits) == 2 and _HEX.issuperset(digits) else set()


def foreign_request(heard: bytes, sent: bytes = b"") -> str:
    """The first RTU request in bytes nobody asked for, in words; empty where there is none.

    `sent` is our own request: an adapter that echoes is no other master.
    """
    for at in range(len(heard) - REQUEST_BYTES + 1):
        frame = heard[at : at + REQUEST_BYTES]
        if frame == sent:
            continue
        try:
            unit, pdu = split_rtu(frame)
            if pdu[0] in _WRITES:
                return f"a write to unit {unit}"
            asked: Request = parse_read_request(unit, pdu)
        except FrameError:
            continue
        return f"a read of unit {unit}, function {asked.function}, address {asked.address}"
    return ""
