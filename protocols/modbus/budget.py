"""The bus-time budget: what a schedule costs on a serial line, from baud rate and plan.

One exchange on RTU (Modbus over Serial Line V1.02, clause 2.5.1.1): request of 8 characters,
silence of 3.5, the instrument's turnaround, answer of 5 + 2 n characters, silence of 3.5. Above
19200 baud the silence is fixed at 1.75 ms.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from protocols.modbus.plan import Block

REQUEST_CHARS: Final = 8
ANSWER_CHARS: Final = 5
TURNAROUND_MS: Final = 25.0
"""Assumed: no profile's source tells how long its instrument takes to begin an answer."""
MAX_LOAD: Final = 0.8
"""What a schedule may take of the bus; the rest is for re-probes and lost answers."""


class Load(NamedTuple):
    """What one device asks of its bus."""

    device: str
    blocks: tuple[Block, ...]
    poll_ms: int


def char_ms(baud: int, bits_per_char: int) -> float:
    """Milliseconds a character takes; 10 bits for 8N1, 11 with parity or a second stop bit."""
    return 1000.0 * bits_per_char / baud


def silence_ms(baud: int, bits_per_char: int) -> float:
    """The silence of 3.5 characters that ends a frame."""
    return 3.5 * char_ms(baud, bits_per_char) if baud <= 19200 else 1.75


def bus_time_ms(
    blocks: Sequence[Block], baud: int, bits_per_char: int, turnaround_ms: float = TURNAROUND_MS
) -> float:
    """Milliseconds that one scan of these blocks holds the line."""
    char = char_ms(baud, bits_per_char)
    fixed = 2 * silence_ms(baud, bits_per_char) + turnaround_ms
    return sum(char * (REQUEST_CHARS + ANSWER_CHARS + 2 * block.count) + fixed for block in blocks)


def check_schedule(
    loads: Sequence[Load], baud: int, bits_per_char: int, turnaround_ms: float = TURNAROUND_MS
) -> list[str]:
    """The fault of a schedule that cannot fit the line, with the figures; empty where it fits."""
    shares = []
    total = 0.0
    for load in loads:
        cost = bus_time_ms(load.blocks, baud, bits_per_char, turnaround_ms)
        total += cost / load.poll_ms
        shares.append(
            f"{load.device} {len(load.blocks)} requests, {cost:.0f} ms each {load.poll_ms} ms"
            f" = {100 * cost / load.poll_ms:.1f} %"
        )
    if total <= MAX_LOAD:
        return []
    fault = (
        f"the schedule needs {100 * total:.0f} % of the line at {baud} baud, at most"
        f" {100 * MAX_LOAD:.0f} % may be used ({'; '.join(shares)}):"
        " poll less often, read fewer points, or raise the baud rate"
    )
    return [fault]
