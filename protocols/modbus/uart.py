"""What a serial port hears of bytes that were sent at another rate, with another parity, or over
wires that are swapped: the line as levels, sampled as a receiver does.

A character is a start bit (0), the data bits from the lowest, the parity bit if any, stop bits (1);
the line rests at 1. A receiver waits for a fall, then looks at the middle of each bit. Where it
finds no stop bit the kernel delivers a zero byte (termios(3): neither IGNPAR nor PARMRK), and the
next character begins after the line was at rest again. Wires that are swapped turn every level
round: bytes are not simply complemented, since then rest looks like a start.
"""

from __future__ import annotations

from typing import NamedTuple


class Setup(NamedTuple):
    """How one end sends or listens. `parity`: N, E or O. `swapped`: A and B are exchanged."""

    baud: int
    parity: str = "N"
    stop_bits: int = 1
    data_bits: int = 8
    swapped: bool = False


def heard(data: bytes, sent: Setup, by: Setup) -> bytes:
    """The bytes that arrive; at most as many as the line's time allows."""
    levels = _levels(data, sent)
    if sent.swapped != by.swapped:
        levels = [1 - level for level in levels]
    rest = levels[-1]
    end = len(levels) / sent.baud
    found = bytearray()
    now, bit = 0.0, 1.0 / by.baud

    def level(at: float) -> int:
        place = int(at * sent.baud)
        return levels[place] if place < len(levels) else rest

    step = bit / 16.0  # a UART looks sixteen times a bit
    while now < end:
        if level(now):
            now += step
            continue
        value = sum(level(now + (1.5 + place) * bit) << place for place in range(by.data_bits))
        bits = 1 + by.data_bits + (by.parity != "N")
        stopped = level(now + (bits + 0.5) * bit)
        found.append(value if stopped else 0)
        now += (bits + 0.5) * bit
        while not stopped and now < end and not level(now):
            now += step
    return bytes(found)


def _levels(data: bytes, sent: Setup) -> list[int]:
    """One level a bit time; a little rest before and behind."""
    levels = [1, 1]
    for byte in data:
        bits = [byte >> place & 1 for place in range(sent.data_bits)]
        levels += [0, *bits]
        if sent.parity != "N":
            levels.append(sum(bits) & 1 ^ (sent.parity == "O"))
        levels += [1] * sent.stop_bits
    return [*levels, 1, 1]
