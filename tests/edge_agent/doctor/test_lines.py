"""Findings on a screen; the words of both languages."""

from __future__ import annotations

import re
import string
from pathlib import Path

import edge_agent.doctor
from edge_agent.doctor.bus_findings import FIGURES
from edge_agent.doctor.device_findings import _CONDITIONS
from edge_agent.doctor.finding import Area, red, yellow
from edge_agent.doctor.lines import as_json, lines_of, summary, unknown_lines, words_of
from edge_agent.language import load_table
from edge_agent.terminal import columns
from protocols.modbus.diagnosis import Cause

EN, ZH = (load_table("edge_agent.doctor", one) for one in ("en", "zh"))
ALL = EN.keys() | load_table("edge_agent.link_test", "en").keys()
FOUND = (
    red("port_busy", Area.BUS, "line-1", port="/dev/ttyUSB0", holders="minicom (pid 12)"),
    yellow("clock_unsynchronised", Area.CLOCK, shown="2026-01-01"),
)


def codes_in_source() -> set[str]:
    """Of the findings that are written out in the code."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(edge_agent.doctor.__path__[0]).glob("*.py")
    )
    made = re.findall(r'(?:red|yellow|make)\(\s*"([a-z_]+)"', text)
    named = re.findall(r'"((?:port|tcp|key|state|file)_[a-z_]+)"', text)
    return {*made, *named} - {"port_pattern_", "file_name"}


def test_both_languages_have_the_same_keys_and_fields() -> None:
    """A figure that is filled in is filled in in both."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [{name for _, name, _, _ in string.Formatter().parse(t[key])} for t in (EN, ZH)]
        assert fields[0] - {None} == fields[1] - {None}, key


def test_chinese_is_chinese() -> None:
    """Every text has a Chinese character."""
    assert [key for key, text in ZH.items() if not re.search("[\u4e00-\u9fff]", text)] == []


def test_every_code_has_its_three_sentences() -> None:
    """Those in the source, and those that are made of a cause or a condition."""
    generated = {f"line_{cause}".replace("line_line_", "line_") for cause in Cause}
    devices = {"unit_dead", "shared_unit", "late", "unsteady", "busy", "refuses"}
    generated -= {f"line_{name}" for name in devices}  # of a device alone
    generated |= devices | {f"run_{code}" for code in _CONDITIONS}
    generated |= {"pressure_bad", "temperature_bad"}
    codes = codes_in_source() | generated
    assert len(codes) > 80
    for code in codes:
        assert {f"{code}.{part}" for part in ("what", "cause", "remedy")} <= ALL, code


def test_a_cause_of_a_line_fills_in_all_its_words() -> None:
    """Whatever figures its diagnosis has."""
    facts = dict.fromkeys((*FIGURES, "bus", "port", "baud", "age"), "-")
    for key, text in EN.items():
        if key.startswith("line_") and not key.startswith("line_lost"):
            text.format(**facts)


def test_a_screen_of_80_columns() -> None:
    """In both languages, with what is well in a line each."""
    for chinese in (False, True):
        words = words_of(chinese=chinese)
        lines = [*lines_of(FOUND, (Area.LINK,), words, "utf-8")]
        assert max(map(columns, lines)) <= 80
        assert sum(words("nothing") in line for line in lines) == len(Area) - 3
        assert sum(words("unchecked") in line for line in lines) == 1
        assert "minicom (pid 12)" in "".join(lines)
        assert unknown_lines(["events: none"], words)[0].endswith("events: none")


def test_the_first_line_says_how_it_stands() -> None:
    """And a serial console gets ASCII."""
    words = words_of(chinese=False)
    shown = [summary(found, "gw-1", words, "ascii") for found in ((), FOUND[1:], FOUND, FOUND * 2)]
    assert shown == [
        "[ok] gw-1: no fault found",
        "[ ! ] gw-1: no fault, 1 to look at",
        "[BAD] gw-1: 1 fault, 1 to look at",
        "[BAD] gw-1: 2 faults, 2 to look at",
    ]


def test_the_json_is_stable() -> None:
    """Keys that programs rely on; an area that was not checked is null."""
    told = as_json(FOUND, "gw-1", ((Area.LINK,), ("x",), "runs"), words_of(chinese=False))
    assert [*told] == ["schema", "gateway", "agent", "good", "findings", "areas", "unknown"]
    assert [*told["findings"][0]] == [
        "code", "light", "area", "where", "what", "cause", "remedy", "facts"
    ]  # fmt: skip
    assert told["areas"] == {
        "site": "good", "configuration": "good", "bus": "bad", "device": "good", "link": None,
        "disk": "good", "clock": "warning",
    }  # fmt: skip
