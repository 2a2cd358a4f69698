"""A pure forecast: days left at the rate seen."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.journal.disk_forecast import (
    CALM_DAYS,
    LEAST_SPAN_MS,
    MOST_SAMPLES,
    SAMPLE_MS,
    WARN_DAYS,
    Sample,
    days_left,
    is_filling,
    with_sample,
)

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("samples", "days"),
    [
        ((), None),
        ((Sample(0, 100, 100),), None),
        ((Sample(0, 100, 100), Sample(LEAST_SPAN_MS - 1, 50, 50)), None),
        ((Sample(0, 100, 100), Sample(HOUR, 100, 120)), None),
        ((Sample(0, 500, 900), Sample(24 * HOUR, 400, 890)), 4.0),
        ((Sample(0, 900, 500), Sample(12 * HOUR, 950, 400)), 2.0),
        ((Sample(0, 500, 500), Sample(5 * HOUR, 9, 9), Sample(24 * HOUR, -5, 400)), 0.0),
    ],
)
def test_days_left(samples: tuple[Sample, ...], days: float | None) -> None:
    """Of whichever is used up first; unknown where nothing shrinks or too little was seen."""
    assert days_left(samples) == days


def test_a_warning_does_not_flap() -> None:
    """It begins below a week and ends above two."""
    assert is_filling(WARN_DAYS - 0.1, was=False)
    assert not is_filling(WARN_DAYS + 0.1, was=False)
    assert is_filling(CALM_DAYS - 0.1, was=True)
    assert not is_filling(CALM_DAYS + 0.1, was=True)
    assert not is_filling(None, was=True)


@given(st.lists(st.integers(0, 2 * SAMPLE_MS), max_size=500))
def test_samples_are_bounded_and_apart(steps: list[int]) -> None:
    """However often it is looked: at most a day of them, ten minutes apart, in order."""
    samples: tuple[Sample, ...] = ()
    now_ms = 0
    for step_ms in steps:
        now_ms += step_ms
        samples = with_sample(samples, Sample(now_ms, 1, 1))
    assert len(samples) <= MOST_SAMPLES
    times = [sample.mono_ms for sample in samples]
    assert all(after - before >= SAMPLE_MS for before, after in pairwise(times))
