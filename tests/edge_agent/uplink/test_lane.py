"""When a log is due; the time is a number here."""

from __future__ import annotations

from itertools import pairwise

import pytest

from edge_agent.uplink.lane import MAX_RETRY_S, URGENT_SPACING_S, Lane


def test_the_grid_does_not_drift() -> None:
    """However long a batch took, the next is due on the grid; missed ones are not made up."""
    lane = Lane(batch_s=300.0, due_at=1000.0)
    assert not lane.is_due(999.9)
    assert lane.is_due(1000.0)
    lane.reached(1007.0)
    assert lane.due_at == 1300.0
    lane.reached(2000.0)
    assert lane.due_at == 2200.0


def test_a_log_stays_due_until_its_goal() -> None:
    """Batch after batch without waiting."""
    lane = Lane(batch_s=300.0, due_at=0.0, goal=10)
    assert lane.is_due(-1.0)
    assert lane.wait_s(-1.0) == 0.0


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_backoff_doubles_and_is_bounded(jitter: float) -> None:
    """From half a second to a minute; jitter takes away at most half."""
    lane = Lane(batch_s=300.0, due_at=0.0)
    delays = [lane.failed(100.0, jitter) for _ in range(100)]
    assert delays[0] == 0.5 * (0.5 + jitter / 2)
    assert all(later >= earlier for earlier, later in pairwise(delays))
    assert max(delays) == MAX_RETRY_S * (0.5 + jitter / 2)
    assert not lane.is_due(100.0 + delays[-1] - 0.001)
    assert lane.is_due(100.0 + delays[-1])
    lane.succeeded(200.0)
    assert lane.failed(200.0, jitter) == delays[0]


def test_urgency_is_bounded_too() -> None:
    """At once after a quiet time; a condition that flaps waits for the spacing, not the batch."""
    lane = Lane(batch_s=300.0, due_at=300.0)
    lane.hasten(5.0)
    assert lane.due_at == 5.0
    lane.succeeded(5.0)
    lane.reached(5.0)
    assert lane.due_at == 305.0
    lane.hasten(6.0)
    assert lane.due_at == 5.0 + URGENT_SPACING_S
    lane.hasten(7.0)
    assert lane.due_at == 5.0 + URGENT_SPACING_S


def test_urgency_never_delays() -> None:
    """A batch that is due sooner stays so."""
    lane = Lane(batch_s=300.0, due_at=8.0, sent_at=5.0)
    lane.hasten(6.0)
    assert lane.due_at == 8.0


def test_another_epoch_is_another_log() -> None:
    """A damaged journal begins one while the agent runs: what was known of the old one is gone."""
    lane = Lane(60.0, 0.0)
    lane.of(0)
    lane.goal, lane.position, lane.receipted, lane.setbacks = 9, 4, 7, 2
    lane.of(0)
    assert (lane.goal, lane.position, lane.receipted, lane.setbacks) == (9, 4, 7, 2)
    lane.of(1)
    assert (lane.goal, lane.position, lane.receipted, lane.setbacks) == (None, None, 0, 0)


def test_batches_grow_again_after_413_up_to_what_was_too_many() -> None:
    """Halved until central takes them, then larger step by step, never as large as it refused."""
    lane = Lane(batch_s=300.0, due_at=0.0, most_leaves=4096)
    for _ in range(3):
        lane.succeeded(0.0)
    assert lane.most_leaves == 4096
    for count in (4096, 2048, 1024):
        lane.halve(count)
    assert lane.most_leaves == 512
    sizes = []
    for _ in range(50):
        lane.succeeded(0.0)
        sizes.append(lane.most_leaves)
    assert sizes == sorted(sizes)
    assert sizes[-1] == 1023
    lane.halve(1)
    assert lane.most_leaves == 1
    lane.succeeded(0.0)
    assert lane.most_leaves == 1


def test_what_central_asked_to_wait_comes_first() -> None:
    """The fleet is spread behind it."""
    lane = Lane(batch_s=300.0, due_at=0.0)
    assert lane.failed(10.0, 0.0, 60.0) == 60.25
    assert lane.failed(10.0, 1.0, 60.0) == 61.0
    assert lane.retry_at == 71.0
