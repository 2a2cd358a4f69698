"""What a meter's totals did: forward, back, jumped, begun anew; and the law over it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.body import BodyError
from protocols.metering.carry import Carry, Position
from protocols.metering.instant import ClockState
from protocols.metering.interval import IntervalRecord, TotalRecord
from protocols.metering.movement import Move, index_of, moves, record_move, reverse_of, share_of
from protocols.metering.quality import Flag
from protocols.metering.run_config import Role, Total
from protocols.metering.run_config_faults import faults
from protocols.metering.scan import Scan
from tests.protocols.metering.site import CONFIG, HOUR, MINUTE, Site, check_chain, config, sums

LINE, BACK = Total("vm", Role.LINE, 10**6), Total("vm_reverse", Role.LINE_REVERSE, 10**6)
BOTH_WAYS = config(totals=(*CONFIG.totals, BACK))


def reversed_counts(site: Site, point: str = "vm") -> int:
    return sum(t.reverse for r in site.records for t in r.totals if t.point == point)


def moved_within(site: Site) -> int:
    """What the line register moved by, unwrapped, by the records' own words."""
    return sum(t.moved(10**6) for r in site.records for t in r.totals if t.point == "vm")


@pytest.mark.parametrize("index", [None, -1, 10**6, 1.0, True, float("nan")])
def test_an_index_is_a_whole_number_that_the_register_can_show(index: Any) -> None:
    """Floats, truth values, negative and too large numbers are no index."""
    scan = Scan(0, "M1", Site().instant, 0, {"vm": (index, "")})
    assert index_of(LINE, scan) is None
    assert index_of(LINE, scan._replace(values={})) is None


@pytest.mark.parametrize(
    ("role", "old", "new", "move"),
    [
        (Role.LINE, 100, 130, {"counts": 30}),
        (Role.LINE, 100, 75, {"reverse": 25}),
        (Role.LINE, 100, 200, {"quarantined": 100}),
        (Role.LINE, 200, 100, {"restart": 100}),
        (Role.LINE, 999_990, 10, {"counts": 20}),
        (Role.LINE, 10, 999_990, {"reverse": 20}),
        (Role.BASE, 100, 500_100, {"counts": 500_000}),
        (Role.BASE, 100, 500_101, {"restart": 500_101}),
        (Role.BASE, 100, 75, {"restart": 75}),
        (Role.LINE_REVERSE, 100, 130, {"counts": 30}),
        (Role.LINE_ERROR, 100, 99, {"restart": 99}),
    ],
)
def test_what_a_total_did(role: Role, old: int, new: int, move: dict[str, int]) -> None:
    """Only the line total jumps or goes back; of others that is a new segment."""
    total = Total("vm", role, 10**6)
    at = Position("vm", 3, old)
    scan = Scan(0, "M1", Site().instant, 0, {"vm": (new, "")})
    ninety = config(totals=(total,), qmax_l_h=75_000)  # bound 30 counts and one in 1200 ms
    [found] = moves(ninety, Carry(0, 0, positions=(at,)), scan, 1200)
    assert found == Move(total, at, **move)
    assert found.net == move.get("counts", 0) + move.get("quarantined", 0) - move.get("reverse", 0)


def test_a_total_seen_for_the_first_time_begins_there() -> None:
    """Its first index moves nothing, in the segment that the carry names."""
    scan = Scan(0, "M1", Site().instant, 0, {"vm": (7, "")})
    assert moves(CONFIG, Carry(0, 5), scan, 1000) == (Move(CONFIG.totals[0], Position("vm", 5, 7)),)


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), max_size=8))
def test_shares_add_up(counts: int, cuts: list[int]) -> None:
    """However a gap is cut, its shares are the movement, and what is no increment comes last."""
    whole = 10**6
    move = Move(LINE, Position("vm", 0, 0), counts, quarantined=3, reverse=2, restart=9)
    at = [0, *sorted(cuts), whole]
    shares = [share_of(move, a, b, whole) for a, b in pairwise(at)]
    assert sum(share.counts for share in shares) == counts
    assert min(share.counts for share in shares) >= 0
    ended = [share for share, b in zip(shares, at[1:], strict=True) if b == whole]
    for share in shares:
        last = share in ended
        assert (share.quarantined, share.reverse, share.restart) == (
            (3, 2, 9) if last else (0, 0, None)
        )


