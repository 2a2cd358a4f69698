import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ledger.rows import EventRow
from central.web import render
from central.web.instants import zone_of
from central.web.words import load_words
from protocols.metering.quality import Flag, Quality

WORDS = load_words()
SHANGHAI = zone_of("Asia/Shanghai")


@pytest.mark.parametrize(
    ("flags", "english", "chinese", "level"),
    [
        (0, "good", "正常", "good"),
        (32, "no flow", "无流量", "good"),
        (4 + 2048, "substitute pressure, partial", "压力替代值, 不足时段", "warn"),
        (1 << 40, f"flag {1 << 40}", f"标志 {1 << 40}", "warn"),
        (1 + (1 << 33), f"estimated, flag {1 << 33}", f"估算, 标志 {1 << 33}", "warn"),
    ],
)
def test_flags(flags: int, english: str, chinese: str, level: str) -> None:
    """Every flag is told; one that this version does not know is told by its number."""
    assert render.flag_words(flags, WORDS["en"]) == english
    assert render.flag_words(flags, WORDS["zh"]) == chinese
    assert render.flag_level(flags) == level


def test_quality() -> None:
    """Only GOOD is good; an unknown quality is told by its number."""
    assert render.quality_words(Quality.BAD_PORT, WORDS["en"]) == "port unreachable"
    assert render.quality_words(200, WORDS["zh"]) == "质量 200"
    assert render.quality_level(Quality.GOOD) == "good"
    assert render.quality_level(Quality.UNCERTAIN_ESTIMATED) == "warn"


def test_qmax() -> None:
    """Qmax is shown in m3/h without empty decimals."""
    assert [render.qmax(value) for value in (1_000_000, 250_500, 0)] == ["1,000", "250.5", "0"]


def _event(code: str, old: int | str | None, new: int | str | None, detail: str = "") -> EventRow:
    return EventRow("gw-1", 1, None, code, "R1", old, new, "agent", detail)


@pytest.mark.parametrize(
    ("event", "change", "detail"),
    [
        (_event("gap", None, None, "text"), "", "text"),
        (_event("flow_above_qmax", "off", "on", "why"), "off → on", "why"),
        (_event("index_jump", 0, 5), "0 → 5", ""),
        (_event("run_added", None, "M-1"), "– → M-1", ""),
        (
            _event("clock", None, None, "[null, 1773178200007, null]"),
            "– → 2026-03-11 05:30:00.007",
            "",
        ),
        (_event("clock", None, None, "[1, 2]"), "", "[1, 2]"),
        (_event("clock", None, None, '["x", 1, 2]'), "", '["x", 1, 2]'),
        (_event("clock", None, None, "[null, 17731"), "", "[null, 17731"),
        (_event("gap", None, None, "[null, 1, 2]"), "", "[null, 1, 2]"),
    ],
)
def test_events(event: EventRow, change: str, detail: str) -> None:
    """A change is told by its two sides, a clock's by two instants, anything else as recorded."""
    assert render.change_and_detail(event, SHANGHAI, WORDS["en"]) == (change, detail)


def test_code_words() -> None:
    """A code that this version does not know is shown as it is."""
    assert render.code_words("event", "index_jump", WORDS["en"]) == "index jump"
    assert render.code_words("event", "of_a_newer_gateway", WORDS["zh"]) == "of_a_newer_gateway"


@given(st.integers(0, 2**63 - 1))
def test_no_flag_is_lost(flags: int) -> None:
    """Any integer of flags is told in words, and warns unless it is harmless."""
    words = render.flag_words(flags, WORDS["en"])
    assert words
    assert (words == "good") == (flags == 0)
    assert (render.flag_level(flags) == "good") == (flags in (0, Flag.NO_FLOW))


@given(st.text(max_size=40))
def test_any_clock_detail(detail: str) -> None:
    """Whatever a clock leaf brought, the page is shown."""
    render.change_and_detail(_event("clock", None, None, detail), SHANGHAI, WORDS["zh"])
