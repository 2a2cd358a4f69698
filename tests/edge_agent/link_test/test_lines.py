"""Steps on a screen."""

from edge_agent.language import load_words
from edge_agent.link_test.lines import as_json, lines_of
from edge_agent.link_test.step import bad, good
from edge_agent.terminal import columns

GOOD_STEP = good("name", "name.good", 12, host="central", addresses="192.0.2.1")
BAD_STEP = bad("connect", "link_refused", where="a-rather-long-name.of-a-central.example:8443")


def test_a_good_step_is_a_line() -> None:
    """With its time; a serial console gets ASCII."""
    words = load_words("edge_agent.link_test", chinese=False)
    assert lines_of(GOOD_STEP, words, "ascii") == ["[ok] name (DNS)    central is 192.0.2.1 (12ms)"]


def test_a_bad_step_says_why_and_what_to_do() -> None:
    """Within 80 columns in both languages."""
    for chinese in (False, True):
        words = load_words("edge_agent.link_test", chinese=chinese)
        lines = lines_of(BAD_STEP, words, "utf-8")
        assert max(map(columns, lines)) <= 80
        assert words("remedy") in "".join(lines)


def test_the_json_is_stable() -> None:
    """Keys that programs rely on."""
    words = load_words("edge_agent.link_test", chinese=False)
    told = as_json([GOOD_STEP, BAD_STEP], "gw-1", words)
    assert (told["schema"], told["gateway"], told["good"]) == (1, "gw-1", False)
    steps = told["steps"]
    assert [*steps[1]] == [
        "name", "light", "code", "note", "what", "cause", "remedy", "took_ms", "facts"
    ]  # fmt: skip
