"""A port's bytes as they are: opened or refused, waited for, dropped within a bound."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.bus.port import MAX_CHUNK, MAX_DRAIN_BYTES
from edge_agent.bus_tools.borrow import CannotUse
from edge_agent.bus_tools.raw_port import drop, raw_port, some
from edge_agent.config.model import BusConfig


@pytest.fixture
def ends() -> Iterator[tuple[int, str]]:
    """The instruments' end of a pty, and the name of ours."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(slave)
    if os.path.exists(f"/proc/self/fd/{master}"):
        os.close(master)


def test_bytes_as_they_come(ends: tuple[int, str]) -> None:
    """What is there, or nothing once the time is over."""
    master, name = ends
    with raw_port(BusConfig("b", "rtu", port=name)) as port:
        os.write(master, b"\x01\x83\xff")
        assert some(port, 5.0) == b"\x01\x83\xff"
        began_s = time.monotonic()
        assert some(port, 0.05) == b""
        assert time.monotonic() - began_s >= 0.05
        port.send(b"\x00")
        assert os.read(master, 9) == b"\x00"


def test_a_flood_is_dropped_within_a_bound(ends: tuple[int, str]) -> None:
    """Somebody who sends faster than we read keeps nobody here."""
    master, name = ends
    stop = threading.Event()
    os.set_blocking(master, False)

    def pour() -> None:
        while not stop.is_set():
            try:
                os.write(master, bytes(MAX_CHUNK))
            except BlockingIOError:
                stop.wait(0.0001)

    thread = threading.Thread(target=pour, daemon=True)
    with raw_port(BusConfig("b", "rtu", port=name)) as port:
        os.write(master, b"left from before")
        time_limit_s = time.monotonic() + 20
        assert drop(port) == len(b"left from before")
        thread.start()
        assert some(port, 5.0)
        assert drop(port) < MAX_DRAIN_BYTES + MAX_CHUNK
        assert time.monotonic() < time_limit_s
        stop.set()
        thread.join(5)


def test_a_port_that_goes(ends: tuple[int, str]) -> None:
    """Pulled out it is told; there is nothing to drop."""
    master, name = ends
    with raw_port(BusConfig("b", "rtu", port=name)) as port:
        slaves = [int(fd) for fd in os.listdir("/proc/self/fd") if _leads_to(fd, name)]
        assert slaves
        os.close(master)
        with pytest.raises(CannotUse, match="the port is gone"):
            some(port, 5.0)
        assert drop(port) == 0


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    """With the remedy."""
    with (
        pytest.raises(CannotUse, match="plug the adapter in"),
        raw_port(BusConfig("b", "rtu", port=str(tmp_path / "none"))),
    ):
        pass


def _leads_to(fd: str, name: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}") == name
    except OSError:
        return False
