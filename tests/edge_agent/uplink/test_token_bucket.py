"""Bytes over the link; the time is a number here."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.uplink.token_bucket import BURST_S, TokenBucket


def test_a_quiet_link_lets_a_burst_go() -> None:
    """At once, as much as a minute of the rate; then only what time brings."""
    bucket = TokenBucket(100.0, now=0.0)
    assert bucket.wait_s(0.0, first=False) == 0.0
    bucket.charge(0.0, round(100 * BURST_S) + 50)
    assert bucket.wait_s(0.0, first=False) == 0.5
    assert bucket.wait_s(0.25, first=False) == 0.25
    assert bucket.wait_s(0.5, first=False) == 0.0


def test_billing_does_not_wait_for_what_telemetry_owes() -> None:
    """It has a reserve as large as the bucket, and then waits too."""
    bucket = TokenBucket(100.0, now=0.0, burst=1000.0)
    bucket.charge(0.0, 1500)
    assert bucket.wait_s(0.0, first=False) == 5.0
    assert bucket.wait_s(0.0, first=True) == 0.0
    bucket.charge(0.0, 700)
    assert bucket.wait_s(0.0, first=True) == 2.0
    assert bucket.wait_s(2.0, first=True) == 0.0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """Neither at once, nor twice for the same time."""
    bucket = TokenBucket(100.0, now=10.0, burst=100.0)
    bucket.charge(10.0, 200)
    assert bucket.wait_s(5.0, first=False) == 1.0
    assert bucket.wait_s(10.0, first=False) == 1.0


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 10_000)), max_size=40))
def test_never_more_than_rate_and_reserves(sent: list[tuple[float, int]]) -> None:
    """Whoever asks before each batch sends at most rate times time, two bursts and one batch."""
    rate, burst, now, total = 50.0, 1000.0, 0.0, 0
    bucket = TokenBucket(rate, now, burst)
    for pause_s, size in sent:
        now += pause_s
        if bucket.wait_s(now, first=True) == 0.0:
            bucket.charge(now, size)
            total += size
    assert total <= rate * now + 2 * burst + 10_000 + 1e-6
