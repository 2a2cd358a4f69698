"""The way to central, and what the uplink says of itself. Pure.

A step of the test that is bad is the cause; what the uplink last said is told only where the way is
good now, since then it is about something that no test of the way can find.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edge_agent.doctor.finding import Area, Finding, red, yellow
from edge_agent.doctor.host import Host
from edge_agent.link_test.judge import day, duration
from edge_agent.link_test.step import CLOCK
from edge_agent.screen import BAD, GOOD
from edge_agent.status.model import Snapshot

LATE_PART: Final = 6  # of its life, half of the time for its renewal
STALE_BATCHES: Final = 4
"""Batch intervals without a receipt, though nothing fails."""
_CLOCK_CODES: Final = ("tls_clock",)  # told once, under the clock


def link_findings(snapshot: Snapshot | None, batch_s: float, host: Host) -> Iterator[Finding]:
    """`batch_s`: how often a batch is due."""
    if host.state.standstill:
        yield red("clone_suspected", Area.LINK, said=host.state.standstill)
        return
    yield from _identity(host)
    is_blocked = False
    for step in host.link:
        is_blocked = is_blocked or step.light == BAD
        if step.light != GOOD and step.name != CLOCK and step.code not in _CLOCK_CODES:
            yield Finding(step.code, step.light, Area.LINK, "", step.facts)
    if snapshot is None or is_blocked:
        return
    yield from _uplink(snapshot, batch_s)


def _identity(host: Host) -> Iterator[Finding]:
    """The agent renews it in its last third; what is left of that is told."""
    if host.identity is None or host.clock is None:
        return
    begin_s, end_s = host.identity
    now_s = host.clock.utc_s
    if now_s > end_s:
        yield red("client_expired", Area.LINK, to=day(end_s))
    elif now_s > end_s - (end_s - begin_s) // LATE_PART:
        yield yellow("client_ends", Area.LINK, to=day(end_s), days=(end_s - now_s) // 86_400)


def _uplink(snapshot: Snapshot, batch_s: float) -> Iterator[Finding]:
    uplink = snapshot.uplink
    unsent = sum(snapshot.journal.unsent.values())
    if uplink.state == "standstill":
        yield red("clone_suspected", Area.LINK, said=uplink.failure or "-")
    elif uplink.state == "failing":
        yield red("uplink_failing", Area.LINK, said=uplink.failure, unsent=unsent)
    elif uplink.state == "good" and uplink.last_receipt_age_ms is not None:
        age_s = uplink.last_receipt_age_ms // 1000
        if unsent and age_s > STALE_BATCHES * max(batch_s, 60.0):
            yield yellow("receipts_late", Area.LINK, age=duration(age_s), unsent=unsent)
