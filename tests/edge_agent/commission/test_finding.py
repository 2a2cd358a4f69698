"""Who answers on a serial line, and at which rate: a real pty, paced as its wire."""

from __future__ import annotations

import threading
from pathlib import Path

from edge_agent.commission.finding import find_instruments, find_setup
from edge_agent.config.model import BusConfig
from simulators.serve import Place, ServeOptions, open_device


def test_a_line_at_an_unusual_rate_is_found(tmp_path: Path) -> None:
    """Its rate by reads alone, then who is on it."""
    stop = threading.Event()
    port = tmp_path / "line"
    line = open_device(ServeOptions("keller-33x", unit=2), Place(0, port, 19200), stop)
    line.start()
    try:
        bus = BusConfig("bus-1", "rtu", str(port), 19200, timeout_s=0.3)
        found = find_instruments(bus, range(2, 4), tmp_path / "gateway.toml")
        setup = find_setup(bus, tmp_path / "gateway.toml")
    finally:
        stop.set()
        line.join(5)
    assert [one.unit for one in found.instruments] == [2]
    assert found.instruments[0].about
    assert setup.baud
    assert setup.parity in "NEO"


def test_a_port_that_is_none(tmp_path: Path) -> None:
    """It is told, and no rate is guessed."""
    bus = BusConfig("bus-1", "rtu", str(tmp_path / "none"))
    found = find_instruments(bus, (1,), tmp_path / "gateway.toml")
    assert "does not exist" in found.failure
    assert "does not exist" in find_setup(bus, tmp_path / "gateway.toml").failure
