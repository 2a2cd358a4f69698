"""CPU of a poll over TCP: 60 registers, 30 float32; ours from request to scan, beside pymodbus.

Ours is all that a device's poll is: plan, exact answer, raw integers of 30 values, scan with its
instant. pymodbus's is its synchronous client's request alone, its registers not even looked at.
Both as fast as the same server answers, by turns, for the state of the machine counts for more than
either: where a core falls asleep between two requests, each costs twice.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Final, NamedTuple

from pymodbus.client import ModbusTcpClient

from edge_agent.bus.link import Link
from edge_agent.bus.poller import DevicePoller, Line
from edge_agent.clock import Clock
from edge_agent.config.model import BusConfig
from protocols.metering.quality import Quality
from protocols.modbus.frames import MBAP, answer_pdu, tcp_frame
from tests.bench.bus_device import device

ROUNDS: Final = 15
POLLS: Final = 1_000
VALUES: Final = 30


class CpuCost(NamedTuple):
    """us of CPU a poll, medians of alternating rounds, and the median ratio of two neighbours."""

    ours_us: float
    pymodbus_us: float
    ratio: float


def measure() -> CpuCost:
    """Both against one server in a process of its own, by turns."""
    server = subprocess.Popen([sys.executable, "-m", "tests.bench.bus_cpu"], stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        pairs = [(_ours(port), _pymodbus(port)) for _ in range(ROUNDS)]
    finally:
        server.terminate()
        server.communicate()
    ratios = [ours / theirs for ours, theirs in pairs]
    return CpuCost(median(o for o, _ in pairs), median(p for _, p in pairs), median(ratios))


def _cost_us(poll: Callable[[], object]) -> float:
    poll()  # connecting is not polling
    began_s = time.process_time()
    for _ in range(POLLS):
        poll()
    return (time.process_time() - began_s) / POLLS * 1e6


def _ours(port: int) -> float:
    link = Link(BusConfig("lan", "tcp", host="127.0.0.1", tcp_port=port))
    poller, clock = DevicePoller(device("lan"), Line(transactions=True)), Clock(1)
    cost_us = _cost_us(lambda: poller.poll(link.exchange, clock))
    scan = poller.poll(link.exchange, clock)
    assert scan.quality == Quality.GOOD
    assert None not in scan.raws
    link.close()
    return cost_us


def _pymodbus(port: int) -> float:
    client = ModbusTcpClient("127.0.0.1", port=port, timeout=1, retries=0)
    client.connect()
    cost_us = _cost_us(lambda: client.read_holding_registers(0, count=60, device_id=1))
    client.close()
    return cost_us


def serve() -> None:
    """Answers every request with the same 60 registers."""
    pdu = answer_pdu(3, range(60))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                while len(asked := connection.recv(256)) > MBAP:
                    transaction = int.from_bytes(asked[:2], "big")
                    connection.sendall(tcp_frame(transaction, asked[6], pdu))


if __name__ == "__main__":
    serve()
