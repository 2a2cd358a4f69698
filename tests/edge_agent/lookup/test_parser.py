"""What the command line takes."""

from __future__ import annotations

import pytest

from edge_agent.cli import parser_for


@pytest.mark.parametrize("name", ["events", "alarms", "history", "log"])
def test_each_command_has_its_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And JSON."""
    with pytest.raises(SystemExit):
        parser_for(name).parse_args([name, "--help"])
    out = capsys.readouterr().out
    assert f"example: edge-agent {name}" in out
    assert "--json" in out


@pytest.mark.parametrize("limit", ["0", "10001", "all"])
def test_a_limit_is_within_bounds(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is read without an end."""
    with pytest.raises(SystemExit):
        parser_for("events").parse_args(["events", "--limit", limit])
    assert "--limit" in capsys.readouterr().err
