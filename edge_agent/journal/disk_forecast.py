"""When the disk will be full, from how its room shrank. Pure.

Room is what the journal may still take before something unsent has to go: up to its own limit and
to that of the file system, whichever is nearer. Receipted batches count as room: they go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

SAMPLE_MS: Final = 600_000
MOST_SAMPLES: Final = 144  # a day
LEAST_SPAN_MS: Final = 3_600_000  # below it a rate would be an accident
WARN_DAYS: Final = 7.0
CALM_DAYS: Final = 14.0  # a warning stands until the forecast is beyond that
_DAY_MS: Final = 86_400_000


class Sample(NamedTuple):
    """Room at a moment, in bytes: up to the journal's limit, and on the file system."""

    mono_ms: int
    journal_room: int
    disk_room: int


def days_left(samples: Sequence[Sample]) -> float | None:
    """Days until one of them is used up at the rate seen; None where none shrinks.

    The rate is that between the oldest and the newest sample, which are in order of time.
    """
    if len(samples) < 2:
        return None
    first, last = samples[0], samples[-1]
    span_ms = last.mono_ms - first.mono_ms
    if span_ms < LEAST_SPAN_MS:
        return None
    found = [
        _days(before, now, span_ms)
        for before, now in (
            (first.journal_room, last.journal_room),
            (first.disk_room, last.disk_room),
        )
    ]
    return min((days for days in found if days is not None), default=None)


def is_filling(days: float | None, was: bool) -> bool:
    """Whether it is to be told; a warning does not flap."""
    return days is not None and days < (CALM_DAYS if was else WARN_DAYS)


def with_sample(samples: Sequence[Sample], sample: Sample) -> tuple[Sample, ...]:
    """The samples of the last day; unchanged where the newest is too young."""
    if samples and sample.mono_ms - samples[-1].mono_ms < SAMPLE_MS:
        return tuple(samples)
    return (*samples[-(MOST_SAMPLES - 1) :], sample)


def _days(before: int, now: int, span_ms: int) -> float | None:
    if now >= before:
        return None
    return max(0, now) * span_ms / (before - now) / _DAY_MS
