"""The words of `check` and `plan` in both languages."""

import re
import string

from edge_agent.language import load_table

EN, ZH = load_table("edge_agent.commands", "en"), load_table("edge_agent.commands", "zh")


def test_both_languages_have_the_same_keys_and_fields() -> None:
    """A figure that is filled in is filled in in both; all is Chinese but what joins parts."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [{name for _, name, _, _ in string.Formatter().parse(t[key])} for t in (EN, ZH)]
        assert fields[0] - {None} == fields[1] - {None}, key
        assert re.search("[\u4e00-\u9fff]", ZH[key]) or key in ("join", "method")
