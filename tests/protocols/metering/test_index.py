"""Index to increment by table and property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.index import (
    Backward,
    Increment,
    Jump,
    Reverse,
    above_qmax,
    flow_bound,
    increment,
)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (100, 100, Increment(0)),
        (100, 150, Increment(50)),
        (100, 151, Jump(51)),
        (990, 10, Increment(20)),
        (990, 41, Backward()),
        (100, 99, Reverse(1)),
        (100, 50, Reverse(50)),
        (100, 49, Backward()),
        (100, 0, Backward()),
        (0, 999, Reverse(1)),
        (0, 950, Reverse(50)),
        (0, 949, Jump(949)),
    ],
)
def test_verdicts(old: int, new: int, verdict: object) -> None:
    """Forward within the bound counts, over a rollover too; back by as little is reverse flow."""
    assert increment(old, new, modulus=1000, bound=50) == verdict


def test_more_than_a_turn_is_never_an_increment() -> None:
    """Where the register may have turned more than once, even an increment of 1 is uncertain."""
    assert increment(5, 6, modulus=1000, bound=1000) == Jump(1)
    assert increment(6, 5, modulus=1000, bound=1000) == Jump(999)


@pytest.mark.parametrize(
    ("qmax_l_h", "elapsed_ms", "count_cm3", "counts"),
    [
        (1_000_000, 3_600_000, 1000, 1_200_001),  # an hour at 1000 m3/h in litres, plus one
        (1_000_000, 10_000, 1000, 3334),
        (16_000, 1000, 10_000, 1),  # 5.3 l in steps of 10 l: one count may be due
        (1_000_000, 0, 1000, 1),
    ],
)
def test_flow_bound(qmax_l_h: int, elapsed_ms: int, count_cm3: int, counts: int) -> None:
    """The bound is 1.2 Qmax times the time, in whole counts, plus one."""
    assert flow_bound(qmax_l_h, elapsed_ms, count_cm3) == counts


def test_above_qmax() -> None:
    """Qmax is exceeded when even without the nearly full first count more than Qmax has passed."""
    assert not above_qmax(1001, 1_000_000, 3600, 1000)
    assert above_qmax(1002, 1_000_000, 3600, 1000)
    assert not above_qmax(0, 1_000_000, 0, 1000)


@given(st.data())
def test_increments_add_up(data: st.DataObject) -> None:
    """Plausible increments add up to last minus first, over any number of rollovers."""
    modulus = data.draw(st.integers(2, 10**12))
    bound = data.draw(st.integers(1, modulus - 1))
    start = data.draw(st.integers(0, modulus - 1))
    way = data.draw(st.lists(st.integers(0, bound), max_size=30))
    at, found = start, 0
    for counts in way:
        new = (at + counts) % modulus
        verdict = increment(at, new, modulus, bound)
        assert verdict == Increment(counts)
        at, found = new, found + counts
    assert found == sum(way)
    assert (start + found) % modulus == at


@given(st.integers(2, 10**9), st.integers(0, 10**9), st.data())
def test_every_way_has_one_verdict(modulus: int, bound: int, data: st.DataObject) -> None:
    """A verdict with counts leads to the new index; only a smaller index can be backward."""
    old, new = (data.draw(st.integers(0, modulus - 1)) for _ in range(2))
    verdict = increment(old, new, modulus, bound)
    match verdict:
        case Increment(counts):
            assert (old + counts) % modulus == new
            assert counts <= bound
        case Jump(counts):
            assert (old + counts) % modulus == new
            assert counts > bound or bound >= modulus
        case Backward():
            assert new < old
