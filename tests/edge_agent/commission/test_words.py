"""The words of both languages."""

from __future__ import annotations

import re
import string

import pytest

from edge_agent.language import load_table
from edge_agent.terminal import columns

EN, ZH = (load_table("edge_agent.commission", language) for language in ("en", "zh"))
OURS = ("toml.",)


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", EN)
def test_both_languages_say_the_same(key: str) -> None:
    """The same keys, and the same figures filled in."""
    assert fields_of(EN[key]) == fields_of(ZH[key])


def test_there_is_nothing_more_in_chinese() -> None:
    """A key that one language lacks would end the wizard."""
    assert EN.keys() == ZH.keys()


def test_chinese_is_chinese() -> None:
    """But for what is the same in both."""
    same = {key for key, text in ZH.items() if not re.search("[\u4e00-\u9fff]", text)}
    assert same <= {"sheet.k", "toml.gas.relative_density_0"} | {
        key for key in ZH if key.startswith("sheet.")
    }


def test_a_label_of_the_sheet_fits_its_column() -> None:
    """26 columns, of which Han take two."""
    for table in (EN, ZH):
        for key, text in table.items():
            if key.startswith("sheet.") and "{" not in text:
                assert columns(text) <= 26, key
