"""An entry of the log in words."""

from __future__ import annotations

from edge_agent.language import load_words
from edge_agent.lookup.event_log import Entry
from edge_agent.lookup.text import Tongue, entry_text, fitted, when
from edge_agent.status.words_of_time import local_of
from edge_agent.terminal import columns

ENTRY = Entry(
    1_780_000_000_000, 3, 61_000, "event", "pressure_substituted", "R1", "off", "on", "agent",
    "P1 is silent", 0, 5,
)  # fmt: skip


def tongue(*, chinese: bool = False) -> Tongue:
    words, codes = (
        load_words(package, chinese=chinese)
        for package in ("edge_agent.lookup", "edge_agent.status")
    )
    return Tongue(words, codes, local_of("Asia/Shanghai"))


def test_when_whom_what_why() -> None:
    """By whom only where a person did it."""
    assert entry_text(ENTRY, tongue()) == (
        "05-29 04:26:40 R1: pressure substituted off -> on; P1 is silent"
    )
    said = ENTRY._replace(old=None, new=None, who="Li Wei", code="calibration", subject="")
    assert entry_text(said, tongue()) == "05-29 04:26:40 calibration; P1 is silent; by Li Wei"
    assert entry_text(ENTRY._replace(old=None, new=7, detail=""), tongue()).endswith(" 7")
    assert entry_text(ENTRY._replace(old=5, new=None, detail=""), tongue()).endswith("5 -> -")
    silent = ENTRY._replace(detail="no good reading not older than 20000 ms from P1")
    assert entry_text(silent, tongue(chinese=True)) == (
        "05-29 04:26:40 R1: 压力使用替代值 否 -> 是; P1 在最近 20 秒内没有有效读数"
    )
    assert entry_text(silent, tongue()).endswith("off -> on; no good reading of P1 for 20 s")


def test_without_a_clock_boot_and_seconds_tell() -> None:
    """The order of things is known even so."""
    assert entry_text(ENTRY._replace(utc_ms=None), tongue()).startswith("boot 3 +61 s R1")
    assert when(None, tongue()) == "-"


def test_a_line_is_a_line_or_all_of_it() -> None:
    """Cut with a sign, or wrapped; nothing that draws on the terminal."""
    text = "x" * 50 + " " + "压" * 40 + "\x1b[2J"
    (line,) = fitted(text, whole=False)
    assert columns(line) <= 80
    assert line.endswith(" >")
    assert fitted("short", whole=False) == ["short"]
    assert len(fitted(text, whole=True)) > 1
    assert "\x1b" not in "".join(fitted(text, whole=True))
