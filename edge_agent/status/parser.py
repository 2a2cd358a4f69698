"""The arguments of `edge-agent status`, `queue`, `storage` and `time`."""

from __future__ import annotations

import argparse

from edge_agent.console import add_config, narrow


def add_status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    status = commands.add_parser(
        "status",
        help="what the gateway is doing, on one screen",
        description="What does not work comes first. Exit status: 0 all is good, 1 something is "
        "not, or no agent runs, 2 it cannot be told.",
        epilog="example: edge-agent status --watch 2",
        formatter_class=narrow,
    )
    add_config(status)
    status.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    status.add_argument("--watch", type=_seconds, metavar="S", help="again each S seconds")
    status.add_argument("--all", action="store_true", help="all lines, also beyond a screen")
    status.set_defaults(command=_status, without_log=True)


def add_looks(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`queue`, `storage`, `time`."""
    each = (
        ("queue", "what waits to be sent, for what, and how long it will take", _queue),
        (
            "storage",
            "the journal, room on the disk, what was lost, what was written",
            _storage,
        ),
        ("time", "state and steps of the clock, and how other clocks stand to it", _time),
    )
    for name, what, function in each:
        look = commands.add_parser(
            name,
            help=what,
            description=f"{what[0].upper()}{what[1:]}; with a running agent and without one. "
            "Exit status: 0 good, 1 something is not, or no agent runs, 2 it cannot be told.",
            epilog=f"example: edge-agent {name} --json",
        )
        add_config(look)
        look.add_argument("--json", action="store_true", help="one JSON object, schema 1")
        look.set_defaults(command=function)


def _queue(options: argparse.Namespace) -> int:
    from edge_agent.status.look_command import queue_command

    return queue_command(options.config, as_json=options.json)


def _storage(options: argparse.Namespace) -> int:
    from edge_agent.status.look_command import storage_command

    return storage_command(options.config, as_json=options.json)


def _time(options: argparse.Namespace) -> int:
    from edge_agent.status.look_command import time_command

    return time_command(options.config, as_json=options.json)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.5 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("0.5 to 3600 seconds")
    return seconds


def _status(options: argparse.Namespace) -> int:
    from edge_agent.status.command import status

    return status(options.config, as_json=options.json, whole=options.all, watch_s=options.watch)
