"""Lines and cells, whatever alphabet."""

import json

import pytest

from edge_agent.bus_tools.showing import fitted, lines, to_json
from edge_agent.terminal import columns


@pytest.mark.parametrize("text", ["", "abc", "a" * 30, "站号" * 12, "站" * 5 + "a"])
@pytest.mark.parametrize("width", [1, 9, 10])
def test_a_cell_has_its_width(text, width):
    """Filled up, or cut with a mark; a Chinese character is never halved."""
    assert columns(fitted(text, width)) == width


def test_lines_hang_where_they_begin():
    """Unless said otherwise."""
    told = lines("word " * 40, 4)
    assert all(line.startswith("    w") for line in told)
    assert lines("word " * 40, 0, 2)[1].startswith("  w")


def test_json_has_its_schema():
    """One line."""
    text = to_json({"ok": True})
    assert json.loads(text) == {"schema": 1, "ok": True}
    assert "\n" not in text