def test_a_record_keeps_each_segment_by_itself() -> None:
    """What follows a restart is booked into the new segment; the old one stays as it was."""
    at = Position("vm", 0, 500)
    totals = record_move((), Move(LINE, at, counts=5), in_error=False)
    totals = record_move(totals, Move(LINE, at._replace(index_counts=505), reverse=6), False)
    totals = record_move(totals, Move(LINE, at._replace(index_counts=499), restart=3), False)
    totals = record_move(totals, Move(LINE, Position("vm", 1, 3), counts=2), in_error=True)
    assert totals == (
        TotalRecord("vm", 0, 500, 499, 5, 0, 0, 6), TotalRecord("vm", 1, 3, 5, 0, 2, 0, 0),
    )  # fmt: skip
    assert [total.moved(10**6) for total in totals] == [-1, 2] == [t.booked for t in totals]


def test_a_small_step_back_has_its_own_counter() -> None:
    """Two counts back are neither a reset nor taken off the main counter."""
    site = Site().measured().meter(5000).wait(10_000).measured().meter(5100)
    site.wait(10_000).measured().meter(5098).wait(10_000).measured().meter(5103).close()
    [record] = site.records
    assert record.totals[0] == ("vm", 0, 5000, 5103, 105, 0, 0, 2)
    assert (record.line_main_cm3, record.line_error_cm3, record.line_reverse_cm3) == (
        105_000, 0, 2_000,
    )  # fmt: skip
    assert record.flags & Flag.REVERSE_FLOW
    assert not record.flags & Flag.NEW_SEGMENT
    assert site.codes() == [("reverse_flow", "off", "on"), ("reverse_flow", "on", "off")]
    assert "2 counts" in site.events[0].detail
    assert site.state.now.counters[:3] == (105_000, 0, 2_000)
    check_chain(site)


def test_flow_back_through_zero() -> None:
    """An index that goes back over 0 shows its highest digits; that is no gas forward."""
    site = Site().measured().meter(40).wait(10_000).measured().meter(999_990)
    site.wait(10_000).measured().meter(20).close()
    assert (sums(site.records), reversed_counts(site)) == ((30, 0, 0), 50)
    assert site.last().totals[0][:4] == ("vm", 0, 40, 20)
    assert moved_within(site) == -20
    check_chain(site)


def test_an_interval_that_only_goes_back() -> None:
    """Nothing flows forward, so the interval is one without flow, and its law is negative."""
    site = Site().measured().meter(500).wait(10_000).measured().meter(460).close()
    assert (sums(site.records), reversed_counts(site), moved_within(site)) == ((0, 0, 0), 40, -40)
    assert site.last().flags & Flag.NO_FLOW
    assert (site.last().base_main_cm3, site.last().flow_time_ms) == (0, 0)


def test_flow_back_in_a_gap() -> None:
    """Reverse flow of a gap belongs to the interval with the scan that shows it."""
    site = Site().measured().meter(50_000).wait(16 * MINUTE).measured().meter(49_000)
    assert len(site.records) == 3
    assert [r.line_reverse_cm3 for r in site.records] == [0, 0, 1_000_000]
    assert [bool(r.flags & Flag.REVERSE_FLOW) for r in site.records] == [False, False, True]
    assert sums(site.records) == (0, 0, 0)
    check_chain(site)


