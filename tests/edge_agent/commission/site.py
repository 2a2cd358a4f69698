"""A small real site for tests: a meter and a transmitter, each on a TCP port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.commission.answers import Key
from protocols.registers.library import load_profile
from simulators.plausible import Given
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.served import Served, serving

SHOWS = {
    "resolution_vm": Given(-3),
    "resolution_vb": Given(-3),
    "vm": Given(123_456_789),
    "vb": Given(610_222_333),
    "serial_number": Given(21_450_301),
    "temperature": Given(14.5),
    "order": Given(0),
}


@contextmanager
def site(directory: Path) -> Iterator[tuple[dict[Key, str], Served, Served]]:
    """Its answers; the meter, and the transmitter, which shows 3.045 bar above the atmosphere."""
    profile = load_profile("sick-flowsic500")
    shows = {name: value for name, value in SHOWS.items() if name in profile.names}
    meter = Served(profile, shows)
    transmitter = Served(load_profile("keller-33x"), {"p1_f32": Given(3.045)})
    with serving(meter) as meter_port, serving(transmitter) as transmitter_port:
        answers = {key: text for key, text in given(directory).items() if key[0] != "bus"}
        for name, port in (("lan-1", meter_port), ("lan-2", transmitter_port)):
            answers |= {
                ("bus", name, "type"): "tcp",
                ("bus", name, "host"): "127.0.0.1",
                ("bus", name, "tcp_port"): str(port),
            }
        answers["device", "meter-1", "bus"] = "lan-1"
        answers["device", "p-1", "bus"] = "lan-2"
        answers["device", "p-1", "unit"] = "1"
        yield answers, meter, transmitter
