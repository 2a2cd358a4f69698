"""The clock, by values; with real clocks that are wrong: `test_faults_clock.py`."""

from dataclasses import replace

from edge_agent.doctor.clock_findings import clock_findings
from edge_agent.link_test.step import CLOCK, bad
from protocols.metering.instant import ClockState
from tests.edge_agent.doctor.snapshots import HOST, host

CLOCK_FACTS = HOST.clock


def codes(link=(), **changed):
    clock = replace(CLOCK_FACTS, **changed)
    return [one.code for one in clock_findings(None, host(clock=clock, link=link))]


def test_one_cause_is_told() -> None:
    """A clock behind what has passed is not also blamed for not being steered."""
    free = {"state": ClockState.UNSYNCHRONISED}
    assert codes(utc_s=CLOCK_FACTS.floor_s - 1, **free) == ["clock_before_receipt"]
    step = bad(CLOCK, "clock_behind", apart="400 s", shown="", central="")
    assert codes((step,), **free) == ["clock_behind"]
    assert codes(**free) == ["clock_unsynchronised"]
    assert codes(was_set=False) == ["clock_never_set"]


def test_nothing_known_is_nothing_found() -> None:
    """Small steps are a time service's own."""
    assert [*clock_findings(None, host(clock=None))] == []
    assert codes(stepped_s=59, has_rtc=None) == []
