"""The arguments of `edge-agent status`."""

from __future__ import annotations

import argparse

from edge_agent.console import add_config


def add_status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    status = commands.add_parser(
        "status",
        help="what the gateway is doing, on one screen",
        description="What does not work comes first. Exit status: 0 all is good, 1 something is "
        "not, or no agent runs, 2 it cannot be told.",
        epilog="example: edge-agent status --watch 2",
    )
    add_config(status)
    status.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    status.add_argument("--watch", type=_seconds, metavar="S", help="again each S seconds")
    status.add_argument("--all", action="store_true", help="all lines, also beyond a screen")
    status.set_defaults(command=_status)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.5 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("0.5 to 3600 seconds")
    return seconds


def _status(options: argparse.Namespace) -> int:
    from edge_agent.status.command import status

    return status(options.config, as_json=options.json, whole=options.all, watch_s=options.watch)
