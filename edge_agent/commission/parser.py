"""The arguments of `edge-agent commission`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_agent.console import add_config
from edge_agent.enrol.parser import wait_s


def add_commission(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    commission = commands.add_parser(
        "commission",
        help="a site from nothing to a checked gateway.toml and a signed act",
        description="Asks for the site, central, lines, instruments, meter runs and the contract's "
        "conversion; reads serial numbers and indexes out of the instruments; writes gateway.toml, "
        "records the act and tests the link. At each question: Enter takes what stands in "
        "brackets, ? explains, < goes back, Ctrl-C stops and keeps what was answered. "
        "Exit status: 0 commissioned, 1 answers are missing or wrong or the link does not work, "
        "2 it could not be done.",
        epilog="example: edge-agent commission --answers site.toml --table sites.csv --row gw-0042",
    )
    add_config(commission)
    commission.add_argument("--answers", type=Path, metavar="FILE.toml",
                            help="answers instead of questions")  # fmt: skip
    commission.add_argument("--table", type=Path, metavar="SITES.csv",
                            help="answers of many sites, a row each; above --answers")  # fmt: skip
    commission.add_argument("--row", metavar="ID", help="the row of --table: its first column")
    commission.add_argument("--write-answers", type=Path, metavar="FILE",
                            help="keep the answers, without secrets")  # fmt: skip
    commission.add_argument("--resume", action="store_true", help="go on where Ctrl-C stopped it")
    commission.add_argument("--state", type=Path, metavar="DIR",
                            help="keys and journal; default /var/lib/edge-agent, or state beside "
                            "the configuration where that is not in /etc/edge-agent")  # fmt: skip
    commission.add_argument("--wait", type=wait_s, default=600.0, metavar="SECONDS",
                            help="for an operator's approval; default 600")  # fmt: skip
    commission.add_argument("--no-link", action="store_true", help="do not test the link")
    commission.add_argument("--json", action="store_true",
                            help="with --answers: one JSON object, schema 1")  # fmt: skip
    commission.set_defaults(command=_commission)


def _commission(options: argparse.Namespace) -> int:
    from edge_agent.commission.command import commission

    return commission(options)
