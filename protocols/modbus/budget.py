"""The bus-time budget: what a schedule costs on a serial line, from baud rate and plan.

One exchange on RTU (Modbus over Serial Line V1.02, clause 2.5.1.1): request of 8 characters,
silence of 3.5, the instrument's turnaround, answer of 5 characters and its data, silence of 3.5.
Above 19200 baud the silence is 1.75 ms, as instruments may need it. ASCII: clause 2.5.2.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from protocols.modbus.ascii_frames import ascii_size
from protocols.modbus.plan import Block

REQUEST_PDU: Final = 5
REQUEST_CHARS: Final = 8
ANSWER_CHARS: Final = 5
TURNAROUND_MS: Final = 25.0
"""Assumed: no profile's source tells how long its instrument takes to begin an answer."""
MAX_LOAD: Final = 0.95
"""What a schedule may take of the bus; 4 % are for devices that are dead, the rest for losses."""


class Load(NamedTuple):
    """What one device asks of its bus."""

    device: str
    blocks: tuple[Block, ...]
    poll_ms: int


class Line(NamedTuple):
    """A serial line: characters of `bits_per_char`, and how it frames; `pause_ms` at least."""

    baud: int
    bits_per_char: int
    turnaround_ms: float = TURNAROUND_MS
    pause_ms: float = 0.0
    ascii: bool = False

    @property
    def char_ms(self) -> float:
        return char_ms(self.baud, self.bits_per_char)

    @property
    def silence_ms(self) -> float:
        return max(self.pause_ms, silence_ms(self.baud, self.bits_per_char))

    def request_chars(self) -> int:
        return ascii_size(REQUEST_PDU) if self.ascii else REQUEST_CHARS

    def answer_chars(self, block: Block) -> int:
        """Of the whole frame."""
        if self.ascii:
            return ascii_size(2 + block.data_bytes)
        return ANSWER_CHARS + block.data_bytes

    def scan_ms(self, blocks: Sequence[Block]) -> float:
        """Milliseconds that one scan of these blocks holds the line."""
        fixed = 2 * self.silence_ms + self.turnaround_ms
        chars = sum(self.request_chars() + self.answer_chars(block) for block in blocks)
        return chars * self.char_ms + fixed * len(blocks)


def char_ms(baud: int, bits_per_char: int) -> float:
    """Milliseconds a character takes; 10 bits for 8N1, 11 with parity or a second stop bit."""
    return 1000.0 * bits_per_char / baud


def silence_ms(baud: int, bits_per_char: int) -> float:
    """The silence of 3.5 characters that ends a frame."""
    return 3.5 * char_ms(baud, bits_per_char) if baud <= 19200 else 1.75


def load_of(loads: Sequence[Load], line: Line) -> float:
    """The part of the line that a schedule needs; 1 is all of it."""
    return sum(line.scan_ms(load.blocks) / load.poll_ms for load in loads)


def line_faults(loads: Sequence[Load], line: Line) -> list[str]:
    """The fault of a schedule that cannot fit the line, with the figures; empty where it fits."""
    total = load_of(loads, line)
    if total <= MAX_LOAD:
        return []
    shares = []
    for load in loads:
        cost = line.scan_ms(load.blocks)
        shares.append(
            f"{load.device} {len(load.blocks)} requests, {cost:.0f} ms each {load.poll_ms} ms"
            f" = {100 * cost / load.poll_ms:.1f} %"
        )
    fault = (
        f"the schedule needs {100 * total:.0f} % of the line at {line.baud} baud, at most"
        f" {100 * MAX_LOAD:.0f} % may be used ({'; '.join(shares)}):"
        " poll less often, read fewer points, or raise the baud rate"
    )
    return [fault]
