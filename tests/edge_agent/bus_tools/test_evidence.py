"""Faults of a simulated line, through the agent's bus, to the cause that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.bus_tools.evidence import facts_of
from edge_agent.config.model import BusConfig
from protocols.modbus.diagnosis import Cause, diagnose_bus
from protocols.modbus.frames import read_request, rtu_frame
from protocols.registers.library import load_profile
from tests.edge_agent.bus_tools.lines import line
from tests.edge_agent.modbus_servers import RawRtu
from tests.edge_agent.running_bus import Running, device

KELLER = load_profile("keller-33x")
UNITS = {1: "keller-33x", 2: "keller-33x"}
FEW = 8

pytestmark = pytest.mark.timing


def causes_of(path: str, enough: int = 20) -> set[Cause]:
    """After so many requests to two devices; who is lost is asked ever more rarely."""
    bus = BusConfig("b", "rtu", port=path, baud=115_200, timeout_s=0.05)
    devices = [device(f"p{unit}", unit, KELLER, ["p1_f32"], poll_ms=50) for unit in (1, 2)]
    with Running(bus, devices) as running:
        total = running.thread.counters.total
        running.until(lambda _: total()["requests"] >= enough, 30.0)
        return {likely.cause for likely in diagnose_bus(facts_of(running.thread))}


@pytest.mark.parametrize(
    ("faults", "cause"),
    [
        ("", None),
        ("noise=0.5", Cause.NOISE),
        ("bit=0.003", Cause.NOISE),
        ("cut=0.5", Cause.NOISE),
        ("twice=0.5", Cause.NOISE),
        ("behind=0.5", Cause.BEHIND),
        ("delay=70ms-80ms", Cause.LATE),
        ("lost=0.4", Cause.UNSTEADY),
        ("foreign=0.5", Cause.SHARED_UNIT),
        ("busy=60s/60s", Cause.BUSY),
        ("exception=0.9:4", Cause.REFUSES),
        ("silence=60s/60s", Cause.LINE_DEAD),
    ],
)
def test_a_fault_has_its_cause(tmp_path: Path, faults: str, cause: Cause | None) -> None:
    """By the counters and samples of a real bus thread on a pty."""
    lost = cause in (Cause.LATE, Cause.LINE_DEAD)
    with line(tmp_path / "line", UNITS, faults=faults) as path:
        found = causes_of(str(path), FEW if lost else 20)
    assert (cause in found) if cause else found == set()


def test_one_of_two_is_dead(tmp_path: Path) -> None:
    """The other answers."""
    with line(tmp_path / "line", {1: "keller-33x"}) as path:
        assert causes_of(str(path)) == {Cause.UNIT_DEAD}


def test_an_echo_and_another_master() -> None:
    """Our own request comes back; or somebody else's is heard."""
    other = rtu_frame(9, read_request(4, 0, 2))
    for wrong, cause in ((None, Cause.ECHO), (other, Cause.TWO_MASTERS)):
        with RawRtu() as server:
            for unit in (1, 2):
                server.replies[unit] = lambda made, asked, wrong=wrong: [
                    wrong or made.frame(asked.unit, asked.pdu)
                ]
            assert cause in causes_of(server.port, FEW)
