"""Time between two scans, and the end of an interval, by table."""

import pytest

from protocols.metering.instant import ClockState, Instant
from protocols.metering.timeline import Elapsed, elapsed_between, is_over, marks_between
from tests.protocols.metering.site import Site, config, sums

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


HOUR, LIMITS = 3_600_000, (60_000, 30_000)


@pytest.mark.parametrize(
    ("reference", "now", "marks"),
    [
        # by UTC, which tells the same length as the monotonic clock
        (
            Instant(1, 1_000, 130_000, GOOD), Instant(1, 181_000, 310_000, GOOD),
            [(51_000, 180_000, 50_000, 180_000), (111_000, 240_000, 110_000, 180_000)],
        ),
        (Instant(1, 1_000, 130_000, GOOD), Instant(1, 61_000, 190_000, GOOD), []),
        # the scan on the boundary itself ends the interval, as always
        (
            Instant(1, 1_000, 120_000, GOOD), Instant(1, 121_000, 240_000, GOOD),
            [(61_000, 180_000, 60_000, 120_000)],
        ),
        # over a reboot, by UTC alone; the monotonic time is the old boot's
        (
            Instant(1, 1_000, 130_000, GOOD), Instant(2, 50_000, 250_000, GOOD),
            [(51_000, 180_000, 50_000, 120_000)],
        ),
        # a clock that was set within the gap: monotonic time, and no UTC
        (
            Instant(1, 1_000, 130_000, GOOD), Instant(1, 181_000, 9 * HOUR, GOOD),
            [(61_000, None, 60_000, 180_000), (121_000, None, 120_000, 180_000)],
        ),
        (
            Instant(1, 1_000, None, UNKNOWN), Instant(1, 181_000, 310_000, GOOD),
            [(61_000, None, 60_000, 180_000), (121_000, None, 120_000, 180_000)],
        ),
        # nothing tells
        (Instant(1, 1_000, None, UNKNOWN), Instant(2, 181_000, 310_000, GOOD), []),
    ],
)  # fmt: skip
def test_where_a_gap_is_split(
    reference: Instant, now: Instant, marks: list[tuple[int, int | None, int, int]]
) -> None:
    """At the boundaries that passed, but for the last one."""
    start = reference._replace(mono_ms=1_000)
    elapsed = elapsed_between(reference, now)
    found = marks_between(start, reference, now, elapsed, LIMITS)
    assert [(m.instant.mono_ms, m.instant.utc_ms, m.share, m.whole) for m in found] == marks
    assert {mark.instant.boot_no for mark in found} <= {reference.boot_no}


def test_utc_is_believed_as_far_as_a_reading_lives() -> None:
    """A clock that was slewed by no more than `stale_ms` still places the boundaries."""
    reference = Instant(1, 0, 0, GOOD)
    for step_ms, has_utc in ((30_000, True), (-30_000, True), (30_001, False), (-30_001, False)):
        now = Instant(1, 300_000, 300_000 + step_ms, GOOD)
        elapsed = elapsed_between(reference, now)
        found = marks_between(reference, reference, now, elapsed, LIMITS)
        assert {mark.instant.utc_ms is not None for mark in found} == {has_utc}


def test_monotonic_boundaries_count_from_the_open_interval() -> None:
    """An interval that opened before the gap began ends where it would have ended."""
    start, reference = Instant(1, 5_000, None, UNKNOWN), Instant(1, 70_000, None, UNKNOWN)
    now = Instant(1, 245_000, None, UNKNOWN)
    found = marks_between(start, reference, now, elapsed_between(reference, now), LIMITS)
    assert [mark.instant.mono_ms for mark in found] == [125_000, 185_000]


@pytest.mark.parametrize(("since_boot_ms", "held"), [(86_399_999, True), (86_400_000, False)])
def test_an_index_is_held_for_a_day_since_the_boot(since_boot_ms: int, held: bool) -> None:
    """To the millisecond; then it is judged without a clock."""
    site = Site(config(qmax_l_h=1000)).measured().meter(0).reboot(HOUR, boot_ms=since_boot_ms)
    site.clock(UNKNOWN).meter(900_000).close()
    assert sums(site.records)[2] == (0 if held else 900_000)
    assert ("index_held" in site.state.conditions) is held
