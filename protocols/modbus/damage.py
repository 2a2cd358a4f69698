"""What is wrong with bytes that came instead of an answer, told by the bytes alone.

| kind | the bytes |
|---|---|
| echo | begin with our own request: a two-wire adapter hears itself |
| foreign | a sound frame of another unit, function or transaction, or another master's request |
| length | fewer or more than the answer has |
| crc | as many as they should be, but not as they were sent (RTU and ASCII) |
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from protocols.modbus.ascii_frames import ascii_size, split_ascii
from protocols.modbus.foreign import foreign_request
from protocols.modbus.frames import EXCEPTION_BIT, MBAP, FrameError, split_rtu, split_tcp

MAX_SAMPLE_BYTES: Final = 300
"""Longer than any frame; what goes on after it is told by its beginning."""
EXCEPTION_PDU: Final = 2
Wrapping = Literal["rtu", "ascii", "tcp"]
"""How PDUs are wrapped on a bus; RTU behind a serial server is RTU."""


class Damage(StrEnum):
    """One of the counters of a bus."""

    ECHO = "echo"
    FOREIGN = "foreign"
    LENGTH = "length"
    CRC = "crc"


class Sample(NamedTuple):
    """A lost exchange as bytes: what was sent, what was heard, how many bytes were due."""

    sent: bytes
    heard: bytes
    due: int

    def bounded(self) -> Sample:
        """At most MAX_SAMPLE_BYTES of each, to be kept."""
        most = MAX_SAMPLE_BYTES
        return Sample(self.sent[:most], self.heard[:most], self.due)


def frame_size(wrapping: Wrapping, pdu_size: int) -> int:
    """Bytes of the frame around a PDU."""
    match wrapping:
        case "rtu":
            return pdu_size + 3
        case "ascii":
            return ascii_size(pdu_size)
        case "tcp":
            return MBAP + pdu_size


def damage_of(sample: Sample, wrapping: Wrapping) -> Damage:
    """The kind of damage; `sample.heard` is not empty, and not the answer."""
    sent, heard, due = sample
    if wrapping != "tcp" and heard.startswith(sent):
        return Damage.ECHO
    if is_sound(heard, wrapping):
        same = _asked(heard, wrapping) == _asked(sent, wrapping)
        return Damage.LENGTH if same else Damage.FOREIGN
    if wrapping == "rtu" and foreign_request(heard, sent):
        return Damage.FOREIGN
    refused = len(heard) == frame_size(wrapping, EXCEPTION_PDU)
    if wrapping == "tcp" or (len(heard) != due and not refused):
        return Damage.LENGTH
    return Damage.CRC


def is_sound(frame: bytes, wrapping: Wrapping) -> bool:
    """Whether these are exactly one frame whose check fits."""
    try:
        _split(frame, wrapping)
    except FrameError:
        return False
    return True


def is_endless(sample: Sample) -> bool:
    """More than any frame has: somebody sends all the time."""
    return len(sample.heard) >= MAX_SAMPLE_BYTES


def is_behind(sample: Sample, wrapping: Wrapping, others: Collection[int] = ()) -> bool:
    """A sound answer to something else: of the unit that was asked, or of one of `others`."""
    sent, heard, due = sample
    if not is_sound(heard, wrapping) or not is_sound(sent, wrapping):
        return False
    unit, function = _asked(heard, wrapping)[1:]
    asked_unit, asked_function = _asked(sent, wrapping)[1:]
    if unit != asked_unit:
        return unit in others
    return function != asked_function or len(heard) != due


def _asked(frame: bytes, wrapping: Wrapping) -> tuple[int, int, int]:
    """Transaction, unit and function that a sound frame belongs to."""
    transaction, unit, pdu = _split(frame, wrapping)
    return transaction, unit, (pdu[0] & ~EXCEPTION_BIT if pdu else 0)


def _split(frame: bytes, wrapping: Wrapping) -> tuple[int, int, bytes]:
    match wrapping:
        case "rtu":
            return 0, *split_rtu(frame)
        case "ascii":
            return 0, *split_ascii(frame)
        case "tcp":
            return split_tcp(frame)