def test_flow_back_over_an_unknown_time() -> None:
    """Without a clock a step back by less than the meter passes since boot is booked at once."""
    site = Site().measured().meter(50_000).reboot(off_ms=HOUR, boot_ms=30_000)
    site.clock(ClockState.UNKNOWN).measured().meter(49_990).close()
    assert (sums(site.records), reversed_counts(site)) == ((0, 0, 0), 10)
    assert "index_held" not in [code for code, *_ in site.codes()]
    check_chain(site)


def test_the_devices_own_reverse_total() -> None:
    """A meter that counts back into a register of its own: no part of the other counters."""
    site = Site(BOTH_WAYS).measured().meter(100, vm_reverse=7)
    site.wait(10_000).measured().meter(110, vm_reverse=10).close()
    record = site.last()
    assert (record.line_main_cm3, record.line_error_cm3, record.line_reverse_cm3) == (
        10_000, 0, 3_000,
    )  # fmt: skip
    assert sums(site.records, "vm_reverse") == (3, 0, 0)
    assert record.flags & Flag.REVERSE_FLOW
    assert site.codes() == [("reverse_flow", "off", "on")]
    assert record.base_main_cm3 == 10_000 * record.c_e9 // 10**9
    assert reverse_of((Move(BACK, Position("vm_reverse", 0, 7), counts=3),)) == 3
    check_chain(site)


def test_unhaltable_totals_are_kept_and_not_counted_twice() -> None:
    """What a device counts in alarm or not is proven like the rest, and is no volume of the run."""
    both = config(
        totals=(
            *CONFIG.totals,
            Total("vm_total", Role.LINE_UNHALTABLE, 10**6),
            Total("vb_total", Role.BASE_UNHALTABLE, 10**6),
        )
    )
    site = Site(both).measured().meter(0, vm_total=0, vb_total=0)
    site.wait(10_000).measured().meter(30, vm_err=12, vb=150, vb_err=60, vm_total=42, vb_total=210)
    site.close()
    assert (site.last().line_main_cm3, site.last().line_error_cm3) == (30_000, 12_000)
    assert sums(site.records, "vm_total") == (42, 0, 0)
    assert sums(site.records, "vb_total") == (210, 0, 0)
    check_chain(site)


def test_after_a_jump_a_record_may_pass_a_turn() -> None:
    """A quarantined jump and what flows after it together are more than the register's turn."""
    site = Site().measured().meter(10).wait(1000).measured().meter(500_000)
    site.wait(1000).measured().meter(990_000).wait(60_000).measured().meter(9_000).close()
    assert sums(site.records) == (19_000, 0, 989_990)
    assert moved_within(site) == 1_008_990
    check_chain(site)


def test_a_base_total_that_turns_within_one_interval() -> None:
    """A register that wraps twice between boundaries gets records in which it wraps once."""
    site = Site().measured().meter(0, vb=0)
    for n, vb in enumerate((400_000, 800_000, 200_000, 600_000, 0), 1):
        site.wait(10_000).measured().meter(n, vb=vb)
    site.close()
    assert sums(site.records, "vb") == (2_000_000, 0, 0)
    assert sum(r.line_main_cm3 for r in site.records) == 5_000
    assert [(r.part, r.parts) for r in site.records] == [(0, 2), (1, 2), (0, 1)]
    assert sum(r.polls for r in site.records) == 5
    check_chain(site)


def test_a_gap_that_does_not_fit_is_cut_at_its_beginning() -> None:
    """What was counted before a gap and the gap's own movement have a record each."""
    site = Site().measured().meter(0, vb=0).wait(10_000).measured().meter(1, vb=499_000)
    site.wait(10_000).measured().meter(2, vb=998_000)
    site.wait(11 * MINUTE).measured().meter(3, vb=497_000).close()
    assert [(r.part, r.parts) for r in site.records] == [(0, 3), (1, 3), (2, 3)]
    assert site.records[0].elapsed_ms == 20_000
    assert sums(site.records, "vb") == (998_000, 499_000, 0)
    check_chain(site)


