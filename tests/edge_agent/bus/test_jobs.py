"""The bounded queue of what others want of a bus."""

from __future__ import annotations

from typing import Any

from edge_agent.bus.device_job import DeviceJob
from edge_agent.bus.device_reading import Procedure, Reach
from edge_agent.bus.jobs import Jobs
from edge_agent.bus.joining import Failed
from edge_agent.bus.link import PortGone
from edge_agent.config.model import BusConfig, DeviceConfig
from protocols.modbus.answer import Registers
from protocols.modbus.frames import Request
from protocols.registers.library import load_profile
from tests.edge_agent.running_bus import Running, device, good
from tests.edge_agent.served import Served, serving


class Told:
    """A job that asks `steps` times and keeps what it was told."""

    def __init__(self, steps: int = 1, deadline_mono_ms: int = 1 << 60) -> None:
        self.deadline_mono_ms = deadline_mono_ms
        self.answers: list[Any] = []
        self.reason = ""
        self._steps = steps

    def step(self, exchange: Any) -> bool:
        self.answers.append(exchange(Request(1, 3, 0, 1)))
        return len(self.answers) == self._steps

    def abandon(self, reason: str) -> None:
        self.reason = reason


def ask(_asked: Any) -> PortGone:
    return PortGone("no port here")


def test_jobs_take_turns_step_by_step() -> None:
    """One of many steps does not hold up the next."""
    jobs, long, short = Jobs(), Told(3), Told(1)
    assert jobs.put(long)
    assert jobs.put(short)
    for _ in range(2):
        assert jobs.step(ask, 0)
    assert (len(long.answers), len(short.answers)) == (1, 1)
    assert jobs.step(ask, 0)
    assert jobs.step(ask, 0)
    assert not jobs.step(ask, 0)
    assert len(long.answers) == 3


def test_what_does_not_fit_is_not_taken() -> None:
    """The bound holds, and an ended bus takes nothing and abandons what waits."""
    jobs, first = Jobs(most=1), Told()
    assert jobs.put(first)
    assert not jobs.put(Told())
    jobs.close("ended")
    assert first.reason == "ended"
    assert not jobs.put(Told())


def test_a_job_past_its_deadline_is_not_begun() -> None:
    """Nobody waits for it any more; a write must not happen late."""
    jobs, late = Jobs(), Told(deadline_mono_ms=100)
    jobs.put(late)
    assert jobs.step(ask, 100)
    assert late.answers == []
    assert "before its deadline" in late.reason


def test_a_bus_does_jobs_between_its_polls() -> None:
    """The job is answered, and every poll of the meantime too."""
    profile = load_profile("keller-33x")
    with serving(Served(profile)) as port:
        bus = BusConfig("b", "tcp", host="127.0.0.1", tcp_port=port, timeout_s=1.0)
        with Running(bus, [device("p", 1, profile)]) as running:
            running.until(good("p"))
            job = Told(5)
            assert running.thread.jobs.put(job)
            scans = running.until(lambda _: len(job.answers) == 5)
            assert {scan.quality for scan in scans} == {0}
            assert not any(isinstance(answer, PortGone) for answer in job.answers)
        left = Told()
        assert not running.thread.jobs.put(left)


def test_a_job_cut_short_says_that_it_had_begun() -> None:
    """What is abandoned behind its first request may have written: nobody is told "try again"."""
    profile = load_profile("keller-33x")

    def make(_to: Reach) -> Procedure[str | Failed]:
        while True:
            yield Request(1, 3, 0, 1)

    meter = DeviceConfig("p", "b", 1, profile, "sn-p", ("p1_f32",), 1000, 0)
    for steps, said in ((0, False), (1, True)):
        told: list[str | Failed] = []
        job = DeviceJob(meter, meter.polled, make, told.append, 1 << 60)
        for _ in range(steps):
            assert job.step(lambda _asked: Registers((0,))) is False
        job.abandon("the bus ends")
        assert isinstance(told[0], Failed)
        assert told[0].detail.startswith("the bus ends")
        assert ("had begun" in told[0].detail) is said
