"""Entries out of leaves: each kind in its words, and those that are asked for."""

from __future__ import annotations

import pytest

from edge_agent.lookup.event_log import SLACK_MS, Wanted, entries, entry_of
from edge_agent.recording.clock_recording import record_clock
from edge_agent.recording.inbox import Dropped
from edge_agent.recording.losses import record_dropped
from protocols.evidence.facts import EpochBody, EpochReason, Moment
from protocols.evidence.leaf import Kind
from protocols.evidence.statement import Statement
from tests.edge_agent.gateway import UTC_MS, SetClock
from tests.edge_agent.lookup.leaves import new_draft, newest_first

CLOCK = SetClock(mono_ms=1_000)


def test_every_kind_that_tells_something_is_an_entry() -> None:
    """Newest first; a configuration, a map and an interval are none."""
    clock, draft = SetClock(mono_ms=1_000), new_draft()
    record_clock(draft, clock.now())
    draft.append(Kind.EPOCH, "", EpochBody(EpochReason.SET_BACK, 0).to_body(), clock.now())
    draft.event(clock.now(), "disk_full", "", "off", "on", "agent", "no room")
    record_dropped(draft, Dropped(12, Moment(0, 1), Moment(0, 9)), clock.now())
    said = Statement("calibration", "Li Wei", "yearly", (("as_found_kpa", "401.3"), ("next", None)))
    draft.append(Kind.STATEMENT, "P1", said.to_body(), clock.now())
    clock.offset_ms = UTC_MS + 4_000
    record_clock(draft, clock.now())
    draft.append(Kind.CONFIGURATION, "", ("x",), clock.now())
    found = list(entries(newest_first(draft), Wanted()))
    assert [(one.kind, one.code, one.subject) for one in found] == [
        ("clock", "clock_changed", ""),
        ("statement", "calibration", "P1"),
        ("loss", "loss", ""),
        ("event", "disk_full", ""),
        ("epoch", "epoch_begun", ""),
        ("clock", "clock_changed", ""),
    ]
    stepped, said_so, lost, full, epoch, first = found
    assert (stepped.old, stepped.new, stepped.detail) == (
        "synchronised", "synchronised", "moved by +4.000 s",
    )  # fmt: skip
    assert said_so.who == "Li Wei"
    assert said_so.detail == "yearly; as_found_kpa 401.3, next -"
    assert (lost.new, lost.detail[:8]) == (12, "dropped:")
    assert (full.old, full.new, full.detail, full.utc_ms) == ("off", "on", "no room", UTC_MS + 1000)
    assert epoch.detail == "set_back"
    assert (first.old, first.new, first.detail) == (None, "synchronised", "")
    assert full.to_json()["code"] == "disk_full"


def test_a_leaf_of_another_version_is_told_as_such() -> None:
    """That something happened is not hidden."""
    draft = new_draft()
    for kind in (Kind.EVENT, Kind.LOSS, Kind.STATEMENT, Kind.CLOCK):
        draft.append(kind, "", (1, 2, 3, 4, 5, 6, 7), CLOCK.now())
    draft.append(Kind.CLOCK, "", (1, 2, 99), CLOCK.now())
    draft.append(Kind.EPOCH, "", (), CLOCK.now())
    strange, epoch = [], None
    for leaf in newest_first(draft):
        entry = entry_of(leaf)
        assert entry is not None
        if leaf.kind is Kind.EPOCH:
            epoch = entry
        else:
            strange.append(entry)
    assert [one.code for one in strange] == ["clock_changed", *["unknown"] * 4]
    assert strange[0].old == "99"
    assert epoch is not None


@pytest.mark.parametrize(
    ("wanted", "codes"),
    [
        (Wanted(code="disk_*"), ["disk_full"]),
        (Wanted(code="disk"), []),
        (Wanted(subject="R1"), ["gap", "reverse_flow"]),
        (Wanted(subject="R?"), ["gap", "reverse_flow"]),
        (Wanted(since_ms=UTC_MS + 1_500), ["gap", "reverse_flow"]),
        (Wanted(until_ms=UTC_MS + 2_000), ["disk_full"]),
        (Wanted(code="g*", subject="R1"), ["gap"]),
    ],
)
def test_what_was_asked_for(wanted: Wanted, codes: list[str]) -> None:
    """By time, code and subject; a time is never before its beginning."""
    clock, draft = SetClock(mono_ms=1_000), new_draft()
    draft.event(clock.now(), "disk_full", "", "off", "on", "agent")
    clock.mono_ms = 2_000
    draft.event(clock.now(), "reverse_flow", "R1", "off", "on", "agent")
    clock.mono_ms = 3_000
    draft.event(clock.now(), "gap", "R1", 1, 2, "agent")
    assert [one.code for one in entries(newest_first(draft), wanted)] == codes


def test_it_ends_where_older_ones_cannot_fit() -> None:
    """A year of leaves is not read for an hour; a clock that was set back an hour hides none."""
    draft = new_draft()
    draft.event(CLOCK.now(), "gap", "R1", 1, 2, "agent")
    (leaf,) = newest_first(draft)
    old = leaf._replace(utc_ms=UTC_MS - SLACK_MS - 1)
    timeless = leaf._replace(utc_ms=None)
    since = Wanted(since_ms=UTC_MS)
    assert len(list(entries([leaf, old, leaf], since))) == 1
    near = leaf._replace(utc_ms=UTC_MS - SLACK_MS)
    assert len(list(entries([leaf, near, timeless, leaf], since))) == 3
