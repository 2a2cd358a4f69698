"""The arguments of `edge-agent support-bundle` and `edge-agent power`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_agent.console import add_config


def add_support(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    support = commands.add_parser(
        "support-bundle",
        help="a zip for whoever helps from afar: state, findings, log; no secrets",
        description="Status, doctor's findings, events, configuration, versions, log lines, the "
        "machine; no key, salt, token or password, and nothing that was metered. At most 4 MB. "
        "Works beside a running agent and without one. Exit status: 1 a part could not be had, "
        "2 the file could not be written.",
        epilog="example: edge-agent support-bundle --out /media/stick/gw-0001.zip",
    )
    add_config(support)
    support.add_argument("--out", type=Path, metavar="FILE", help="default: named by the gateway")
    support.add_argument("--json", action="store_true", help="the list of its contents as JSON")
    support.set_defaults(command=_support)


def _support(options: argparse.Namespace) -> int:
    from edge_agent.support.command import support_bundle

    return support_bundle(options.config, options.out, as_json=options.json)


def add_power(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    power = commands.add_parser(
        "power",
        help="the supply, a UPS, boots, ends without a stop",
        description="What the machine tells now, and what the log says of the last 30 days. Works "
        "beside a running agent and without one. Exit status: 1 something needs somebody, 2 the "
        "journal cannot be read.",
        epilog="example: edge-agent power",
    )
    add_config(power)
    power.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    power.set_defaults(command=_power)


def _power(options: argparse.Namespace) -> int:
    from edge_agent.support.power import power

    return power(options.config, as_json=options.json)
