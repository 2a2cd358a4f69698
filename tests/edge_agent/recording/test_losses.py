"""What is lost is a LOSS leaf that says how much, or between which moments."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge_agent.journal.draft import Draft
from edge_agent.journal.memory import Gone, first_memory
from edge_agent.recording.inbox import Dropped
from edge_agent.recording.losses import (
    record_damaged,
    record_disk,
    record_dropped,
    record_evicted,
    record_unclean_end,
)
from protocols.evidence.facts import Loss, LossReason, Moment, parse_loss
from protocols.evidence.leaf import Log, decode_leaf
from protocols.metering.instant import ClockState, Instant
from tests.edge_agent.gateway import GATEWAY
from tests.edge_agent.tiny_disk import SALTS

NOW = Instant(3, 90_000, None, ClockState.UNKNOWN)
GONE = Gone(Log.TELEMETRY, 2, 1024, 2048)


@pytest.fixture
def draft() -> Iterator[Draft]:
    draft = Draft(first_memory(GATEWAY, "boot", 2), SALTS)
    yield draft
    assert draft.urgent == bool(draft.leaves)


def losses(draft: Draft) -> list[Loss]:
    return [parse_loss(decode_leaf(leaf.data).body) for leaf in draft.leaves]


def test_dropped_polls(draft: Draft) -> None:
    """Exactly counted; no leaf is meant."""
    since, until = Moment(3, 10), Moment(3, 20)
    record_dropped(draft, Dropped(17, since, until), NOW)
    (found,) = losses(draft)
    assert (found.reason, found.log, found.count) == (LossReason.DROPPED, None, 17)
    assert (found.epoch, found.first, found.end) == (2, 0, 0)
    assert (found.since, found.until) == (since, until)


@pytest.mark.parametrize(
    ("record", "reason"),
    [(record_evicted, LossReason.EVICTED), (record_damaged, LossReason.DAMAGED)],
)
def test_ranges(draft: Draft, record: object, reason: LossReason) -> None:
    """Log, epoch and seqs; as many as there are."""
    assert callable(record)
    record(draft, GONE, NOW)
    (found,) = losses(draft)
    assert (found.reason, found.log, found.epoch) == (reason, Log.TELEMETRY, 2)
    assert (found.first, found.end, found.count) == (1024, 2048, 1024)


def test_an_end_without_a_stop(draft: Draft) -> None:
    """Between the last thing recorded and now; how many is not known."""
    record_unclean_end(draft, (2, 5_000), NOW)
    (found,) = losses(draft)
    assert (found.reason, found.log, found.count) == (LossReason.UNCLEAN_END, None, None)
    assert (found.since, found.until) == (Moment(2, 5_000), Moment(3, 90_000))


def test_an_end_of_which_nothing_is_known(draft: Draft) -> None:
    """It has no first moment."""
    record_unclean_end(draft, (-1, 0), NOW)
    (found,) = losses(draft)
    assert (found.since, found.until) == (None, Moment(3, 90_000))


def test_conditions_of_the_disk_are_told_once(draft: Draft) -> None:
    """When they begin and when they end."""
    record_disk(draft, {"disk_full": "no room"}, NOW)
    record_disk(draft, {"disk_full": "still no room", "disk_reserve": "last"}, NOW)
    record_disk(draft, {}, NOW)
    record_disk(draft, {}, NOW)
    told = [decode_leaf(leaf.data).body for leaf in draft.leaves]
    assert [(body[0], body[1], body[2], body[4]) for body in told] == [
        ("disk_full", "off", "on", "no room"),
        ("disk_reserve", "off", "on", "last"),
        ("disk_full", "on", "off", ""),
        ("disk_reserve", "on", "off", ""),
    ]
    assert draft.disk == frozenset()