def test_a_long_gap_that_does_not_fit_is_bounded_too() -> None:
    """With the part that holds what was counted before there are 4096, as many as a body takes."""
    slow = config(interval_ms=1000, stale_ms=1000, qmax_l_h=100_000)
    site = Site(slow).measured().meter(0, vb=0).wait(500).measured().meter(1, vb=499_000)
    site.wait(400).measured().meter(2, vb=998_000)
    site.wait(5_000_000).measured().meter(100_002, vb=497_000)
    assert [(r.part, r.parts) for r in site.records] == [(n, 4096) for n in range(4096)]
    first, second = site.records[:2]
    assert (first.elapsed_ms, second.elapsed_ms) == (900, 5_000_000 - 4093 * 1000 - 1900)
    assert sums(site.records) == (2, 100_000, 0)
    assert sums(site.records, "vb") == (998_000, 499_000, 0)
    assert IntervalRecord.from_body(site.last().to_body()) == site.last()


INDEXES = st.integers(0, 10**6 - 1) | st.sampled_from([0, 1, 499_999, 500_000, 999_999])
STEPS = st.tuples(
    st.sampled_from(["free", "on", "back", "turn"]),
    st.integers(0, 4_000),
    INDEXES,
    INDEXES,
    st.sampled_from([0, 1, 5_000, 10_000, 10_000, MINUTE + 1, 17 * MINUTE]),
)


@settings(max_examples=150)
@given(steps=st.lists(STEPS, max_size=40), start=INDEXES)
def test_any_sequence_of_indexes_conserves(steps: list[Any], start: int) -> None:
    """Rollovers, resets, steps back, jumps and gaps: per segment the register's way is booked."""
    assert faults(BOTH_WAYS) == []
    site = Site(BOTH_WAYS).measured().meter(start, vm_reverse=0)
    seen, index = [start], start
    for kind, by, free, other, ms in steps:
        index = {"free": free, "on": index + by, "back": index - by, "turn": 0}[kind] % 10**6
        seen.append(index)
        site.wait(ms).measured().meter(index, vb=other, vm_err=free, vm_reverse=other)
    site.close()
    check_chain(site)
    assert_counters(site)
    segments = [t for r in site.records for t in r.totals if t.point == "vm"]
    ends = {t.segment: t.end for t in segments}
    assert list(ends.values())[-1:] == seen[-1:] * bool(segments)
    net = sum(t.booked for t in segments)
    anew = [e for e in site.events if e.code == "new_segment" and e.detail.startswith("vm:")]
    unseen = sum(int(event.new or 0) - int(event.old or 0) for event in anew)
    assert (net + unseen - (seen[-1] - seen[0])) % 10**6 == 0


def assert_counters(site: Site) -> None:
    """The run's own counters are the sums of its records."""
    records, counters = site.records, site.state.now.counters
    assert counters.line_main == sum(r.line_main_cm3 for r in records)
    assert counters.line_error == sum(r.line_error_cm3 for r in records)
    assert counters.line_reverse == sum(r.line_reverse_cm3 for r in records)
    assert counters.base_main == sum(r.base_main_cm3 for r in records)
    assert counters.base_error == sum(r.base_error_cm3 for r in records)
    assert counters.line_unhaltable == counters.line_main + counters.line_error
    assert counters.base_unhaltable == counters.base_main + counters.base_error


def test_a_record_with_a_negative_counter_is_refused() -> None:
    """Back is a figure of its own, so no figure of a total may be below zero."""
    body = Site().measured().meter(0).wait(1000).measured().meter(1).close().last().to_body()
    total = body[9][0]  # type: ignore[index]
    for at in range(1, 8):
        wrong = (*total[:at], -1, *total[at + 1 :])  # type: ignore[index]
        with pytest.raises(BodyError):
            IntervalRecord.from_body((*body[:9], (wrong,), *body[10:]))
