"""The words of both languages."""

import re
import string

import pytest

from edge_agent.language import load_table, load_words
from protocols.evidence.facts import EpochReason, LossReason
from protocols.evidence.leaf import Kind

EN, ZH = load_table("edge_agent.verify", "en"), load_table("edge_agent.verify", "zh")


def test_both_languages_have_the_same_keys_and_fields() -> None:
    """A figure that is filled in is filled in in both."""
    assert EN.keys() == ZH.keys()
    for key in EN:
        fields = [{name for _, name, _, _ in string.Formatter().parse(t[key])} for t in (EN, ZH)]
        assert fields[0] - {None} == fields[1] - {None}, key


def test_chinese_is_chinese() -> None:
    """Every text has a Chinese character, but for the frame of a title."""
    assert [key for key, text in ZH.items() if not re.search("[\u4e00-\u9fff]", text)] == ["title"]


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_leaf_has_its_words(kind: Kind) -> None:
    """Also those that were added last."""
    assert f"kind.{kind.name}" in EN


@pytest.mark.parametrize("reason", [*LossReason, *EpochReason])
def test_every_reason_has_its_words(reason: LossReason | EpochReason) -> None:
    """Of a loss, and of a new epoch."""
    assert f"reason.{reason.value}" in EN


def test_words_are_filled_in() -> None:
    """A missing key is a fault of the code; `get` is for what comes from outside."""
    words = load_words("edge_agent.verify", chinese=False)
    assert words("e.run", run="R1") == "meter run R1"
    assert words.get("no such key", "other") == "other"
    with pytest.raises(KeyError):
        words("no such key")
    assert load_words("edge_agent.verify", chinese=True)("proven") == "已证实"
