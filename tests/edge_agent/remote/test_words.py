"""The words of both languages."""

import re
import string

from edge_agent.language import load_table

EN, ZH = load_table("edge_agent.remote", "en"), load_table("edge_agent.remote", "zh")


def test_both_languages_have_the_same_keys_and_fields() -> None:
    """A figure that is filled in is filled in in both."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [{name for _, name, _, _ in string.Formatter().parse(t[key])} for t in (EN, ZH)]
        assert fields[0] - {None} == fields[1] - {None}, key


def test_chinese_is_chinese() -> None:
    """Every text that is any."""
    assert [key for key, text in ZH.items() if not re.search("[\u4e00-\u9fff]", text)] == [
        "outcome."
    ]
