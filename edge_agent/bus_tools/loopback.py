"""A pattern out of one port and into another (or back into the same): what arrives, and as what.

All 256 bytes, then those that change each bit and those that change none: what a wrong rate, a
wrong parity or a bad wire does to bytes shows in one of them. The pattern is no Modbus request.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from edge_agent.bus_tools.raw_port import RawPort, drop, some
from edge_agent.config.bus_time import bits_per_char
from edge_agent.config.model import BusConfig
from protocols.modbus.budget import char_ms

PATTERN: Final = bytes(range(256)) + b"\x55" * 16 + b"\xaa" * 16 + b"\x00\xff" * 8
PIECE: Final = 64
AFTER_S: Final = 0.3


class Way(NamedTuple):
    """One direction. `lost`: bytes that did not arrive; `wrong`: that arrived as others."""

    name: str
    sent: int
    heard: int
    lost: int
    wrong: int
    extra: int
    echo: int  # bytes that came back into the port that sent them

    @property
    def is_good(self) -> bool:
        return self.heard == self.sent and not self.wrong

    @property
    def is_dead(self) -> bool:
        return self.heard == 0


def compare(name: str, sent: bytes, heard: bytes, echo: int = 0) -> Way:
    """Place by place: the pattern's bytes stand where they were sent, or they do not."""
    wrong = sum(one != other for one, other in zip(sent, heard, strict=False))
    lost, extra = max(0, len(sent) - len(heard)), max(0, len(heard) - len(sent))
    return Way(name, len(sent), len(heard), lost, wrong, extra, echo)


def run(name: str, bus: BusConfig, sender: RawPort, hearer: RawPort) -> Way:
    """Send it all in pieces, hear what comes. With one port for both, what comes back is heard."""
    drop(sender)
    drop(hearer)
    char_s = char_ms(bus.baud, bits_per_char(bus)) / 1000
    heard = b""
    for at in range(0, len(PATTERN), PIECE):
        piece = PATTERN[at : at + PIECE]
        sender.send(piece)
        heard += _hear(hearer, len(piece) * char_s, len(PATTERN))
    heard += _hear(hearer, AFTER_S, len(PATTERN) - len(heard))
    echo = 0 if sender is hearer else drop(sender)
    return compare(name, PATTERN, heard, echo)


def _hear(port: RawPort, wait_s: float, most: int) -> bytes:
    """For so long, or as many as are due; a flood is cut off."""
    data, until_s = b"", time.monotonic() + wait_s
    while (left_s := until_s - time.monotonic()) > 0 and len(data) < most:
        data += some(port, left_s)
    return data[: 2 * len(PATTERN)]
