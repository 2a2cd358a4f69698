"""A port whose bytes are looked at as they are: for listening and for the loopback."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from edge_agent.bus.port import (
    MAX_DRAIN_BYTES,
    Closed,
    Names,
    PortGone,
    SerialPort,
    TcpPort,
    open_serial,
    open_tcp,
    read_now,
    read_some,
)
from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.config.model import BusConfig

RawPort = SerialPort | TcpPort


@contextlib.contextmanager
def raw_port(bus: BusConfig) -> Iterator[RawPort]:
    """Raises CannotUse where it cannot be opened."""
    port = open_serial(bus) if bus.is_serial else open_tcp(bus, Names())
    if isinstance(port, PortGone):
        raise CannotUse(port.reason)
    try:
        yield port
    finally:
        port.close()


def some(port: RawPort, wait_s: float) -> bytes:
    """What comes within a time, maybe nothing. Raises CannotUse where the port is gone."""
    try:
        return read_some(port.fd, time.monotonic() + wait_s)
    except Closed as error:
        raise CannotUse(f"the port is gone: {error}") from error


def drop(port: RawPort) -> int:
    """Throw away what lies in the input, however fast more comes; how many bytes."""
    count = 0
    with contextlib.suppress(Closed):
        while count < MAX_DRAIN_BYTES and (data := read_now(port.fd)):
            count += len(data)
    return count
