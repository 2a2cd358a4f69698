"""Time between two scans, and the end of an interval, by table."""

import pytest

from protocols.metering.instant import ClockState, Instant
from protocols.metering.timeline import Elapsed, elapsed_between, is_over

UNKNOWN, UNSET, GOOD = ClockState


@pytest.mark.parametrize(
    ("earlier", "later", "elapsed"),
    [
        (Instant(1, 100, 5000, GOOD), Instant(1, 400, 9999, GOOD), Elapsed(300, True)),
        (Instant(1, 100, None, UNKNOWN), Instant(1, 400, None, UNKNOWN), Elapsed(300, True)),
        (Instant(1, 100, 5000, GOOD), Instant(2, 400, 9000, GOOD), Elapsed(4000, True)),
        (Instant(1, 100, 5000, GOOD), Instant(2, 400, 5100, GOOD), Elapsed(400, True)),
        (Instant(1, 100, 5000, UNSET), Instant(2, 400, 9000, GOOD), Elapsed(4000, False)),
        (Instant(1, 100, 5000, GOOD), Instant(2, 400, 9000, UNSET), Elapsed(4000, False)),
        (Instant(1, 100, 5000, GOOD), Instant(2, 400, 4000, GOOD), Elapsed(400, False)),
        (Instant(1, 100, 5000, GOOD), Instant(2, 400, None, UNKNOWN), Elapsed(400, False)),
        (Instant(1, 100, None, UNKNOWN), Instant(2, 400, 9000, GOOD), Elapsed(400, False)),
        (Instant(1, 500, None, UNKNOWN), Instant(1, 400, None, UNKNOWN), Elapsed(400, False)),
    ],
)
def test_elapsed(earlier: Instant, later: Instant, elapsed: Elapsed) -> None:
    """Monotonic time in one boot; else UTC, never less than the time since boot; else only that."""
    assert elapsed_between(earlier, later) == elapsed


@pytest.mark.parametrize(
    ("start", "now", "over"),
    [
        (Instant(1, 0, 59_999, GOOD), Instant(1, 1, 60_000, GOOD), True),
        (Instant(1, 0, 60_000, GOOD), Instant(1, 59_999, 119_999, GOOD), False),
        (Instant(1, 0, 60_000, GOOD), Instant(1, 1, 59_999, GOOD), True),
        (Instant(1, 0, None, UNKNOWN), Instant(1, 59_999, None, UNKNOWN), False),
        (Instant(1, 0, None, UNKNOWN), Instant(1, 60_000, None, UNKNOWN), True),
        (Instant(1, 0, None, UNKNOWN), Instant(1, 60_000, 60_000, GOOD), True),
        (Instant(1, 0, None, UNKNOWN), Instant(2, 1, None, UNKNOWN), True),
        (Instant(1, 0, 60_000, GOOD), Instant(2, 1, 119_999, GOOD), False),
    ],
)
def test_end_of_an_interval(start: Instant, now: Instant, over: bool) -> None:
    """A change of the UTC slot ends it; without UTC its length, or another boot, does."""
    assert is_over(start, now, 60_000) is over
