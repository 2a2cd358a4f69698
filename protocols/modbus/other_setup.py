"""The rate, parity and polarity at which the other end sends, told by what our port hears of it.

`diagnosis.py` says what that means; `uart.py` is the model of a port.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from protocols.modbus.damage import Sample
from protocols.modbus.frames import EXCEPTION_BIT
from protocols.modbus.uart import Setup, heard

BAUDS: Final = (9600, 19200, 2400, 4800, 38400, 57600, 115200, 1200)
PARITIES: Final = ("N", "E", "O")
MIN_BREAKS: Final = 3
"""Fewer tell nothing."""
MIN_RIGHT: Final = 6
"""Bytes with one parity: by chance one line in 32 is so."""


def other_setup(samples: Sequence[Sample], ours: Setup) -> Setup | None:
    """How the other end sends, if its answers sent so are what our port would hear of them."""
    lost = [sample for sample in samples if len(sample.sent) >= 4 and not is_rest(sample.heard)]
    if not lost:
        return None
    if not any(_has_our_head(sample) for sample in lost):
        for setup in _others(ours):
            if all(_fits(sample, setup, ours) for sample in lost):
                return setup
    return _other_parity(lost, ours)


def _has_our_head(sample: Sample) -> bool:
    """Whether it speaks as we do, at least at first."""
    unit, function = sample.heard[:1], sample.heard[1:2]
    asked = sample.sent[1]
    return unit == sample.sent[:1] and function in (b"", bytes((asked,)), bytes((asked | 0x80,)))


def _fits(sample: Sample, theirs: Setup, ours: Setup) -> bool:
    """Of an RTU answer three bytes are known: unit, function, the byte count or an exception.

    What follows them changes the last byte that is heard of them, so that one does not count.
    """
    unit, function = sample.sent[0], sample.sent[1]
    for known, due in (
        (bytes((unit, function, sample.due - 5 & 0xFF)), sample.due),
        (bytes((unit, function | EXCEPTION_BIT)), 5),
    ):
        expected = heard(known, theirs, ours)
        ratio = len(sample.heard) / (due * len(expected) / len(known))
        told = any(expected[:-1]) and 0.6 < ratio < 1.6
        breaks = len(expected) > MIN_BREAKS and 0.8 < ratio < 1.25
        if (told or breaks) and sample.heard.startswith(expected[:-1]):
            return True
    return False


def _other_parity(lost: Sequence[Sample], ours: Setup) -> Setup | None:
    """Its parity bit stands where our stop bit should: each byte is right, or a break.

    Those that are right all have an odd number of ones (even parity), or all an even one.
    """
    data = b"".join(sample.heard for sample in lost)
    if ours.parity != "N" or any(len(sample.heard) != sample.due for sample in lost):
        return None
    odd = {byte.bit_count() & 1 for byte in data if byte}
    if len(odd) != 1 or len(data) - data.count(0) < MIN_RIGHT or data.count(0) < MIN_BREAKS:
        return None
    return ours._replace(parity="E" if odd == {1} else "O")


def _others(ours: Setup) -> Iterator[Setup]:
    """Near ones first: parity, swapped wires, other rates."""
    for parity in PARITIES:
        if parity != ours.parity:
            yield ours._replace(parity=parity)
    yield ours._replace(swapped=not ours.swapped)
    for baud in BAUDS:
        for parity in PARITIES:
            if baud != ours.baud:
                yield ours._replace(baud=baud, parity=parity)


def is_rest(data: bytes) -> bool:
    """Nothing but breaks, or but the level of rest."""
    return not data.strip(b"\0") or not data.strip(b"\xff")
