"""Acts in a real terminal of 80x24: what a fitter reads and types, in both languages."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from edge_agent.terminal import columns
from tests.edge_agent.acts.corrector import corrector, site, statements
from tests.terminal.terminal import AGENT, COLUMNS, Terminal

BY = ("--who", "Li Wei", "--reason", "check", "--config")
TYPED = ("1000.000", "4000.0", "4.0bar", "15.0", "", "0.98")


def _has(mark: str, times: int, screen: str) -> bool:
    return screen.count(mark) >= times


@pytest.mark.parametrize(
    ("environment", "asked", "told", "verdict"),
    [
        ({"LANG": "C.UTF-8"}, "line index m3 on the display:", "recorded: compared", "within"),
        ({"LANG": "zh_CN.UTF-8"}, "表头显示的工况累积量 m3：", "已记录：compared", "合格"),
        ({"LANG": "C", "TERM": "vt100"}, "temperature degC on", "recorded: compared", "within"),
    ],
)
def test_a_comparison_fits_the_screen(
    tmp_path: Path, environment: dict[str, str], asked: str, told: str, verdict: str
) -> None:
    """Questions, table and verdicts are on one screen; a serial console has no degree sign."""
    with site(tmp_path, corrector()) as path:
        command = (*AGENT, "compare", "R1", *BY, str(path))
        marks = "：" if "zh" in environment["LANG"] else "on the display:"
        with Terminal(command, environment=environment) as terminal:
            for number, text in enumerate(TYPED, 1):
                terminal.wait_for(partial(_has, marks, number))
                terminal.press(text + "\r")
            terminal.wait_for("[y/N]")
            terminal.press("y\r")
            terminal.wait_for(told)
            shown = terminal.lines()
    text = "\n".join(shown)
    assert asked in text
    assert verdict in text
    assert max(columns(line) for line in shown) <= COLUMNS
    assert len(statements(path)) == 1
