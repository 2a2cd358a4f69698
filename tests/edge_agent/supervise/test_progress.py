"""The verdict over every kind of thread and instant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.supervise.progress import RETURN_MS, Stuck, Turn, Verdict, in_words, judge

NOW = 1_000_000
DEADLINE = 30_000
LATE = NOW - DEADLINE - 1


@pytest.mark.parametrize(
    ("turn_ms", "freed_ms", "verdict"),
    [
        pytest.param(NOW, None, "good", id="came round now"),
        pytest.param(NOW - DEADLINE, None, "good", id="at its deadline"),
        pytest.param(NOW + 500_000, None, "good", id="sleeps rightly until then"),
        pytest.param(LATE, None, "free", id="past it: first what it waits for is closed"),
        pytest.param(LATE, LATE - 5, "free", id="freed once before its last turn: freed again"),
        pytest.param(LATE, LATE, "free", id="freed in the very moment of its last turn"),
        pytest.param(LATE, NOW, "good", id="freed just now"),
        pytest.param(LATE, NOW - RETURN_MS, "good", id="has two seconds to return"),
        pytest.param(LATE, NOW - RETURN_MS - 1, "stuck", id="did not return"),
        pytest.param(NOW - 10, NOW - RETURN_MS - 1, "good", id="freed and came round"),
    ],
)
def test_the_verdict(turn_ms: int, freed_ms: int | None, verdict: str) -> None:
    """Freed first, then two seconds, and only then is the watchdog left unfed."""
    found = judge([Turn("bus-a", turn_ms, DEADLINE, freed_ms)], NOW)
    late = (Stuck("bus-a", NOW - turn_ms),)
    expected = {"good": Verdict(), "free": Verdict(free=late), "stuck": Verdict(stuck=late)}
    assert found == expected[verdict]
    assert found.feeds is (verdict != "stuck")


def test_one_stuck_thread_among_others() -> None:
    """Each is judged by its own deadline; one that is stuck is enough."""
    turns = [
        Turn("recorder", NOW - 100_000, 120_000),
        Turn("uplink", NOW - 100_000, 1_800_000),
        Turn("bus-a", NOW - 100_000, DEADLINE, NOW - 5_000),
        Turn("bus-b", NOW - 40_000, DEADLINE),
    ]
    found = judge(turns, NOW)
    assert found.free == (Stuck("bus-b", 40_000),)
    assert found.stuck == (Stuck("bus-a", 100_000),)
    assert not found.feeds
    assert in_words(found.stuck) == "bus-a has made no turn for 100 s"


@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=200))
def test_who_comes_round_is_never_stuck(gaps: list[int]) -> None:
    """Whatever the intervals between looks: a thread that turned before each look is fed."""
    now = 0
    for gap in gaps:
        now += gap
        assert judge([Turn("bus-a", now - min(gap, DEADLINE), DEADLINE)], now) == Verdict()


@given(st.integers(1, 5_000), st.integers(1_000, 100_000))
def test_who_never_comes_round_is_stuck_in_bounded_time(look_ms: int, deadline_ms: int) -> None:
    """By two looks behind deadline and grace, and never without having been freed."""
    freed: int | None = None
    for now in range(0, deadline_ms + RETURN_MS + 3 * look_ms, look_ms):
        verdict = judge([Turn("bus-a", 0, deadline_ms, freed)], now)
        if verdict.free:
            assert freed is None
            freed = now
        if verdict.stuck:
            assert freed is not None
            assert now - freed > RETURN_MS
            return
    raise AssertionError("never stuck")
