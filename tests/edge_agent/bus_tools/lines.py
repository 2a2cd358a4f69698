"""Serial lines with simulated instruments for the bus tools' tests."""

from __future__ import annotations

import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from protocols.registers.library import load_profile
from simulators.fault_plan import parse_faults
from simulators.faults import FaultyExchange
from simulators.framing import RTU
from simulators.rtu_line import RtuLine
from tests.edge_agent.served import Served

SPEEDS = {9600: termios.B9600, 19200: termios.B19200, 115200: termios.B115200}


def respond_of(units: Mapping[int, str]) -> Callable[[int, bytes], bytes | None]:
    """One device of a profile on each unit; others are silent."""
    served = {unit: Served(load_profile(profile)) for unit, profile in units.items()}
    for one in served.values():
        one.utc_ms = None

    def respond(unit: int, pdu: bytes) -> bytes | None:
        return served[unit].answer(1, pdu) if unit in served else None

    return respond


@contextmanager
def line(
    path: Path,
    units: Mapping[int, str],
    *,
    baud: int = 115_200,
    faults: str = "",
    picky: bool = False,
) -> Iterator[Path]:
    """Instruments behind a pty. `picky`: they hear only who has set the port to their rate."""
    stop = threading.Event()
    respond = respond_of(units)

    def heard(unit: int, pdu: bytes) -> bytes | None:
        speed = termios.tcgetattr(made._port._slave)[5]
        return respond(unit, pdu) if not picky or speed == SPEEDS[baud] else None

    exchange = FaultyExchange(RTU, heard, parse_faults(faults), 1, lambda: 0)
    made = RtuLine(path, exchange, 115_200, stop)  # the wire itself is quick
    made.start()
    try:
        yield path
    finally:
        stop.set()
        made.join(5)
