"""Steps, and the words of both languages."""

import re
import string

from edge_agent.language import load_table, load_words
from edge_agent.link_test.step import bad, good, note_of, tell

EN, ZH = (load_table("edge_agent.link_test", one) for one in ("en", "zh"))


def test_both_languages_have_the_same_keys_and_fields() -> None:
    """A figure that is filled in is filled in in both."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [{name for _, name, _, _ in string.Formatter().parse(t[key])} for t in (EN, ZH)]
        assert fields[0] - {None} == fields[1] - {None}, key


def test_chinese_is_chinese() -> None:
    """Every text has a Chinese character."""
    assert [key for key, text in ZH.items() if not re.search("[\u4e00-\u9fff]", text)] == []


def test_each_code_has_its_three_sentences() -> None:
    """What was found, why, what to do."""
    codes = {key.rpartition(".")[0] for key in EN if key.endswith((".what", ".cause", ".remedy"))}
    for code in codes:
        assert {f"{code}.what", f"{code}.cause", f"{code}.remedy"} <= EN.keys(), code


def test_a_step_in_words() -> None:
    """Filled in with its facts; a good one has a line, a bad one ends the way."""
    words = load_words("edge_agent.link_test", chinese=False)
    step = bad("connect", "link_refused", where="central:8443")
    assert step.ends_it
    told = tell(step.code, step.facts, words)
    assert told.what == "central:8443 refuses the connection"
    fine = good("connect", "connect.good", 3, where="central:8443")
    assert not fine.ends_it
    assert note_of(fine, words) == "central:8443 takes connections"
