"""`edge-agent dump` as a table for a spreadsheet; against a device in test_read_command.py."""

from __future__ import annotations

import csv
import io

import pytest

from edge_agent.bus_tools.dump_command import Row, csv_text


@pytest.mark.parametrize(
    ("value", "text", "told"),
    [
        (None, "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        (None, "@SUM(1)", "'@SUM(1)"),
        (None, "-2+3", "'-2+3"),
        (None, "EK280", "EK280"),
        (-2.5, "-2.5 °C", "-2.5 °C"),
    ],
    ids=["equals", "at", "minus", "text", "number"],
)
def test_a_text_of_an_instrument_is_no_formula(value: float | None, text: str, told: str) -> None:
    """Whoever opens the file runs nothing that a device says; a number stays one."""
    row = Row("tag", 0, 3, 100, "40101", "text16", "3d63", value, "", text, "GOOD")
    _, line = csv.reader(io.StringIO(csv_text([row])))
    assert line[9] == told
