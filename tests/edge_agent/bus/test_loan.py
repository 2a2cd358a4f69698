"""A loan's life: lent, stood back once, given back or over, told until it is heard."""

import os
import subprocess
import sys

import serial

from edge_agent.bus.holder import Holder
from edge_agent.bus.loan import Loan, Loans
from edge_agent.bus_tools.raw_route import RawJob
from edge_agent.clock import mono_ms
from protocols.metering.quality import Quality
from protocols.modbus.frames import Request
from protocols.registers.library import load_profile
from tests.edge_agent.modbus_servers import RawRtu
from tests.edge_agent.running_bus import Running, bad, device, good

DEVICES = [device("p", 1, load_profile("keller-33x"), ["p1_f32"])]

LOAN = Loan("line", "Li", "why", 1_000, None)


def test_the_port_is_closed_once_and_the_end_is_told() -> None:
    """In between the bus thread stands back at each look."""
    loans, closed, told = Loans(), [], []
    # nobody gets it before its end is told: the log has them in their order
    loans.on_end = lambda loan, how: not told.append((loan, how)) and loans.lend(LOAN) == LOAN
    assert not loans.look(0, lambda: closed.append(0))
    assert loans.lend(LOAN) is None
    assert not loans.wait(0.0)
    assert all(loans.look(now, lambda: closed.append("closed")) for now in (1, 2, 999))
    assert closed == ["closed"]
    assert loans.wait(0.0)
    assert not loans.look(1_000, lambda: closed.append(1))
    assert told == [(LOAN, "its time is over")]
    assert loans.current is None


def test_given_back_before_its_time() -> None:
    """How, is told; who gives back what is not lent hears so."""
    loans, told = Loans(), []
    loans.on_end = lambda _loan, how: not told.append(how)
    assert loans.give_back("x") is None
    loans.lend(LOAN)
    assert loans.lend(LOAN._replace(who="Wang")) == LOAN
    assert loans.give_back("by hand") == LOAN
    assert not loans.look(5, lambda: None)
    assert told == ["by hand"]
    assert loans.lend(LOAN) is None
    assert loans.look(6, lambda: None)


def test_a_program_gives_back_its_own_alone() -> None:
    """Not what was lent to another meanwhile; a person gives back whatever is lent."""
    loans = Loans()
    loans.lend(LOAN._replace(holder=Holder(os.getpid())))
    assert loans.give_back("late", pid=os.getpid() + 1) is None
    assert loans.look(5, lambda: None)
    assert loans.give_back("done", pid=os.getpid()) is not None
    assert not loans.look(6, lambda: None)
    loans.lend(LOAN)
    assert loans.give_back("late", pid=os.getpid()) is None
    assert loans.give_back("by hand") == LOAN


def test_a_program_that_has_ended_has_nothing() -> None:
    """Killed, it gives nothing back: the loan ends with it, and says so."""
    loans, told = Loans(), []
    loans.on_end = lambda _loan, how: not told.append(how)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        loans.lend(LOAN._replace(holder=Holder(child.pid)))
        assert loans.look(5, lambda: None)
        child.kill()
        child.wait()
        assert not loans.look(6, lambda: None)
    assert told == ["the program that had it has ended"]


def test_an_end_that_nobody_had_room_for_is_told_again() -> None:
    """Until it is taken, once."""
    loans, told, room = Loans(), [], [False, True, True]
    loans.on_end = lambda _loan, how: told.append(how) or room.pop(0)
    loans.lend(LOAN)
    loans.end("the agent ends")
    assert loans.current is None
    for _ in range(3):
        loans.look(9, lambda: None)
    assert told == ["the agent ends"] * 2


def test_a_bus_stands_back_and_keeps_its_beat():
    """The port is free for others, the heart beats (so nobody closes it as stuck), jobs are told
    to whom it is lent; afterwards it polls as before."""
    told = []
    with RawRtu() as server, Running(server.config, DEVICES) as running:
        bus = running.thread
        bus.loans.on_end = lambda _loan, how: not told.append(how)
        running.until(good("p"))
        assert bus.loans.lend(Loan("line", "Li", "why", mono_ms() + 60_000, None)) is None
        bus.jobs.wake()
        assert bus.loans.wait(5.0)
        with serial.Serial(server.port, exclusive=True):
            beat, asked = bus.last_turn_mono_ms, server.count
            running.until(bad("p", Quality.BAD_PORT))
            running.until(lambda _: bus.last_turn_mono_ms > beat)
            job = RawJob(Request(1, 3, 0, 1), lambda: (b"", b""), mono_ms() + 60_000)
            assert bus.jobs.put(job)
            assert job.done.wait(5.0)
            assert "is lent to Li: why" in job.told.answer.reason
            assert server.count == asked
        bus.loans.give_back("by hand")
        running.until(good("p"))
    assert told == ["by hand"]


def test_the_end_of_the_agent_ends_a_loan():
    """And says so."""
    told = []
    with RawRtu() as server, Running(server.config, DEVICES) as running:
        running.thread.loans.on_end = lambda _loan, how: not told.append(how)
        running.thread.loans.lend(Loan("line", "Li", "why", mono_ms() + 60_000, None))
        running.until(bad("p", Quality.BAD_PORT))
    assert told == ["the agent ends"]
