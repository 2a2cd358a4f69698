"""The words of `read` and `write` in both languages."""

import re
import string

from edge_agent.control.command import answer_lines
from edge_agent.language import load_table, load_words
from edge_agent.terminal import columns

EN, ZH = load_table("edge_agent.control", "en"), load_table("edge_agent.control", "zh")
CHINESE = load_words("edge_agent.control", chinese=True)


def test_both_languages_have_the_same_keys_and_fields() -> None:
    """A figure that is filled in is filled in in both."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [{name for _, name, _, _ in string.Formatter().parse(t[key])} for t in (EN, ZH)]
        assert fields[0] == fields[1], key
        assert re.search("[\u4e00-\u9fff]", ZH[key])


def test_an_answer_is_told_in_chinese() -> None:
    """Values under their device; a refusal in words; nothing wider than a terminal."""
    values = [{"name": "vm", "text": "5 count"}]
    read = {"ok": True, "device": "m", "serial": "S1", "values": values}
    assert answer_lines(read, CHINESE)[0] == "m，出厂编号 S1"
    refused = {"ok": False, "error": "bus b has too much to do: try again"}
    assert answer_lines(refused, CHINESE) == ["总线 b 过忙：请重试"]
    written = {"ok": True, "old": "1", "new": "2", "warning": "换" * 60}
    told = answer_lines(written, CHINESE)
    assert told[:2] == ["原为 1", "现为 2"]
    assert max(map(columns, told)) <= 80
