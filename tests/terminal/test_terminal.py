"""The rig itself: what is drawn is what a person would see."""

import sys

import pytest

from edge_agent.terminal import columns
from tests.terminal.terminal import Terminal, printed

PYTHON = (sys.executable, "-c")


def test_a_line_that_is_too_long_is_seen_to_be() -> None:
    """A real terminal would break it; here it stays one line, and Han take two columns."""
    done = printed([*PYTHON, "print('x' * 81); print('运行' * 10); raise SystemExit(3)"])
    assert done.status == 3
    assert [columns(line) for line in done.lines] == [81, 40]
    assert done.widest == "x" * 81


def test_the_program_sees_a_terminal_of_80_by_24() -> None:
    """And what is typed reaches it; a screen is cleared as by a VT100."""
    code = (
        "import os; size = os.get_terminal_size(); print(size.columns, size.lines);"
        "print('\\x1b[2J\\x1b[3;5Hgot ' + input())"
    )
    with Terminal([*PYTHON, code]) as terminal:
        terminal.wait_for("80 24")
        terminal.press("some words\r")
        terminal.wait_for("got some words")
        assert terminal.lines()[2].startswith("    got")
        assert terminal.end() == 0


def test_a_killed_program_and_one_that_says_something_else_are_told() -> None:
    """A signal is a negative status; a screen that never comes is shown as it was."""
    with Terminal(
        [*PYTHON, "import os; print('here', flush=True); os.kill(os.getpid(), 9)"]
    ) as one:
        with pytest.raises(AssertionError, match="here"):
            one.wait_for("never said", within_s=5)
        assert one.end() == -9
