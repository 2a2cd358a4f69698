"""The arguments of `edge-agent live`."""

from __future__ import annotations

import argparse
import threading

from edge_agent.console import FINDINGS, add_config, load


def add_live(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    live = commands.add_parser(
        "live",
        help="values, trends, alarms, buses and the queue, each second",
        description="Needs a running agent, whose restart it survives. Keys: q quit, left and "
        "right another page, up and down, p pause, ? help. Exit status: 0 ended by you, 1 the "
        "agent ended (--json), 2 no agent, or no terminal.",
        epilog="example: edge-agent live",
    )
    add_config(live)
    live.add_argument("--json", action="store_true", help="no screen: a snapshot a line")
    live.add_argument("--count", type=_count, metavar="N", help="with --json: so many lines")
    live.set_defaults(command=_live)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _live(options: argparse.Namespace) -> int:
    from edge_agent.live.command import live, stream

    config = load(options.config)
    if config is None:
        return FINDINGS
    if options.json:
        assert config.control is not None
        return stream(config.control.read_socket, options.count, threading.Event())
    return live(config)
