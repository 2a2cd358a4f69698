"""The arguments of `edge-agent link`; what it does: `test_command.py`."""

import pytest

from edge_agent.cli import parser_for


def test_help_has_an_example(capsys) -> None:
    """And says what the exit status means."""
    with pytest.raises(SystemExit):
        parser_for("link").parse_args(["link", "--help"])
    out = capsys.readouterr().out
    assert "example: edge-agent link" in out
    assert "Exit status" in out
