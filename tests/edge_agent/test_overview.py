"""All commands on one screen."""

import pytest

from edge_agent.cli import COMMANDS, main
from edge_agent.overview import GROUPS


def test_every_command_has_one_place() -> None:
    """A command that is added must be found."""
    named = [name for names in GROUPS.values() for name in names]
    assert sorted(named) == sorted(COMMANDS)


@pytest.mark.parametrize("asked", [["--help"], []])
def test_it_fits_a_terminal(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """80x24, with the prompt below it; also for who says nothing."""
    assert main(asked) == (0 if asked else 2)
    told = capsys.readouterr()
    lines = (told.out if asked else told.err).splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    for name in COMMANDS:
        assert any(name in line for line in lines), name


def test_a_command_that_does_not_exist_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With the one that was probably meant."""
    with pytest.raises(SystemExit, match="2"):
        main(["statsu"])
    assert "status" in capsys.readouterr().err
