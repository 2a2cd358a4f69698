"""``python -m tests.bench.bus_masters NAME PORT BAUD SECONDS``: one master, alone in its process.

Each reads 60 registers of unit 1 as fast as it can, as its documentation shows it, and prints how
many answers were good and how many were lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

REGISTERS: Final = 60
TIMEOUT_S: Final = 1.0


class Polls(NamedTuple):
    """What a master got."""

    good: int
    lost: int


def agent(port: str, baud: int, seconds: float) -> Polls:
    """Our whole bus thread: schedule, plan, exact answer, raw integers of 30 float32, scan."""
    from edge_agent.bus.bus import BusThread
    from edge_agent.clock import Clock
    from edge_agent.config.model import BusConfig
    from tests.bench.bus_device import device

    stop, seen = threading.Event(), []
    bus = BusConfig("line", "rtu", port=port, baud=baud, timeout_s=TIMEOUT_S)

    def deliver(scan: object) -> bool:
        seen.append(scan)
        return True

    thread = BusThread(bus, [device("line")], Clock(1), deliver, stop)
    thread.start()
    threading.Event().wait(seconds)
    stop.set()
    thread.join()
    good = sum(scan.quality == 0 for scan in seen)
    return Polls(good, len(seen) - good)


def _repeat(read: Callable[[], bool], seconds: float) -> Polls:
    good = lost = 0
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        if read():
            good += 1
        else:
            lost += 1
    return Polls(good, lost)


def pymodbus_sync(port: str, baud: int, seconds: float) -> Polls:
    from pymodbus.client import ModbusSerialClient
    from pymodbus.exceptions import ModbusException

    client = ModbusSerialClient(port, baudrate=baud, timeout=TIMEOUT_S, retries=0)
    client.connect()

    def read() -> bool:
        try:
            return not client.read_holding_registers(0, count=REGISTERS, device_id=1).isError()
        except ModbusException:
            return False

    polls = _repeat(read, seconds)
    client.close()
    return polls


def pymodbus_async(port: str, baud: int, seconds: float) -> Polls:
    from pymodbus.client import AsyncModbusSerialClient
    from pymodbus.exceptions import ModbusException

    async def poll() -> Polls:
        client = AsyncModbusSerialClient(port, baudrate=baud, timeout=TIMEOUT_S, retries=0)
        await client.connect()
        good = lost = 0
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            answer = None
            with contextlib.suppress(ModbusException):
                answer = await client.read_holding_registers(0, count=REGISTERS, device_id=1)
            if answer is None or answer.isError():
                lost += 1
                if not client.connected:
                    await client.connect()
            else:
                good += 1
        client.close()
        return Polls(good, lost)

    return asyncio.run(poll())


def minimalmodbus(port: str, baud: int, seconds: float) -> Polls:
    import minimalmodbus as library

    instrument = library.Instrument(port, 1)
    instrument.serial.baudrate = baud
    instrument.serial.timeout = TIMEOUT_S

    def read() -> bool:
        try:
            return len(instrument.read_registers(0, REGISTERS)) == REGISTERS
        except (OSError, ValueError):
            return False

    polls = _repeat(read, seconds)
    instrument.serial.close()
    return polls


MASTERS: Final = {
    "agent": agent,
    "pymodbus-sync": pymodbus_sync,
    "pymodbus-async": pymodbus_async,
    "minimalmodbus": minimalmodbus,
}


def main() -> None:
    name, port, baud, seconds = sys.argv[1:]
    polls = MASTERS[name](port, int(baud), float(seconds))
    print(polls.good, polls.lost)


if __name__ == "__main__":
    main()
