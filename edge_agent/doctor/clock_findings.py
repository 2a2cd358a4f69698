"""The clock: whether it is set, steered, and not behind what has passed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edge_agent.doctor.finding import Area, Finding, red, yellow
from edge_agent.doctor.host import ClockFacts, Host
from edge_agent.link_test.judge import duration, minute
from edge_agent.link_test.step import CLOCK, TLS
from edge_agent.screen import GOOD
from edge_agent.status.model import Snapshot
from protocols.metering.instant import ClockState

STEP_S: Final = 60
"""Smaller steps are what a time service does at its start."""


def clock_findings(snapshot: Snapshot | None, host: Host) -> Iterator[Finding]:
    """At most one red: a clock that is wrong explains that nobody steers it."""
    clock = host.clock
    if clock is None:
        return
    wrong = _wrong(clock)
    if wrong is not None:
        yield wrong
    elif (apart := _apart(host)) is not None:
        yield apart
    elif clock.state is not ClockState.SYNCHRONISED:
        yield yellow("clock_unsynchronised", Area.CLOCK, shown=minute(clock.utc_s))
    stepped = ""
    if abs(clock.stepped_s) >= STEP_S:
        stepped = ("+" if clock.stepped_s > 0 else "-") + duration(abs(clock.stepped_s))
    if clock.has_rtc is False and (stepped or clock.state is not ClockState.SYNCHRONISED):
        yield yellow("no_rtc", Area.CLOCK, step=stepped or "-")
    elif stepped:
        yield yellow("clock_stepped", Area.CLOCK, step=stepped)


def _wrong(clock: ClockFacts) -> Finding | None:
    """By what has passed for sure."""
    shown = minute(clock.utc_s)
    if not clock.was_set:
        return red("clock_never_set", Area.CLOCK, shown=shown)
    if clock.floor_s and clock.utc_s < clock.floor_s:
        behind = duration(clock.floor_s - clock.utc_s)
        return red(
            "clock_before_receipt", Area.CLOCK, shown=shown, floor=minute(clock.floor_s),
            behind=behind,
        )  # fmt: skip
    return None


def _apart(host: Host) -> Finding | None:
    """By central's clock, as the link's test found it."""
    for step in host.link:
        if step.name == CLOCK and step.light != GOOD:
            return Finding(step.code, step.light, Area.CLOCK, "", step.facts)
        if step.name == TLS and step.code == "tls_clock":
            return Finding(step.code, step.light, Area.CLOCK, "", step.facts)
    return None
