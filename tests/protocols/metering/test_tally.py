"""What an interval adds up to: exact integers, whatever is rounded to be shown."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.body import BodyError
from protocols.metering.carry import Carry, Moment, Position
from protocols.metering.conditions import Conditions, conditions_at
from protocols.metering.interval import MAX_SEGMENTS, TotalRecord
from protocols.metering.movement import Move
from protocols.metering.quality import Flag
from protocols.metering.run_config import Role, Total
from protocols.metering.tally import Portion, Tally, add, begin, go_on, is_full, parse_tally
from tests.protocols.metering.site import CONFIG, MINUTE, Site, check_chain, config

ROUNDS = st.lists(
    st.tuples(
        st.integers(0, 3_000),
        st.floats(100.0, 900.0) | st.none(),
        st.floats(-20.0, 60.0),
        st.sampled_from(["go", "go", "go", "close", "restart"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=80)
@given(rounds=ROUNDS, exponent=st.sampled_from([-4, -3]), method=st.sampled_from(["PT", "SGERG-88"]))  # noqa: E501  # fmt: skip
def test_rounded_intervals_add_up_to_the_rounded_total(
    rounds: list[Any], exponent: int, method: str
) -> None:
    """P and T anew at every scan, stops and restarts: nothing is lost to rounding, ever."""
    own = config(method=method, line_exponent=exponent, line_exponent_point="", interval_ms=MINUTE)
    site, index = Site(own).measured().meter(0), 0
    exact = {True: 0, False: 0}
    for counts, kpa, celsius, then in rounds:
        index += counts
        site.wait(10_000).temperature(celsius).pressure(kpa)
        at = conditions_at(own, site.state.now, site.instant)
        exact[at.flags == 0] += counts * own.count_cm3 * at.c_e9
        site.meter(index)
        if then == "close":
            site.close()
        elif then == "restart":
            site.restart()
    site.close()
    assert sum(r.base_main_cm3 for r in site.records) == exact[True] // 10**9
    assert sum(r.base_error_cm3 for r in site.records) == exact[False] // 10**9
    now = site.state.now
    assert (now.main_remainder, now.error_remainder) == (
        exact[True] % 10**9, exact[False] % 10**9,
    )  # fmt: skip
    line = sum(r.line_main_cm3 + r.line_error_cm3 for r in site.records)
    assert line == index * own.count_cm3 == now.counters.line_unhaltable
    check_chain(site)


AT = Conditions(5_000_000, 288_150, 990_000_000, 4_999_999_999, 39_000_000)
LINE, BASE = CONFIG.totals[0], CONFIG.totals[2]
BACK = Total("back", Role.LINE_REVERSE, 10**6)
ERROR = CONFIG.totals[1]


def moved(total: Total, counts: int, **more: int) -> Move:
    return Move(total, Position(total.point, 0, 0), counts, **more)


def portion(*moves: Move, in_gap: bool = False, elapsed_ms: int = 10_000) -> Portion:
    return Portion(moves, elapsed_ms, Moment(1, 500_000), in_gap, 0)


@pytest.mark.parametrize(
    ("moves", "in_gap", "flags", "line", "base"),
    [
        ((moved(LINE, 7),), False, 0, (7000, 0, 0), (34_999, 0)),
        ((moved(LINE, 7),), True, 0, (0, 7000, 0), (0, 34_999)),
        ((moved(LINE, 7),), False, Flag.SUBSTITUTE_GAS, (0, 7000, 0), (0, 34_999)),
        ((moved(LINE, 7), moved(ERROR, 2)), False, 0, (7000, 2000, 0), (34_999, 9_999)),
        ((moved(LINE, 0, reverse=3), moved(BACK, 4)), False, 0, (0, 0, 7000), (0, 0)),
        ((moved(LINE, 0, quarantined=9),), False, 0, (0, 0, 0), (0, 0)),
        ((moved(BASE, 5),), False, Flag.Z_OUT_OF_RANGE, (0, 0, 0), (0, 0)),
    ],
)
def test_where_a_portion_goes(
    moves: tuple[Move, ...],
    in_gap: bool,
    flags: int,
    line: tuple[int, ...],
    base: tuple[int, ...],
) -> None:
    """Main only what is measured and seen; error what is not; reverse and quarantine to neither."""
    at = AT._replace(flags=Flag(flags))
    tally, carry = add(CONFIG, Tally(()), Carry(0, 0), portion(*moves, in_gap=in_gap), at)
    assert (tally.line_main_cm3, tally.line_error_cm3, tally.line_reverse_cm3) == line
    assert (tally.base_main_cm3, tally.base_error_cm3) == base
    assert tuple(carry.counters) == (*line, *base)
    assert carry.main_remainder == (line[0] * AT.c_e9) % 10**9
    assert carry.error_remainder == (line[1] * AT.c_e9) % 10**9
    assert tally.flags == flags
    assert tally.last == AT.shown
    assert carry.flowed == (Moment(1, 500_000) if line[0] or line[1] else None)


def test_averages_are_weighted_by_the_time_of_flow() -> None:
    """And the meter's correction by the volume that it was worth."""
    tally, carry = Tally(()), Carry(0, 0)
    for counts, ms, p in ((5, 10_000, 4_000_000), (0, 90_000, 9_000_000), (1, 20_000, 7_000_001)):
        step = portion(moved(LINE, counts), elapsed_ms=ms)
        tally, carry = add(CONFIG, tally, carry, step, AT._replace(p_dpa=p))
    assert (tally.flow_time_ms, tally.elapsed_ms) == (30_000, 120_000)
    assert tally.p_sum == 4_000_000 * 10_000 + 7_000_001 * 20_000
    assert tally.t_sum == 288_150 * 30_000
    assert tally.z_sum == 990_000_000 * 30_000
    assert tally.c_sum == AT.c_e9 * 30_000
    assert tally.cf_sum == 6000 * 10**9


