"""The link, by values; with real servers: `test_faults_link.py`."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.doctor.host import State
from edge_agent.doctor.link_findings import link_findings
from edge_agent.link_test.step import CLOCK, CONNECT, TLS, bad, doubtful
from tests.edge_agent.doctor.snapshots import UPLINK, UTC_S, host, snapshot

FAILING = snapshot(uplink=replace(UPLINK, state="failing", failure="no connection"))


def codes(told=None, **seen):
    return [one.code for one in link_findings(told, 300.0, host(**seen))]


def test_the_way_explains_the_uplink() -> None:
    """What the uplink says is told where the way is good."""
    assert codes(FAILING, link=(bad(CONNECT, "link_refused", where="c"),)) == ["link_refused"]
    assert codes(FAILING) == ["uplink_failing"]
    weak = doubtful(CONNECT, "modem_weak")
    assert codes(FAILING, link=(weak,)) == ["modem_weak", "uplink_failing"]


def test_clocks_are_told_elsewhere() -> None:
    """A date that is wrong here is the clock's finding, and the uplink fails by it."""
    assert codes(FAILING, link=(bad(TLS, "tls_clock"),)) == []
    assert codes(link=(bad(CLOCK, "clock_behind"),)) == []


def test_a_clone_ends_it() -> None:
    """By the file, or by what the uplink says."""
    assert codes(FAILING, state=State(standstill="why")) == ["clone_suspected"]
    still = snapshot(uplink=replace(UPLINK, state="standstill"))
    assert codes(still) == ["clone_suspected"]


def test_our_own_certificate() -> None:
    """Renewed by the agent; told where that did not come about."""
    now_s, day_s = UTC_S, 86_400
    for left_days, expected in ((50, []), (10, ["client_ends"]), (-1, ["client_expired"])):
        identity = (now_s + (left_days - 90) * day_s, now_s + left_days * day_s)
        assert codes(identity=identity) == expected


def test_no_receipt_for_long() -> None:
    """Though nothing fails: where leaves wait."""
    old = snapshot(uplink=replace(UPLINK, last_receipt_age_ms=3_600_000))
    assert codes(old) == ["receipts_late"]
    assert codes(snapshot()) == []
