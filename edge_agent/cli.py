"""The command line `edge-agent`: main, and the commands that need nothing but the configuration.

The other commands' arguments stand beside them, in `*_parser.py`. Exit status: 0 good, 1 findings
(a faulty configuration, an agent that ended badly), 2 it could not be done.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from edge_agent.commands.clock_parser import add_clock
from edge_agent.commands.gas_parser import add_convert, add_gas
from edge_agent.commands.profile_parser import add_profile
from edge_agent.commands.verify_parser import add_verify
from edge_agent.console import FINDINGS, GOOD, could_not, load, show
from edge_agent.control.parser import add_control
from edge_agent.enrol.key_parser import add_key
from edge_agent.enrol.parser import add_enrol
from edge_agent.parcel.parser import add_parcel
from edge_agent.report.parser import add_report


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    status: int = options.command(options)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-agent", description="The agent of a gas gateway.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="poll, record, send; until SIGTERM")
    check = commands.add_parser("check", help="read the configuration and tell every fault")
    plan = commands.add_parser("plan", help="requests, bytes, time and share of each bus")
    migrate = commands.add_parser("migrate", help="bring the journal to this program's version")
    each = ((run, _run), (check, _check), (plan, _plan), (migrate, _migrate))
    for command, function in each:
        command.add_argument("--config", type=Path, required=True, metavar="gateway.toml")
        command.set_defaults(command=function)
    add_convert(commands)
    add_gas(commands)
    add_profile(commands)
    add_control(commands)
    add_report(commands)
    add_enrol(commands)
    add_clock(commands)
    add_parcel(commands)
    add_key(commands)
    add_verify(commands)
    return parser


def _run(options: argparse.Namespace) -> int:
    from edge_agent.agent import run_agent, stop_on_signals
    from edge_agent.journal.journal import JournalError
    from edge_agent.journal.reader import ReadFailed
    from edge_agent.journal.schema import MigrationError
    from edge_agent.keys.keys import KeyFileError
    from edge_agent.state_lock import AlreadyRunning

    config = load(options.config)
    if config is None:
        return FINDINGS
    stop = threading.Event()
    stop_on_signals(stop)
    try:
        return run_agent(config, stop)
    except (
        AlreadyRunning,
        JournalError,
        KeyFileError,
        MigrationError,
        ReadFailed,
        OSError,
    ) as error:
        return could_not(error)


def _check(options: argparse.Namespace) -> int:
    from edge_agent.commands.check_command import check_lines

    config = load(options.config)
    if config is None:
        return FINDINGS
    for line in check_lines(config):
        print(line)
    return GOOD


def _plan(options: argparse.Namespace) -> int:
    from edge_agent.commands.plan_command import plan_lines

    config = load(options.config)
    if config is None:
        return FINDINGS
    show("\n".join(plan_lines(config)))
    return GOOD


def _migrate(options: argparse.Namespace) -> int:
    from edge_agent.journal.journal import FILE_NAME
    from edge_agent.journal.schema import MigrationError, migrate_in_child
    from edge_agent.state_lock import AlreadyRunning, state_lock

    config = load(options.config)
    if config is None:
        return FINDINGS
    try:
        with state_lock(config.state_dir):
            migrate_in_child(config.state_dir / FILE_NAME, config.journal.page_size)
    except (AlreadyRunning, MigrationError, OSError) as error:
        return could_not(error)
    print(f"{config.state_dir / FILE_NAME} is up to date")
    return GOOD


if __name__ == "__main__":
    sys.exit(main())
