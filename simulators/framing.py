"""How a PDU is wrapped on each transport, in both directions; and what an instrument sends when.

An exchange takes a request's frame as it was heard and gives the bursts that go back: none where
the line stays silent, one as a rule, several where a fault makes it so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from protocols.modbus.ascii_frames import END, MAX_ASCII, ascii_frame, split_ascii
from protocols.modbus.frames import (
    MAX_RTU,
    MAX_TCP,
    rtu_frame,
    split_rtu,
    split_tcp,
    tcp_frame,
)

Respond = Callable[[int, bytes], bytes | None]
"""Unit and request PDU -> answer PDU, or None where the line stays silent."""


class Burst(NamedTuple):
    """Bytes that begin so long after the answer's own time."""

    after_ms: int
    data: bytes


Exchange = Callable[[bytes], Sequence[Burst]]
"""Raises FrameError where the request is no frame: nobody hears it."""


class Wrapped(NamedTuple):
    """A frame taken apart; `tag` is what an answer must repeat (TCP: the transaction)."""

    tag: int
    unit: int
    pdu: bytes


class Framing(NamedTuple):
    """One transport's frames; `end` ends a frame on a serial line, where silence does not."""

    name: str
    split: Callable[[bytes], Wrapped]
    join: Callable[[Wrapped], bytes]
    longest: int
    end: bytes = b""


RTU: Final = Framing(
    "rtu",
    lambda frame: Wrapped(0, *split_rtu(frame)),
    lambda wrapped: rtu_frame(wrapped.unit, wrapped.pdu),
    MAX_RTU,
)
ASCII: Final = Framing(
    "ascii",
    lambda frame: Wrapped(0, *split_ascii(frame)),
    lambda wrapped: ascii_frame(wrapped.unit, wrapped.pdu),
    MAX_ASCII,
    END,
)
TCP: Final = Framing(
    "tcp",
    lambda frame: Wrapped(*split_tcp(frame)),
    lambda wrapped: tcp_frame(wrapped.tag, wrapped.unit, wrapped.pdu),
    MAX_TCP,
)


def plain(framing: Framing, respond: Respond) -> Exchange:
    """Each request has its answer, or none, and nothing else happens."""

    def exchange(frame: bytes) -> Sequence[Burst]:
        request = framing.split(frame)
        answer = respond(request.unit, request.pdu)
        if answer is None:
            return ()
        return (Burst(0, framing.join(request._replace(pdu=answer))),)

    return exchange
