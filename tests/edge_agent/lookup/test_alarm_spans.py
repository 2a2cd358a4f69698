"""Alarms that are over, out of their events."""

from __future__ import annotations

from edge_agent.lookup.alarm_spans import Span, spans
from edge_agent.lookup.event_log import Entry


def entry(at: int, code: str, subject: str, new: str, detail: str = "") -> Entry:
    old = "off" if new == "on" else "on"
    return Entry(at, 0, at, "event", code, subject, old, new, "agent", detail, 0, at)


def test_each_alarm_has_its_beginning_and_its_end() -> None:
    """Of two that overlap, too; the one that began last comes first; what is on is not over."""
    told = [
        entry(1, "a", "R1", "on", "first"),
        entry(2, "b", "R1", "on", "other"),
        entry(3, "a", "R1", "off"),
        entry(4, "a", "R2", "on", "still on"),
        entry(5, "b", "R1", "off"),
        entry(6, "a", "R1", "on", "again"),
        entry(7, "a", "R1", "off"),
    ]
    assert list(spans(reversed(told))) == [
        Span("a", "R1", 6, 7, "again"),
        Span("b", "R1", 2, 5, "other"),
        Span("a", "R1", 1, 3, "first"),
    ]


def test_one_whose_beginning_is_not_held_comes_last() -> None:
    """And one that a restart cut off is not paired with a later end."""
    told = [entry(3, "a", "R1", "off"), entry(5, "a", "R2", "on"), entry(6, "a", "R2", "off")]
    assert list(spans(reversed(told))) == [
        Span("a", "R2", 5, 6, ""),
        Span("a", "R1", None, 3, ""),
    ]
    assert Span("a", "R1", None, 3, "").to_json()["begun_ms"] is None


def test_other_events_are_no_alarms() -> None:
    """A gap has an index before and after."""
    gap = Entry(1, 0, 1, "event", "gap", "R1", 5, 9, "agent", "", 0, 1)
    assert list(spans([gap])) == []
