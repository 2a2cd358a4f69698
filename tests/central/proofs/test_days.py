"""UTC days, and when a checkpoint is due."""

import pytest

from central.proofs.days import DAY_MS, DUE_MS, is_due, next_daily_ms, utc_day

DAY = 20_000 * DAY_MS


def test_a_day_by_its_date() -> None:
    """In UTC."""
    assert utc_day(1_773_192_599) == "2026-03-11"
    assert utc_day(1_773_187_199) == "2026-03-10"


@pytest.mark.parametrize(
    ("now_ms", "due", "after_ms"),
    [
        (DAY, False, DAY + DUE_MS),
        (DAY + DUE_MS - 1, False, DAY + DUE_MS),
        (DAY + DUE_MS, True, DAY + DAY_MS + DUE_MS),
        (DAY + DAY_MS - 1, True, DAY + DAY_MS + DUE_MS),
    ],
)
def test_ten_minutes_past_midnight(now_ms: int, due: bool, after_ms: int) -> None:
    """Not before: the day's last batches shall be in it."""
    assert is_due(now_ms) is due
    assert next_daily_ms(now_ms) == after_ms
