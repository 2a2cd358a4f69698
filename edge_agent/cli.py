"""The command line `edge-agent`: main, and where each command's arguments are described.

Only the module of the command that is asked for is imported: `edge-agent status` must answer at
once on a slow processor. Exit status: 0 good, 1 findings (a faulty configuration, an agent that
ended badly), 2 it could not be done.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

from edge_agent.console import COULD_NOT, GOOD, bounded, complain, narrow, show

# name: the function that adds it (and perhaps its neighbours) to the parser
COMMANDS: Final = {
    "run": "edge_agent.run_parser:add_run",
    "status": "edge_agent.status.parser:add_status",
    "events": "edge_agent.lookup.parser:add_lookup",
    "alarms": "edge_agent.lookup.parser:add_lookup",
    "history": "edge_agent.lookup.parser:add_lookup",
    "log": "edge_agent.lookup.parser:add_lookup",
    "queue": "edge_agent.status.parser:add_looks",
    "storage": "edge_agent.status.parser:add_looks",
    "time": "edge_agent.status.parser:add_looks",
    "check": "edge_agent.run_parser:add_run",
    "plan": "edge_agent.run_parser:add_run",
    "migrate": "edge_agent.run_parser:add_run",
    "convert": "edge_agent.commands.gas_parser:add_convert",
    "gas": "edge_agent.commands.gas_parser:add_gas",
    "profile": "edge_agent.commands.profile_parser:add_profile",
    "read": "edge_agent.bus_tools.device_parser:add_read",
    "dump": "edge_agent.bus_tools.device_parser:add_dump",
    "write": "edge_agent.control.parser:add_control",
    "bus": "edge_agent.bus_tools.parser:add_bus",
    "report": "edge_agent.report.parser:add_report",
    "enroll": "edge_agent.enrol.parser:add_enrol",
    "commission": "edge_agent.commission.parser:add_commission",
    "clock-floor": "edge_agent.commands.clock_parser:add_clock",
    "export": "edge_agent.parcel.parser:add_parcel",
    "import": "edge_agent.parcel.parser:add_parcel",
    "doctor": "edge_agent.doctor.parser:add_doctor",
    "link": "edge_agent.link_test.parser:add_link",
    "key": "edge_agent.enrol.key_parser:add_key",
    "compare": "edge_agent.acts.parser:add_compare",
    "meter": "edge_agent.acts.parser:add_meter",
    "cal": "edge_agent.acts.parser:add_cal",
    "regulator": "edge_agent.acts.parser:add_regulator",
    "config": "edge_agent.remote.parser:add_configuration",
    "verify": "edge_agent.commands.verify_parser:add_verify",
    "live": "edge_agent.live.parser:add_live",
    "power": "edge_agent.support.parser:add_power",
    "support-bundle": "edge_agent.support.parser:add_support",
    "completion": "edge_agent.cli:add_completion",
}


class Parser(argparse.ArgumentParser):
    """Its complaints are in lines of a terminal's width too."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        complain(f"{self.prog}: error: {message}")
        self.exit(COULD_NOT)


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    return bounded(lambda: _run(given))


def _run(given: Sequence[str]) -> int:
    if not given or given[0] in ("-h", "--help"):
        return _overview(asked=bool(given))
    parser = parser_for(given[0])
    options, unknown = parser.parse_known_args(given)
    if unknown:  # argparse would show the usage of all commands, which helps nobody
        _asked_for(parser, given).error(f"there is no {' '.join(unknown)}; see --help")
    if not getattr(options, "without_log", False):  # its import alone costs what `status` may take
        _begin_log()
    status: int = options.command(options)
    return status


def _asked_for(parser: argparse.ArgumentParser, given: Sequence[str]) -> argparse.ArgumentParser:
    """The command or action that was meant."""
    for word in given:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction) and word in action.choices:
                parser = action.choices[word]
                break
    return parser


def _overview(*, asked: bool) -> int:
    """All commands on one screen; on standard error for who did not say what he wants."""
    from edge_agent.overview import overview

    text = overview(helps(parser_for()))
    if asked:
        show(text.rstrip("\n"))
        return GOOD
    sys.stderr.write(text)
    return COULD_NOT


def helps(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Each command's one line of help."""
    return {
        one.dest: one.help or ""
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for one in action._choices_actions
    }


def _begin_log() -> None:
    """On standard error; `run` may have another place for it."""
    import logging

    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )


def parser_for(command: str = "") -> argparse.ArgumentParser:
    """The parser of one command; of all where it is none of them."""
    parser = Parser(
        prog="edge-agent", description="The agent of a gas gateway.", formatter_class=narrow
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    wanted = [COMMANDS[command]] if command in COMMANDS else dict.fromkeys(COMMANDS.values())
    for place in wanted:
        module, _, function = place.partition(":")
        getattr(import_module(module), function)(commands)
    for words, below in _lines_of(parser):
        below.description = below.description or words
        below.formatter_class = narrow
    return parser


def add_completion(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """It stands here because it alone needs the parser of all commands."""
    completion = commands.add_parser(
        "completion",
        help="what a shell needs to complete commands and options",
        description="Printed for bash or zsh; the Debian package brings it along.",
        epilog="example: edge-agent completion bash > "
        "/usr/share/bash-completion/completions/edge-agent",
    )
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.set_defaults(command=_completion)


def _completion(options: argparse.Namespace) -> int:
    import shtab

    parser = parser_for()
    for words, below in _lines_of(parser):
        below.description = words  # zsh shows it: a line each
        for action in below._actions:
            if action.type is Path:
                is_folder = action.metavar == "DIR"
                action.complete = shtab.DIRECTORY if is_folder else shtab.FILE  # type: ignore[attr-defined]
    show(shtab.complete(parser, options.shell))
    return 0


def _lines_of(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str | None, argparse.ArgumentParser]]:
    """Each command and action below it, with its line in the list."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words = {one.dest: one.help for one in action._choices_actions}
            for name, below in action.choices.items():
                yield words.get(name), below
                yield from _lines_of(below)


if __name__ == "__main__":
    sys.exit(main())
