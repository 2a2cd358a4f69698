"""The arguments of `edge-agent run`, `check`, `plan` and `migrate`, and what they do."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Final

from edge_agent.console import FINDINGS, GOOD, add_config, could_not, load, show, tell_faults

if TYPE_CHECKING:
    from edge_agent.language import Words

OWN_FILES: Final = 0o077
"""What the agent makes is its own; the journal's files and the sockets have modes of their own."""
ZONES: Final = "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo"
"""Where CPython looks by itself; to find that out it loads all that it was built with, 0.25 MB."""


def add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser(
        "run",
        help="poll, record, send; until SIGTERM",
        description="What the service runs. Exit status: 1 it ended badly and wants to be started "
        "again, 2 it could not begin.",
        epilog="example: edge-agent run",
    )
    check = commands.add_parser(
        "check",
        help="read the configuration and tell every fault",
        description="Says what was understood, too. Exit status: 1 there are faults.",
        epilog="example: edge-agent check --config gateway.toml",
    )
    plan = commands.add_parser(
        "plan",
        help="requests, bytes, time and share of each bus",
        description="What the instruments are asked, and whether it fits the line.",
        epilog="example: edge-agent plan",
    )
    migrate = commands.add_parser(
        "migrate",
        help="bring the journal to this program's version",
        description="A start does so by itself; nothing is lost. Exit status: 2 an agent runs.",
        epilog="example: edge-agent migrate",
    )
    each = ((run, _run), (check, _check), (plan, _plan), (migrate, _migrate))
    for command, function in each:
        add_config(command)
        command.set_defaults(command=function)


def _run(options: argparse.Namespace) -> int:
    os.environ.setdefault("PYTHONTZPATH", ZONES)  # before anything imports zoneinfo
    from edge_agent.config_store.apply import Refused
    from edge_agent.heap import keep_small, set_apart
    from edge_agent.journal.journal import JournalError
    from edge_agent.journal.reader import ReadFailed
    from edge_agent.journal.schema import MigrationError
    from edge_agent.keys.keys import KeyFileError
    from edge_agent.lifecycle import listen_to_signals, run
    from edge_agent.observe.journald import log_of_agent
    from edge_agent.state_lock import AlreadyRunning
    from edge_agent.supervise.notify import Notifier

    os.umask(OWN_FILES)
    keep_small()
    set_apart()
    log_of_agent()
    try:
        notifier = Notifier.of(os.environ, os.getpid())
        status = run(options.config, listen_to_signals(), notifier)
    except (
        AlreadyRunning,
        JournalError,
        KeyFileError,
        MigrationError,
        ReadFailed,
        OSError,
    ) as error:
        return could_not(error)
    if isinstance(status, Refused):
        tell_faults("\n".join(status.faults or (status.why,)), len(status.faults) or 1)
        return FINDINGS
    return status


def _words() -> Words:
    """Of `check` and `plan`, in the environment's language."""
    from edge_agent.language import load_words
    from edge_agent.terminal import is_chinese

    return load_words("edge_agent.commands", chinese=is_chinese(os.environ))


def _check(options: argparse.Namespace) -> int:
    from edge_agent.commands.check_command import check_lines

    config = load(options.config)
    if config is None:
        return FINDINGS
    show("\n".join(check_lines(config, _words())))
    return GOOD


def _plan(options: argparse.Namespace) -> int:
    from edge_agent.commands.plan_command import plan_lines

    config = load(options.config)
    if config is None:
        return FINDINGS
    show("\n".join(plan_lines(config, _words())))
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
    show(f"{config.state_dir / FILE_NAME} is up to date")
    return GOOD
