"""Every command has help, says what it does, and has an example that can be given as it stands."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from edge_agent.cli import COMMANDS, main, parser_for
from edge_agent.console import COULD_NOT
from edge_agent.terminal import columns
from tests.terminal.terminal import AGENT, printed


def parsers(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str, argparse.ArgumentParser]]:
    """Each command and action: its words, its line in the list, its parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {one.dest: one.help or "" for one in action._choices_actions}
            for name, below in action.choices.items():
                words = (*path, name)
                yield words, told.get(name, ""), below
                yield from parsers(below, words)


ALL = {" ".join(words): (told, parser) for words, told, parser in parsers(parser_for())}


@pytest.mark.parametrize("command", ALL)
def test_a_command_says_what_it_does_with_an_example(command: str) -> None:
    """One line in the list, a description, an example; and the example is one of its own."""
    told, parser = ALL[command]
    assert told
    assert parser.description
    assert (parser.epilog or "").startswith(f"example: edge-agent {command}")
    first = (parser.epilog or "").removeprefix("example: edge-agent ").partition("; ")[0]
    given = shlex.split(first)
    stop = next((at for at, word in enumerate(given) if word in ("|", "<", ">")), len(given))
    options = parser_for(given[0]).parse_args(given[:stop])
    assert callable(options.command)


@pytest.mark.parametrize("command", ALL)
def test_help_fits_a_terminal(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """80 columns, and no path, command or option is cut at a hyphen."""
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main([*command.split(), "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(columns, lines)) <= 80
    assert [line for line in lines if line.endswith("-") and not line.endswith(" -")] == []


def test_a_complaint_of_an_argument_fits_a_terminal() -> None:
    """Also where it lists all that may be given."""
    done = printed([*AGENT, "config", "none"])
    assert done.status == COULD_NOT
    assert columns(done.widest) <= 80
    assert "invalid choice: 'none'" in done.text.replace("\n  ", " ")


def test_bash_takes_the_completion_and_completes() -> None:
    """A real bash: commands, actions, options."""
    script = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "completion", "bash"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    ask = (
        'complete_it() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=();'
        " local run=$(complete -p edge-agent | sed 's/.*-F \\([^ ]*\\) .*/\\1/');"
        ' $run edge-agent "${COMP_WORDS[COMP_CWORD]}" ""; echo "${COMPREPLY[@]}"; }\n'
        + "".join(f"complete_it edge-agent {words}\n" for words in ("che", "key ro", "gas --st"))
    )
    done = subprocess.run(
        ["bash", "--norc"], input=script + "\n" + ask, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines == [["check"], ["rotate"], ["--stated"]]


def test_zsh_is_told_of_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """By name, with its help."""
    assert main(["completion", "zsh"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("#compdef edge-agent")
    for name in COMMANDS:
        line = next(one for one in told.splitlines() if one.strip().startswith(f"{name}:"))
        assert ALL[name][0].partition("'")[0] in line
