import pytest

from central.web import instants
from central.web.words import load_words

NOW_MS = 1_773_192_620_000
ENGLISH = load_words()["en"]


@pytest.mark.parametrize(
    ("ago_ms", "text"),
    [
        (0, "just now"),
        (999, "just now"),
        (1_000, "1 s ago"),
        (119_999, "119 s ago"),
        (120_000, "2 min ago"),
        (7_199_000, "119 min ago"),
        (7_200_000, "2 h ago"),
        (172_800_000, "2 d ago"),
        (-2_000, "just now"),
        (-2_001, "2 s ahead of central"),
        (-90_000_000, "90000 s ahead of central"),
    ],
)
def test_age(ago_ms: int, text: str) -> None:
    """An age is told in the largest unit that fits twice; a clock ahead of central is told."""
    assert instants.age(NOW_MS, NOW_MS - ago_ms, ENGLISH) == text


def test_no_instant() -> None:
    """What never came has no age, and is not behind by any time."""
    assert instants.age(NOW_MS, None, ENGLISH) == "never"
    assert instants.lag(NOW_MS, None, ENGLISH) == "–"
    assert instants.lag(NOW_MS, NOW_MS - 65_000, ENGLISH) == "65 s"


@pytest.mark.parametrize(
    ("ago_ms", "stopped", "state"),
    [
        (None, False, "never"),
        (0, False, "good"),
        (900_000, False, "good"),
        (900_001, False, "late"),
        (3_600_000, False, "late"),
        (3_600_001, False, "silent"),
        (0, True, "stopped"),
        (None, True, "stopped"),
    ],
)
def test_state(ago_ms: int | None, stopped: bool, state: str) -> None:
    """Three batches missed is late, an hour is silent, and stopped outweighs both."""
    last = None if ago_ms is None else NOW_MS - ago_ms
    assert instants.gateway_state(last, stopped, NOW_MS) == state


def test_wall_clock() -> None:
    """An instant is shown by the wall clock of its zone, whose offset is named."""
    shanghai = instants.zone_of("Asia/Shanghai")
    assert instants.wall_clock(1_773_178_200_000, shanghai) == "2026-03-11 05:30:00"
    assert instants.wall_clock_ms(1_773_178_200_007, instants.zone_of("UTC")) == (
        "2026-03-10 21:30:00.007"
    )
    assert instants.wall_clock(None, shanghai) == ""
    assert instants.zone_label("Asia/Shanghai", NOW_MS) == "Asia/Shanghai (UTC+08:00)"
    assert instants.zone_label("America/St_Johns", NOW_MS) == "America/St_Johns (UTC-02:30)"
    assert instants.zone_label("UTC", NOW_MS) == "UTC"


@pytest.mark.parametrize("name", ["", "Nowhere/Else", "../../etc/passwd", "\0", "Asia"])
def test_unknown_zone(name: str) -> None:
    """A zone that this machine does not know is shown as UTC, and called so."""
    assert instants.wall_clock(0, instants.zone_of(name)) == "1970-01-01 00:00:00"
    assert instants.zone_label(name, NOW_MS) == "UTC"


def test_no_calendar() -> None:
    """An instant that no calendar has is left out; the page is shown all the same."""
    assert instants.wall_clock(10**18, instants.zone_of("UTC")) == ""
