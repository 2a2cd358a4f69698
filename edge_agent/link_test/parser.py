"""The arguments of `edge-agent link`."""

from __future__ import annotations

import argparse

from edge_agent.console import FINDINGS, add_config, load


def add_link(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    link = commands.add_parser(
        "link",
        help="test the way to central, step by step",
        description="Interface, modem, route, name, connection, TLS, central, clocks, one batch "
        "there and back, and the traffic of a day. Exit status: 0 all good, 1 something is not, "
        "or the configuration has faults.",
        epilog="example: edge-agent link --config /etc/edge-agent/gateway.toml",
    )
    add_config(link)
    link.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    link.add_argument("--no-batch", action="store_true", help="send nothing of the journal")
    link.set_defaults(command=_link)


def _link(options: argparse.Namespace) -> int:
    from edge_agent.link_test.command import link

    config = load(options.config)
    if config is None:
        return FINDINGS
    return link(config, as_json=options.json, with_batch=not options.no_batch)
