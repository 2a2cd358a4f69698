"""The words of both languages."""

from __future__ import annotations

import re
import string

import pytest

from edge_agent.language import load_table
from edge_agent.lookup.parser import FIGURES
from edge_agent.lookup.series import UNITS

EN, ZH = load_table("edge_agent.lookup", "en"), load_table("edge_agent.lookup", "zh")


def test_both_languages_have_the_same_keys_and_fields() -> None:
    """A figure that is filled in is filled in in both."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [{name for _, name, _, _ in string.Formatter().parse(t[key])} for t in (EN, ZH)]
        assert fields[0] - {None} == fields[1] - {None}, key


def test_chinese_is_chinese() -> None:
    """Every text has a Chinese character, but for the frame of a title."""
    plain = [key for key, text in ZH.items() if not re.search("[\u4e00-\u9fff]", text)]
    assert plain == []


@pytest.mark.parametrize("of", FIGURES)
def test_every_figure_has_its_words_and_its_unit(of: str) -> None:
    """As the command line names them."""
    assert f"of.{of}" in EN
    assert of in UNITS
