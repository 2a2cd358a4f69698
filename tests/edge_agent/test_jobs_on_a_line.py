"""An archive is read over a paced serial line, and the polls of its neighbours keep their grid."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.bus.archive_reader import Taken, Wanted, read_gap
from edge_agent.bus.device_job import DeviceJob
from edge_agent.bus.joining import Failed
from edge_agent.clock import Clock, mono_ms
from edge_agent.config.model import BusConfig
from edge_agent.journal.device_memory import PendingGap
from protocols.metering.quality import Quality
from protocols.registers.library import load_profile
from simulators.fault_plan import parse_faults
from simulators.faults import FaultyExchange
from simulators.framing import RTU
from simulators.rtu_line import RtuLine
from tests.edge_agent.running_bus import Running, device, good
from tests.edge_agent.served import HOUR_MS, Served

pytestmark = pytest.mark.timing

POLL_MS = 500
HOURS = 40


def test_polls_keep_their_grid_while_an_archive_is_read(tmp_path: Path) -> None:
    """The job takes the time between them, and the records all come."""
    keller, uniflo = Served(load_profile("keller-33x")), load_profile("flonidan-uniflo1200")
    corrector = Served(uniflo)
    keller.utc_ms = corrector.utc_ms = None

    def respond(unit: int, pdu: bytes) -> bytes | None:
        return keller.answer(1, pdu) if unit == 40 else corrector.answer(unit, pdu)

    stop = threading.Event()
    path = tmp_path / "line"
    exchange = FaultyExchange(RTU, respond, parse_faults(""), 1, lambda: 0)
    line = RtuLine(path, exchange, 9600, stop)
    line.start()
    bus = BusConfig("b", "rtu", str(path), 9600, timeout_s=0.3)
    transmitter = device("p", 40, keller.device.profile, ("p1_f32",), poll_ms=POLL_MS)
    meter = replace(
        device("u", 1, uniflo, ("temperature",), poll_ms=60_000), archives=("interval",)
    )
    found: list[Taken] = []
    done: list[int | Failed] = []
    try:
        with Running(bus, [transmitter, meter]) as running:
            running.until(good("p"))
            clock = Clock(7)
            now_ms = clock.now().utc_ms
            assert now_ms is not None
            gap = PendingGap(1, "R", "sn-u", now_ms - HOURS * HOUR_MS, now_ms)
            wanted = Wanted(gap, "UTC", {})
            job = DeviceJob(
                meter, meter.points, lambda to: read_gap(to, wanted, clock, found.append),
                done.append, mono_ms() + 120_000,
            )  # fmt: skip
            assert running.thread.jobs.put(job)
            scans = running.until(lambda _: bool(done), 60.0)
            missed = running.thread.missed
    finally:
        stop.set()
        line.join(5.0)
    assert done == [HOURS]
    assert len(found) == HOURS
    polls = [scan for scan in scans if scan.device.name == "p"]
    assert {scan.quality for scan in polls} == {Quality.GOOD}
    assert len(polls) > 3
    assert missed <= 1  # a machine that is busy elsewhere may cost one
