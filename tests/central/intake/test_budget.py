"""The token bucket of refused work."""

from hypothesis import given
from hypothesis import strategies as st

from central.intake import budget as module
from central.intake.budget import Budget


def test_a_burst_is_free_and_then_one_a_period():
    """Three at once, then one each 2 s; the wait is told in whole seconds, never 0."""
    budget = Budget(burst=3, refill_each_ms=2_000)
    for _ in range(3):
        assert budget.wait_s("gw-1", 10_000) == 0
        budget.take("gw-1", 10_000)
    assert budget.wait_s("gw-1", 10_000) == 2
    assert budget.wait_s("gw-1", 11_999) == 1
    assert budget.wait_s("gw-2", 10_000) == 0
    assert budget.wait_s("gw-1", 12_000) == 0
    budget.take("gw-1", 12_000)
    assert budget.wait_s("gw-1", 12_000) == 2


def test_a_clock_that_is_set_back_locks_nobody_out():
    """After a step back the bucket fills at its usual rate."""
    budget = Budget(burst=1, refill_each_ms=2_000)
    budget.take("gw-1", 1_000_000)
    assert budget.wait_s("gw-1", 5_000) == 2
    budget.take("gw-1", 5_000)
    assert budget.wait_s("gw-1", 7_000) == 0


def test_memory_is_bounded(monkeypatch):
    """Of more gateways than are remembered, the quiet ones are forgotten."""
    monkeypatch.setattr(module, "MAX_KEYS", 2)
    budget = Budget(burst=1)
    for key in ("a", "b", "c"):
        budget.take(key, 0)
    assert budget.wait_s("a", 0) == 0
    assert budget.wait_s("b", 0) > 0
    assert budget.wait_s("c", 0) > 0


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=60))
def test_never_more_than_burst_and_rate(steps):
    """Whatever the times, what was let through is at most the burst and one a period."""
    budget = Budget(burst=5, refill_each_ms=2_000)
    now_ms, passed = 0, 0
    for step in steps:
        now_ms += step
        if budget.wait_s("gw-1", now_ms) == 0:
            budget.take("gw-1", now_ms)
            passed += 1
    assert passed <= 5 + now_ms // 2_000