def test_a_mean_is_rounded_half_up() -> None:
    """Two halves of an interval that differ by one unit have the upper one as their mean."""
    site = Site(config(method="PT")).measured(400.0).meter(0)
    for kpa in (400.0, 400.0001):
        site.wait(10_000).measured(kpa).meter(site.state.now.positions[0].index_counts + 5)
    assert site.close().last().p_dpa == 5_013_251
    exact = Fraction(5_013_250 + 5_013_251, 2)
    assert abs(site.last().p_dpa - exact) <= Fraction(1, 2)


def test_an_interval_opens_where_its_carry_stands() -> None:
    """And after a boundary within a gap where the part before it ended, newest segments only."""
    positions = (Position("vm", 2, 77), Position("vb", 0, 5))
    assert begin(Carry(0, 3, positions=positions)) == Tally(
        (TotalRecord("vm", 2, 77, 77, 0, 0, 0), TotalRecord("vb", 0, 5, 5, 0, 0, 0))
    )
    before = Tally(
        (
            TotalRecord("vm", 0, 1, 9, 8, 0, 0),
            TotalRecord("vb", 0, 5, 6, 1, 0, 0),
            TotalRecord("vm", 1, 3, 4, 0, 1, 0),
        ),
        line_main_cm3=8,
        polls=3,
    )
    assert go_on(before) == Tally(
        (TotalRecord("vm", 1, 4, 4, 0, 0, 0), TotalRecord("vb", 0, 6, 6, 0, 0, 0))
    )


def test_a_tally_is_full_when_a_scan_may_no_longer_fit() -> None:
    """At 64 records of totals."""
    one = TotalRecord("vm", 0, 1, 1, 0, 0, 0)
    assert not is_full(Tally((one,) * (MAX_SEGMENTS - 1)))
    assert is_full(Tally((one,) * MAX_SEGMENTS))


def test_a_tally_has_room_for_twice_as_many() -> None:
    """One scan may add a record for each of 16 totals; a body with more is none."""
    one = TotalRecord("vm", 0, 1, 1, 0, 0, 0)
    most = Tally((one,) * 2 * MAX_SEGMENTS)
    assert parse_tally(most.to_body()) == most
    with pytest.raises(BodyError):
        parse_tally(Tally((*most.totals, one)).to_body())
