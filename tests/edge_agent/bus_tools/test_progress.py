"""The bar: of one width, on a terminal only, gone at the end."""

import io
import sys

import pytest

from edge_agent.bus_tools.progress import WIDTH, Bar, bar_line
from edge_agent.terminal import columns


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("told", ["", "unit 7", "询问 站号 247，115200 8N1；已找到 12 个" * 3])
@pytest.mark.parametrize("seconds", [(0.0, 0.0), (0.0, 7.0), (3.5, 7.0), (9.0, 7.0), (0.0, 9000.0)])
def test_a_line_of_one_width(seconds, told, plain):
    """Whatever it says; ASCII where the terminal has nothing else."""
    line = bar_line(seconds, told, plain=plain)
    assert columns(line) == WIDTH
    assert not plain or told.isascii() is line.isascii()


def test_what_is_left():
    """In seconds, then in minutes; never below nothing."""
    assert "<    7 s" in bar_line((3.0, 10.0), "", plain=True)
    assert "< 10 min" in bar_line((0.0, 600.0), "", plain=True)
    assert "<    0 s" in bar_line((11.0, 10.0), "", plain=True)
    assert bar_line((5.0, 10.0), "", plain=True).startswith("#" * 10 + "." * 10)


def test_a_pipe_sees_nothing(monkeypatch):
    """Only a terminal is drawn on."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Bar("asking", shown=True) as bar:
        bar.show(1.0, 2.0, "here")
    assert sys.stderr.getvalue() == ""
