"""Somebody else's traffic on an RTU line, out of the bytes alone: requests paired with answers.

A frame is taken where its length fits its function and its CRC fits both; adapters deliver in lumps
of many ms, so silence alone cannot cut frames apart. It only tells that what is incomplete will not
be completed: then bytes are passed over one by one until a frame begins (never for a value that is
metered: this is for a person who listens).

An 8-byte frame of function 1 or 2 may be a request or an answer of three bytes; one of 5, 6, 15, 16
a request or its echo: it is an answer where it fits the request before it. Of the other functions a
few have a request of one length, which none of their answers has: else who begins to listen between
the two would take them for each other ever after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from protocols.modbus.frames import (
    BIT_FUNCTIONS,
    EXCEPTION_BIT,
    MAX_RTU,
    MIN_RTU,
    READ_FUNCTIONS,
    crc16,
    sound_beginning,
)
from protocols.modbus.write import WRITE_FUNCTIONS

REQUEST_BYTES: Final = 8
EXCEPTION_BYTES: Final = 5
MAX_BLOCKS: Final = 256
MAX_UNITS: Final = 256
MAX_BUFFER: Final = 4 * MAX_RTU
_SHORT_WRITES: Final = (5, 6)
_LONG_WRITES: Final = (15, 16)
_TUNNEL: Final = 43
_IDENTIFICATION: Final = 14
_BYTES_ASKED: Final = {7: 4, 11: 4, 12: 4, 17: 4, 24: 6, 43: 7}
"""Of the whole request; V1.1b3, clauses 6.7, 6.9, 6.10, 6.13, 6.18 and 6.21."""


class Kind(StrEnum):
    """What a frame is."""

    REQUEST = "request"
    ANSWER = "answer"
    EXCEPTION = "exception"


class Heard(NamedTuple):
    """One frame. `address` and `quantity` of an answer are its request's; None: not known.

    `words` are the registers or the bits of a read, or what is written. `delay_s`: since the
    request was whole.
    """

    at_s: float
    kind: Kind
    unit: int
    function: int
    address: int | None
    quantity: int | None
    words: tuple[int, ...]
    code: int
    delay_s: float | None
    frame: bytes


Block = tuple[int, int, int]
"""Function, address, count."""


@dataclass
class UnitSeen:
    """What was heard of one unit. `blocks` at most MAX_BLOCKS, each with how often."""

    requests: int = 0
    answers: int = 0
    exceptions: int = 0
    unanswered: int = 0
    slowest_s: float = 0.0
    blocks: dict[Block, int] = field(default_factory=dict)


class Sniffer:
    """Bytes in as they come, frames out; `units` and `junk_bytes` are the account.

    `plain` are the frames of reads and writes, whose length follows from their bytes. Of other
    functions any length may be one, so that 1 in 500 bytes of junk begins a frame by chance.
    """

    def __init__(self) -> None:
        self.units: dict[int, UnitSeen] = {}
        self.junk_bytes = 0
        self.frames = 0
        self.plain = 0
        self._data = b""
        self._asked: Heard | None = None

    def came(self, data: bytes, now_s: float) -> Iterator[Heard]:
        """Bytes, and when they had come."""
        self._data += data
        yield from self._take(now_s, is_silent=len(self._data) > MAX_BUFFER)

    def silence(self, now_s: float) -> Iterator[Heard]:
        """The line was silent for longer than a frame is ever torn: nothing will be completed."""
        yield from self._take(now_s, is_silent=True)

    def _take(self, now_s: float, *, is_silent: bool) -> Iterator[Heard]:
        while self._data:
            length, may_grow = _frame_length(self._data, self._asked)
            if length:
                frame, self._data = self._data[:length], self._data[length:]
                yield self._frame(frame, now_s)
            elif may_grow and not is_silent:
                return
            else:
                self._data = self._data[1:]
                self.junk_bytes += 1

    def _frame(self, frame: bytes, now_s: float) -> Heard:
        self.frames += 1
        asked = self._asked
        heard = _read(frame, now_s, asked)
        self.plain += heard.function in (*READ_FUNCTIONS, *WRITE_FUNCTIONS)
        seen = self._seen(heard.unit)
        if heard.kind is Kind.REQUEST:
            if asked is not None:
                self._seen(asked.unit).unanswered += 1
            self._asked = heard
            seen.requests += 1
            block = (heard.function, heard.address or 0, heard.quantity or 0)
            if block in seen.blocks or len(seen.blocks) < MAX_BLOCKS:
                seen.blocks[block] = seen.blocks.get(block, 0) + 1
            return heard
        self._asked = None
        seen.answers += heard.kind is Kind.ANSWER
        seen.exceptions += heard.kind is Kind.EXCEPTION
        seen.slowest_s = max(seen.slowest_s, heard.delay_s or 0.0)
        return heard

    def _seen(self, unit: int) -> UnitSeen:
        return self.units.setdefault(unit, UnitSeen())


def _frame_length(data: bytes, asked: Heard | None) -> tuple[int, bool]:
    """The length of the frame that begins here, 0 where none does; whether one still may."""
    if len(data) < 2:
        return 0, True
    lengths = _lengths(data, asked)
    if not lengths:
        return sound_beginning(data), len(data) < MAX_RTU
    for length in lengths:
        if MIN_RTU <= length <= min(len(data), MAX_RTU) and _is_sound(data[:length]):
            return length, True
    return 0, any(length > len(data) for length in lengths)


def _is_sound(frame: bytes) -> bool:
    return crc16(frame[:-2]) == int.from_bytes(frame[-2:], "little")


def _lengths(data: bytes, asked: Heard | None) -> list[int]:
    """What the function allows, the likeliest first; a byte count may be yet to come. Empty: any,
    of a function that this program does not know."""
    function = data[1]
    if function & EXCEPTION_BIT:
        return [EXCEPTION_BYTES]
    if function in READ_FUNCTIONS:
        answer = 5 + data[2] if len(data) > 2 else MAX_RTU
        fits = asked is not None and (asked.unit, asked.function) == (data[0], function)
        return [answer, REQUEST_BYTES] if fits else [REQUEST_BYTES, answer]
    if function in _SHORT_WRITES:
        return [REQUEST_BYTES]
    if function in _LONG_WRITES:
        return [REQUEST_BYTES, 9 + data[6] if len(data) > 6 else MAX_RTU]
    return []


def _read(frame: bytes, now_s: float, asked: Heard | None) -> Heard:
    """What a sound frame says, beside the request before it."""
    unit, function, pdu = frame[0], frame[1] & ~EXCEPTION_BIT, frame[1:-2]
    fits = asked is not None and (asked.unit, asked.function) == (unit, function)
    delay_s = now_s - asked.at_s if fits and asked is not None else None
    place = (asked.address, asked.quantity) if fits and asked is not None else (None, None)
    if frame[1] & EXCEPTION_BIT:
        return Heard(now_s, Kind.EXCEPTION, unit, function, *place, (), pdu[1], delay_s, frame)
    if _is_answer(frame, asked if fits else None):
        words = _data_words(pdu, place[1]) if function in READ_FUNCTIONS else ()
        return Heard(now_s, Kind.ANSWER, unit, function, *place, words, 0, delay_s, frame)
    if function not in (*READ_FUNCTIONS, *WRITE_FUNCTIONS):
        return Heard(now_s, Kind.REQUEST, unit, function, None, None, (), 0, None, frame)
    address = int.from_bytes(pdu[1:3], "big")
    value = int.from_bytes(pdu[3:5], "big")
    if function in _SHORT_WRITES:
        return Heard(now_s, Kind.REQUEST, unit, function, address, 1, (value,), 0, None, frame)
    written = _words(pdu[6:]) if function in _LONG_WRITES else ()
    return Heard(now_s, Kind.REQUEST, unit, function, address, value, written, 0, None, frame)


def _is_answer(frame: bytes, asked: Heard | None) -> bool:
    """Whether it answers; `asked`: the request before it, of the same unit and function."""
    function = frame[1]
    if function in READ_FUNCTIONS:
        as_answer = len(frame) == 5 + frame[2]
        if len(frame) != REQUEST_BYTES:
            return as_answer
        if asked is None or not as_answer:
            return False
        size = asked.quantity or 0
        return frame[2] == ((size + 7) // 8 if function in BIT_FUNCTIONS else 2 * size)
    if function in _LONG_WRITES:
        return len(frame) == REQUEST_BYTES
    if function in _BYTES_ASKED and (function != _TUNNEL or frame[2] == _IDENTIFICATION):
        return len(frame) != _BYTES_ASKED[function]
    return asked is not None


def _data_words(pdu: bytes, count: int | None) -> tuple[int, ...]:
    data = pdu[2:]
    if pdu[0] in BIT_FUNCTIONS:
        bits = int.from_bytes(data, "little")
        return tuple(bits >> place & 1 for place in range(min(count or 8 * len(data), 2000)))
    return _words(data)


def _words(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data) - 1, 2))
