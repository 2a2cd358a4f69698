"""Durations, sizes and clock times as a person says them."""

from __future__ import annotations

import pytest

from edge_agent.language import load_words
from edge_agent.status.words_of_time import clock_time, local_of, size, span

EN, ZH = (load_words("edge_agent.status", chinese=chinese) for chinese in (False, True))


@pytest.mark.parametrize(
    ("ms", "text", "chinese"),
    [
        (-5, "0 s", "0 秒"),
        (119_999, "119 s", "119 秒"),
        (120_000, "2 min", "2 分钟"),
        (7_199_999, "119 min", "119 分钟"),
        (11_100_000, "3 h 05 min", "3 小时 05 分"),
        (180_000_000, "2 d 02 h", "2 天 2 小时"),
    ],
)
def test_a_duration_is_as_exact_as_is_of_use(ms: int, text: str, chinese: str) -> None:
    """Seconds within two minutes, hours within two days."""
    assert (span(ms, EN), span(ms, ZH)) == (text, chinese)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (123_456, "123 kB"),
        (4_800_000, "4.8 MB"),
        (78_000_000_000, "78.0 GB"),
    ],
)
def test_a_size_has_three_figures(count: int, text: str) -> None:
    """Decimal units, as disks are sold."""
    assert size(count) == text


def test_times_are_the_sites() -> None:
    """With the date where it is another day; in UTC where the zone is not known here."""
    local = local_of("Asia/Shanghai")
    assert clock_time(1_780_000_000_000, 1_780_000_500_000, local) == "04:26"
    assert clock_time(1_780_000_000_000, 1_780_100_000_000, local) == "05-29 04:26"
    assert clock_time(1_780_000_000_000, None, local) == "05-29 04:26"
    assert f"{local_of('No/Where')(1_780_000_000_000):%H:%M}" == "20:26"
