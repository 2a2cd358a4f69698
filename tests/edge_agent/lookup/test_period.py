"""Times as a technician types them."""

from __future__ import annotations

import pytest

from edge_agent.lookup.period import NoTimeError, utc_ms_of

NOW_MS = 1_780_000_000_000  # 2026-05-29 04:26:40 in Shanghai
ZONE = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("text", "utc_ms"),
    [
        ("30min", NOW_MS - 1_800_000),
        ("6h", NOW_MS - 21_600_000),
        (" 2d ", NOW_MS - 172_800_000),
        ("04:26", NOW_MS - 40_000),
        ("2026-05-29", NOW_MS - 16_000_000),
        ("2026-05-29 04:26", NOW_MS - 40_000),
        ("2026-05-29T04:26", NOW_MS - 40_000),
        ("2026-05-29 04:26:40", NOW_MS),
    ],
)
def test_by_the_wall_clock_of_the_site_or_so_long_ago(text: str, utc_ms: int) -> None:
    """Whatever zone the machine itself has."""
    assert utc_ms_of(text, NOW_MS, ZONE) == utc_ms


def test_an_hour_that_comes_twice_is_the_first_one() -> None:
    """Where summer time ends."""
    autumn = utc_ms_of("2026-10-25 02:30", NOW_MS, "Europe/Berlin")
    assert autumn == utc_ms_of("2026-10-25 00:30", NOW_MS, "UTC")
    assert utc_ms_of("2026-05-29", NOW_MS, "No/Where") == utc_ms_of("2026-05-29", NOW_MS, "UTC")


@pytest.mark.parametrize("text", ["", "yesterday", "25:00", "2026-13-01", "-3h", "9" * 9 + "d"])
def test_what_is_no_time_is_told_with_what_can_be_written(text: str) -> None:
    """Never guessed."""
    with pytest.raises(NoTimeError, match="is no time: write 2026-11-26"):
        utc_ms_of(text, NOW_MS, ZONE)
