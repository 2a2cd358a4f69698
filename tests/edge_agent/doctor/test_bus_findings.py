"""Buses, by synthetic snapshots; on real lines: `test_faults.py`."""

from dataclasses import replace

import pytest

from edge_agent.doctor.bus_findings import bus_findings
from edge_agent.doctor.host import Peer, PortFacts
from protocols.modbus.diagnosis import Cause, Likely, Sure
from tests.edge_agent.doctor.snapshots import BUS, METER, SENSOR, host, snapshot

PORT = PortFacts("/dev/ttyUSB0", user="edge-agent", group="dialout")
GONE = replace(BUS, state="gone", detail="port cannot be opened")
NEVER = replace(GONE, counts={})
TCP = replace(GONE, type="tcp", port="192.0.2.9:502")
SILENT = {"quality": "BAD_NO_ANSWER", "good_age_ms": 60_000}


def codes(bus=BUS, devices=(METER, SENSOR), **seen):
    found = bus_findings(snapshot(buses=(bus,), devices=devices), host(**seen))
    return [(one.code, one.light) for one in found]


@pytest.mark.parametrize(
    ("bus", "port", "code"),
    [
        (GONE, PortFacts("", reason="no port fits *"), "port_pattern"),
        (GONE, replace(PORT, exists=False), "port_vanished"),
        (NEVER, replace(PORT, exists=False), "port_missing"),
        (GONE, replace(PORT, is_port=False), "port_no_port"),
        (GONE, replace(PORT, may_open=False), "port_no_permission"),
        (GONE, replace(PORT, holders=("minicom (pid 1)",)), "port_busy"),
        (GONE, PORT, "port_fails"),
        (GONE, None, "bus_gone"),
    ],
)
def test_a_port_that_cannot_be_used(bus, port, code) -> None:
    """What is so of it on this machine."""
    assert codes(bus, ports={} if port is None else {"line-1": port}) == [(code, "bad")]


@pytest.mark.parametrize(
    ("peer", "code"),
    [
        (Peer.REFUSES, "tcp_refused"),
        (Peer.SILENT, "tcp_no_answer"),
        (Peer.CLOSES, "tcp_one_client"),
        (Peer.NO_NAME, "tcp_no_name"),
        (Peer.NO_ROUTE, "tcp_no_route"),
        (Peer.TAKES, "bus_gone"),
    ],
)
def test_a_peer_that_takes_no_connection(peer, code) -> None:
    """What it did with one of ours."""
    assert codes(TCP, peers={"line-1": peer}) == [(code, "bad")]


def test_lent_stuck_and_late() -> None:
    """A lent bus is nobody's fault; polls that come too late are looked at."""
    assert codes(replace(BUS, state="lent")) == [("bus_lent", "warning")]
    assert codes(replace(BUS, state="stuck")) == [("bus_stuck", "bad")]
    assert codes(replace(BUS, missed=50)) == [("bus_overloaded", "warning")]
    assert codes(replace(BUS, missed=1)) == []


def test_what_lies_in_the_past_is_no_red_finding() -> None:
    """Noise that all devices live with is looked at."""
    noise = Likely(Cause.NOISE, Sure.LIKELY, "", {"damaged": 9})
    seen = {"causes": {"line-1": (noise,)}}
    assert codes(**seen) == [("line_noise", "warning")]
    broken = replace(METER, quality="BAD_ANSWER")
    assert codes(devices=(broken, SENSOR), **seen) == [("line_noise", "bad")]


def test_the_surest_cause_explains_the_rest() -> None:
    """Termination or noise: one is told; and a dead unit beside them is."""
    causes = (
        Likely(Cause.TERMINATION, Sure.LIKELY, "", {}),
        Likely(Cause.NOISE, Sure.POSSIBLE, "", {}),
        Likely(Cause.UNIT_DEAD, Sure.CERTAIN, "meter-1", {}),
        Likely(Cause.UNSTEADY, Sure.POSSIBLE, "p-1", {}),
    )
    dead = replace(METER, quality="BAD_NO_ANSWER", good_age_ms=None)
    found = codes(devices=(dead, SENSOR), causes={"line-1": causes})
    assert [code for code, _ in found] == ["line_termination", "unit_dead"]


def test_cut_answers_are_not_noise() -> None:
    """Where nearly all samples are too short."""
    cut = Likely(Cause.NOISE, Sure.LIKELY, "", {"cut": 5, "samples": 6})
    assert codes(causes={"line-1": (cut,)}) == [("line_cut", "warning")]


def test_all_of_a_line_are_silent_for_one_reason() -> None:
    """Also where the bytes tell it of two, and of the third only that its last answers were bad."""
    dead = tuple(Likely(Cause.UNIT_DEAD, Sure.CERTAIN, name, {}) for name in ("meter-1", "p-1"))
    lost, others = replace(METER, **SILENT), replace(SENSOR, **SILENT)
    for causes in (dead, dead[:1]):
        seen = {"causes": {"line-1": causes}}
        assert codes(devices=(lost, others), **seen) == [("line_lost", "bad")]
    late = replace(BUS, unasked_bytes=180)
    seen = {"causes": {"line-1": dead}}
    assert codes(late, (lost, others), **seen) == [("line_lost_late", "bad")]
    assert codes(late, (lost, SENSOR), **seen) == [("unit_lost", "bad")]


def test_a_single_late_answer_is_an_accident() -> None:
    """Some of them are a setting."""
    for late, expected in ((1, []), (3, ["late"]), (30, ["late"])):
        figures = {"late": late, "requests": 100}
        cause = Likely(Cause.LATE, Sure.CERTAIN, "meter-1", figures)
        assert [code for code, _ in codes(causes={"line-1": (cause,)})] == expected


def test_silent_since_a_while() -> None:
    """One of them, or all: the line. One missed poll is neither."""
    lost, others = replace(METER, **SILENT), replace(SENSOR, **SILENT)
    assert codes(devices=(lost, SENSOR)) == [("unit_lost", "bad")]
    assert codes(devices=(lost, others)) == [("line_lost", "bad")]
    assert codes(devices=(replace(lost, good_age_ms=3000), SENSOR)) == []
