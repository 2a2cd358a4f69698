"""The words of both languages."""

import re
import string

import pytest

from edge_agent.language import load_table
from protocols.modbus.diagnosis import Cause, Sure

EN, ZH = (load_table("edge_agent.bus_tools", language) for language in ("en", "zh"))


def test_both_languages_have_the_same_keys_and_fields() -> None:
    """A figure that is filled in is filled in in both."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [{name for _, name, _, _ in string.Formatter().parse(t[key])} for t in (EN, ZH)]
        assert fields[0] - {None} == fields[1] - {None}, key


def test_chinese_is_chinese() -> None:
    """Every text has a Chinese character."""
    assert [key for key, text in ZH.items() if not re.search("[\u4e00-\u9fff]", text)] == []


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_words(cause: Cause) -> None:
    """What it is, why, what to do."""
    assert {f"cause.{cause}", f"why.{cause}", f"do.{cause}"} <= EN.keys()


def test_every_certainty_has_its_words() -> None:
    """And each kind of answer to a scan."""
    wanted = {f"sure.{sure}" for sure in Sure}
    wanted |= {f"scan.how.{how}" for how in ("registers", "exception", "busy", "late")}
    assert wanted <= EN.keys()
