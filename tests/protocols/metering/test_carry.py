"""What outlives an interval or a process: its body is the value, and nothing else is."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.body import BodyError
from protocols.metering.carry import (
    MAX_COMPONENTS,
    MAX_TOTALS,
    Analysis,
    Carry,
    Counters,
    Moment,
    Position,
    Reading,
    parse_carry,
)
from protocols.metering.deviation import Compared
from protocols.metering.flow import CurvePoint
from protocols.metering.gas import Gas, GasSource
from protocols.metering.instant import ClockState, Instant
from protocols.metering.interval import IntervalRecord, TotalRecord
from protocols.metering.quality import ALL_FLAGS
from protocols.metering.run_config import Role, RunConfig, Source, Total
from protocols.metering.run_state import RunState
from protocols.metering.tally import Tally, parse_tally

BIG, NAME = st.integers(0, 2**63 - 1), st.text(max_size=12)
INSTANT = st.builds(Instant, BIG, BIG, st.none() | BIG, st.sampled_from(ClockState))
READING = st.none() | st.builds(Reading, st.integers(-(2**63), 2**63 - 1), BIG, BIG, BIG)


@st.composite
def compositions(draw: st.DrawFn) -> tuple[int, ...]:
    cuts = sorted(draw(st.lists(st.integers(0, 10**9), min_size=20, max_size=20)))
    edges = [0, *cuts, 10**9]
    return tuple(b - a for a, b in pairwise(edges))


ANALYSIS = st.none() | st.builds(Analysis, compositions(), BIG, BIG, BIG)
CARRY = st.builds(
    Carry,
    next_seq=st.integers(0, 2**62),
    segment=BIG,
    reference=st.none() | INSTANT,
    positions=st.lists(st.builds(Position, NAME, BIG, BIG), max_size=MAX_TOTALS).map(tuple),
    main_remainder=st.integers(0, 10**9 - 1),
    error_remainder=st.integers(0, 10**9 - 1),
    counters=st.builds(Counters, BIG, BIG, BIG, BIG, BIG),
    flowed=st.none() | st.builds(Moment, BIG, BIG),
    pressure=READING,
    temperature=READING,
    atmosphere=READING,
    gas=ANALYSIS,
)
TOTALS = st.lists(st.builds(TotalRecord, NAME, *[BIG] * 7), max_size=4).map(tuple)
TALLY = st.builds(
    Tally, TOTALS, *[st.integers(0, 2**127)] * 15, last=st.none() | st.tuples(*[BIG] * 5)
)
RECORD = st.builds(
    IntervalRecord, NAME, st.binary(min_size=32, max_size=32), BIG, CARRY,
    st.just(2**63 - 1), st.integers(0, 7), st.integers(8, 4096), INSTANT, INSTANT, TOTALS,
    *[BIG] * 15, st.integers(0, int(ALL_FLAGS)),
)  # fmt: skip
SOURCE = st.builds(Source, NAME, NAME, st.booleans(), BIG, BIG, BIG, BIG)
GAS = st.builds(Gas, NAME, st.just(()) | compositions(), *[BIG] * 7, NAME)
POINTS = st.lists(st.tuples(NAME, NAME), max_size=32).map(tuple)
TOTAL = st.builds(Total, NAME, st.sampled_from(Role), st.integers(2, 2**63 - 1))
CONFIG = st.builds(
    RunConfig, NAME, NAME,
    st.lists(TOTAL, max_size=MAX_TOTALS).map(tuple),
    st.integers(-100, 100), st.integers(-100, 100), NAME, NAME, BIG, SOURCE, SOURCE, BIG, NAME, BIG,
    GAS, BIG, BIG, BIG, BIG, NAME, BIG, NAME, BIG,
    st.lists(
        st.builds(CurvePoint, BIG, st.integers(-500_000, 500_000)), max_size=32
    ).map(tuple),
    st.none() | SOURCE,
    st.none() | st.builds(GasSource, NAME, POINTS, st.integers(1, 2**63 - 1)),
    st.integers(0, 1_000_000), st.booleans(),
)  # fmt: skip
COMPARED = st.builds(Compared, BIG, BIG, BIG, st.integers(0, 1), st.integers(0, 1))


@st.composite
def states(draw: st.DrawFn) -> RunState:
    now, opening = draw(CARRY), draw(CARRY)
    names = tuple(draw(st.lists(NAME, max_size=16)))
    compared = draw(COMPARED)
    if now.reference is None:
        return RunState(now, None, None, names, compared)
    return RunState(now, opening, draw(TALLY), names, compared)


def same(value: Any, parse: Any) -> None:
    body = value.to_body()
    assert parse(body) == value
    assert parse(cbor2.loads(cbor2.dumps(body))) == value


@given(CARRY)
def test_any_carry_survives_its_body(carry: Carry) -> None:
    """Every part of it, whatever is known and what is not."""
    same(carry, parse_carry)


@given(TALLY)
def test_any_tally_survives_its_body(tally: Tally) -> None:
    """Weighted sums beyond 64 bits, too: they stay in the gateway."""
    body = tally.to_body()
    assert parse_tally(body) == tally


@given(states())
def test_any_state_survives_its_body(state: RunState) -> None:
    """Before and within an interval, with its alarms and its comparison."""
    assert RunState.from_body(state.to_body()) == state


@given(RECORD)
def test_any_record_survives_its_body(record: IntervalRecord) -> None:
    """All 26 fields in their order."""
    same(record, IntervalRecord.from_body)


@given(CONFIG)
def test_any_configuration_survives_its_body(config: RunConfig) -> None:
    """And has the same hash after it."""
    same(config, RunConfig.from_body)
    assert RunConfig.from_body(config.to_body()).hash() == config.hash()


CARRIED = Carry(
    1, 0, Instant(1, 2, 3, 2), (Position("vm", 0, 5),), 1, 2, Counters(1, 2, 3, 4, 5),
    Moment(1, 2), Reading(1, 1, 2, 1), Reading(-1, 1, 2, 2), None,
    Analysis((10**9, *[0] * 20), 39_000_000, 1, 2),
)  # fmt: skip


@pytest.mark.parametrize(
    ("place", "wrong", "told"),
    [
        (4, 10**9, "main_remainder"),
        (5, -1, "error_remainder"),
        (5, 10**9, "error_remainder"),
        (6, (1, 2, 3, 4), "counters"),
        (6, (1, 2, 3, 4, -5), "base_error"),
        (7, (1,), "flowed"),
        (8, (1, 2, 3), "carry.pressure"),
        (9, (1, 2, 3, "x"), "carry.temperature.since_ms"),
        (10, (2**63, 1, 2, 2), "carry.atmosphere.value"),
        (11, ((10**9, *[0] * 19), 1, 1, 1), "composition"),
        (11, ((10**9 - 1, *[0] * 20), 1, 1, 1), "its parts make 999999999"),
        (11, ((10**9 + 1, -1, *[0] * 19), 1, 1, 1), "composition"),
        (3, tuple(("vm", 0, 0) for _ in range(MAX_TOTALS + 1)), "positions"),
    ],
)
def test_an_impossible_carry_is_refused(place: int, wrong: Any, told: str) -> None:
    """By the name of its field."""
    body = list(CARRIED.to_body())
    assert parse_carry(tuple(body)) == CARRIED
    body[place] = wrong
    with pytest.raises(BodyError, match=told):
        parse_carry(tuple(body))


@given(BIG, BIG, BIG, BIG)
def test_unhaltable_counters_are_main_and_error(a: int, b: int, c: int, d: int) -> None:
    """Whatever passes, in alarm or not; reverse flow is no part of them."""
    counters = Counters(a, b, 77, c, d)
    assert (counters.line_unhaltable, counters.base_unhaltable) == (a + b, c + d)


def test_as_many_components_as_a_composition_has() -> None:
    """One contract of 21 places."""
    assert len(CARRIED.gas.composition if CARRIED.gas else ()) == MAX_COMPONENTS
