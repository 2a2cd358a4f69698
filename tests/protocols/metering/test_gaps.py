"""Gaps, clocks and reboots by example: what is split, what waits, what is quarantined."""

import pytest

from protocols.metering.instant import ClockState
from protocols.metering.quality import Flag
from tests.protocols.metering.site import (
    HOUR,
    MINUTE,
    START_UTC_MS,
    Site,
    check_chain,
    config,
    sums,
)


def test_gap_is_split_by_time_into_the_error_counter() -> None:
    """An increment over three boundaries gives one flagged record each, and the counts add up."""
    site = Site().measured().meter(0).wait(2 * MINUTE // 2).measured().meter(1000)
    site.wait(14 * MINUTE + 7).measured().meter(15_001, vb=77)
    assert [(r.part, r.parts) for r in site.records] == [(0, 3), (1, 3), (2, 3)]
    ends = [r.end.utc_ms for r in site.records]
    assert ends == [START_UTC_MS + ms for ms in (5 * MINUTE, 10 * MINUTE, 15 * MINUTE + 7)]
    assert [r.totals[0].main for r in site.records] == [1000, 0, 0]
    whole = 14 * MINUTE + 7
    shares = [14_001 * (end - START_UTC_MS - MINUTE) // whole for end in ends]
    assert [r.totals[0].error for r in site.records] == [
        shares[0], shares[1] - shares[0], shares[2] - shares[1],
    ]  # fmt: skip
    assert sums(site.records, "vb") == (0, 77, 0)
    assert sum(r.elapsed_ms for r in site.records) == 15 * MINUTE + 7
    assert all(r.flags & Flag.GAP and r.flags & Flag.ESTIMATED for r in site.records)
    assert sum(r.line_error_cm3 for r in site.records) == 14_001_000
    assert site.codes() == [("gap", 1000, 15_001)]
    check_chain(site)


def test_gap_inside_an_interval_is_not_split() -> None:
    """A gap that passes no boundary goes to the error counter of its one interval."""
    site = Site().measured().meter(0).wait(MINUTE + 1).measured().meter(100).close()
    assert sums(site.records) == (0, 100, 0)
    assert site.last().parts == 1
    assert site.last().flags & Flag.GAP


def test_very_long_gap_is_bounded() -> None:
    """Beyond 4096 intervals the first record takes the rest."""
    slow = config(interval_ms=1000, stale_ms=1000, qmax_l_h=100_000)
    site = Site(slow).measured().meter(0).wait(5_000_000).measured().meter(100_000)
    assert len(site.records) == 4096
    assert site.records[0].elapsed_ms == 5_000_000 - 4095 * 1000
    assert sums(site.records) == (0, 100_000, 0)
    assert site.records[2000].totals[0].error == 20


def test_step_of_the_clock_is_no_gap() -> None:
    """UTC that jumps by a year ends the interval, and invents neither time nor records."""
    site = Site().measured().meter(0).clock(ClockState.SYNCHRONISED, 365 * 24 * HOUR)
    site.wait(10_000).measured().meter(10)
    assert [(r.elapsed_ms, r.parts) for r in site.records] == [(10_000, 1)]
    site.clock(ClockState.SYNCHRONISED)
    site.wait(20 * MINUTE).measured().meter(20)
    assert [(r.elapsed_ms, r.parts) for r in site.records[1:]] == [(5 * MINUTE, 4)] * 4
    check_chain(site)


def test_step_of_the_clock_within_a_gap() -> None:
    """Where UTC jumps during a gap, monotonic time tells how long it was."""
    site = Site().measured().meter(0).clock(ClockState.SYNCHRONISED, 365 * 24 * HOUR)
    site.wait(2 * MINUTE).measured().meter(10)
    assert [(r.elapsed_ms, r.parts) for r in site.records] == [(2 * MINUTE, 1)]
    site.clock(ClockState.SYNCHRONISED, -HOUR).wait(16 * MINUTE).measured().meter(20)
    assert [(r.elapsed_ms, r.parts) for r in site.records[1:3]] == [(5 * MINUTE, 3)] * 2
    assert [r.start.utc_ms for r in site.records[2:]] == [None, None]
    check_chain(site)


def test_clock_that_never_advances() -> None:
    """An interval that a standing clock would keep open ends at twice its length."""
    site = Site().measured().meter(0)
    for n in range(1, 31):
        site.clock(ClockState.UNSYNCHRONISED, -30_000 * n).wait(30_000).measured().meter(n)
    assert [r.elapsed_ms for r in site.records] == [10 * MINUTE]
    check_chain(site)


def test_gap_over_which_utc_stood_still() -> None:
    """A clock set back by the length of the gap does not hide the intervals that passed."""
    site = Site().measured().meter(0).clock(ClockState.SYNCHRONISED, -16 * MINUTE)
    site.wait(16 * MINUTE).measured().meter(16)
    assert [(r.elapsed_ms, r.totals[0].error) for r in site.records] == [
        (5 * MINUTE, 5), (5 * MINUTE, 5), (6 * MINUTE, 6),
    ]  # fmt: skip
    check_chain(site)


@pytest.mark.parametrize("error_ms", [-29 * MINUTE, 400 * 24 * HOUR])
def test_reboot_with_an_unset_clock_waits(error_ms: int) -> None:
    """A clock that starts where it stopped, or anywhere, quarantines no genuine gas."""
    site = Site().measured().meter(0).reboot(off_ms=30 * MINUTE)
    site.clock(ClockState.UNSYNCHRONISED, error_ms).measured().meter(200_000)
    assert (site.records, site.codes()) == ([], [("index_held", "off", "on")])
    site.wait(20 * MINUTE).measured().meter(200_001).close()
    assert sums(site.records) == (0, 200_001, 0)
    check_chain(site)


def test_reboot_with_a_good_clock_is_a_gap() -> None:
    """With UTC synchronised on both sides, the off time is known and split over."""
    site = Site().measured().meter(0).reboot(off_ms=20 * MINUTE).measured().meter(20_000)
    assert len(site.records) == 4
    assert sums(site.records) == (0, 20_000, 0)
    assert [r.end.boot_no for r in site.records] == [1, 1, 1, 2]
    check_chain(site)


def test_reboot_without_a_clock_holds_the_increment() -> None:
    """An increment too large for the time since boot waits for UTC, and is then booked."""
    site = Site().measured().meter(0).reboot(off_ms=30 * MINUTE)
    site.clock(ClockState.UNKNOWN).measured().meter(200_000).wait(10_000).measured().meter(200_100)
    assert site.records == []
    assert site.codes() == [("index_held", "off", "on")]
    site.clock(ClockState.SYNCHRONISED).wait(10_000).measured().meter(200_200).close()
    assert sums(site.records) == (0, 200_200, 0)
    assert ("index_held", "on", "off") in site.codes()
    check_chain(site)


def test_held_increment_is_believed_when_the_time_since_boot_explains_it() -> None:
    """Without UTC, genuine gas is booked as soon as 1.2 Qmax since boot could give it."""
    site = Site().measured().meter(0).reboot(off_ms=HOUR)
    site.clock(ClockState.UNKNOWN)
    index = 10_000
    for _ in range(200):
        index += 20
        site.measured().meter(index).wait(10_000)
    site.close()
    assert sums(site.records)[2] == 0
    assert sum(sums(site.records)) == index
    check_chain(site)


def test_holding_ends() -> None:
    """A day after the boot an increment that nothing explains is judged without a clock."""
    site = Site(config(qmax_l_h=1000)).measured().meter(0).reboot(off_ms=HOUR)
    site.clock(ClockState.UNKNOWN)
    site.meter(900_000)
    assert site.state.now.positions[0].index_counts == 0
    site.wait(24 * HOUR).meter(900_000).close()
    assert sums(site.records) == (0, 0, 900_000)
    check_chain(site)


def test_ambiguous_rollovers_are_quarantined() -> None:
    """When more than a whole turn may have passed, the counts that are certain are quarantined."""
    site = Site().measured().meter(500).wait(51 * MINUTE).measured().meter(100).close()
    assert sums(site.records) == (0, 0, 999_600)
    check_chain(site)
