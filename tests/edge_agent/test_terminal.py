"""80 columns in two languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.terminal import (
    LABEL,
    WIDTH,
    columns,
    is_chinese,
    labelled,
    printable,
    utc,
    wrapped,
)


@pytest.mark.parametrize(
    ("environment", "chinese"),
    [
        ({}, False),
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "C", "LC_MESSAGES": "zh_TW"}, True),
        ({"LC_ALL": "", "LANG": "ZH"}, True),
        ({"LANG": "de_DE"}, False),
        ({"LANG": "zh_CN.UTF-8", "TERM": "vt220"}, False),
        ({"LANG": "zh_CN.UTF-8", "TERM": "linux"}, False),
        ({"LANG": "zh_CN.UTF-8", "TERM": "xterm-256color"}, True),
    ],
)
def test_the_first_variable_that_is_set_decides(environment: dict[str, str], chinese: bool) -> None:
    """LC_ALL before LC_MESSAGES before LANG."""
    assert is_chinese(environment) is chinese


@given(
    st.text(st.sampled_from("ab 读数，。 m³xyz"), max_size=400),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_no_line_is_too_long_and_nothing_is_lost(text: str, indent: int, hanging: int) -> None:
    """Whatever the language: at most 80 columns, and every character but blanks is there."""
    lines = wrapped(text, indent, hanging)
    assert all(columns(line) <= WIDTH + 2 for line in lines)  # a mark may hang over
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_mark_never_begins_a_line() -> None:
    """Chinese full stops and commas stay with the character before them."""
    for length in range(30, 50):
        for line in wrapped("读" * length + "。" + "数" * 9):
            assert not line.startswith("。")


def test_what_is_longer_than_a_line_is_cut() -> None:
    """A fingerprint, a path."""
    assert [len(line) for line in wrapped("f" * 200)] == [80, 80, 40]


def test_labels_stand_in_one_column() -> None:
    """Also Chinese ones, which take two columns a character."""
    (english,) = labelled("gateway", "gw-1")
    (chinese,) = labelled("网关", "gw-1")
    assert columns(english[: english.index("gw-1")]) == LABEL + 2
    assert columns(chinese[: chinese.index("gw-1")]) == LABEL + 2
    assert len(labelled("detail", "word " * 60)) > 3


def test_a_name_does_not_draw_on_the_terminal() -> None:
    """Escape sequences become blanks."""
    assert printable("a\x1b[2Jb\n") == "a [2Jb "


def test_instants() -> None:
    """To the millisecond, in UTC; what no calendar has as a number."""
    assert utc(1_773_178_200_007) == "2026-03-10 21:30:00.007 UTC"
    assert utc(1 << 52) == f"{1 << 52} ms"


def test_no_line_begins_with_a_mark_that_closes() -> None:
    """Also behind a figure: it stays with what it follows."""
    for length in range(60, 80):
        lines = wrapped(f"{'x' * length} 205 kB，不足时先删除")
        assert not any(line.startswith("，") for line in lines), lines


def test_no_line_ends_with_a_bracket_that_opens() -> None:
    """It stands with what it holds."""
    for before in range(36, 41):
        lines = wrapped("读" * before + "（? 列出）" + "数" * 10)
        assert all(columns(line) <= WIDTH for line in lines)
        assert not [line for line in lines if line.endswith("（")]
        assert "".join(lines).replace(" ", "").count("（?列出）") == 1
