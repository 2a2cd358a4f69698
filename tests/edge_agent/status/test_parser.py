"""What the command line takes."""

from __future__ import annotations

import pytest

from edge_agent.cli import parser_for


@pytest.mark.parametrize("name", ["status", "queue", "storage", "time"])
def test_each_command_has_its_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And JSON."""
    with pytest.raises(SystemExit):
        parser_for(name).parse_args([name, "--help"])
    out = capsys.readouterr().out
    assert f"example: edge-agent {name}" in out
    assert "--json" in out


@pytest.mark.parametrize("seconds", ["0.1", "3601", "soon"])
def test_a_watch_is_within_bounds(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither busy nor asleep."""
    with pytest.raises(SystemExit):
        parser_for("status").parse_args(["status", "--watch", seconds])
    assert "--watch" in capsys.readouterr().err
