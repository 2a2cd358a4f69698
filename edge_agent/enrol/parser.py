"""The arguments of `edge-agent enroll`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from edge_agent.console import FINDINGS, could_not, show

MAX_WAIT_S: Final = 86_400


def add_enrol(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    enrol = commands.add_parser(
        "enroll",
        help="make this gateway's keys and have central know them, by a one-time token",
        description="The token (edge-central gateway add --token) pins central's CA and receipt "
        "key: nothing is told to anybody else. An operator approves the fingerprint that is shown. "
        "Called again it goes on. Exit status: 0 enrolled, 1 not approved yet or refused, 2 it "
        "could not be done.",
        epilog="example: edge-agent enroll --url https://central.example:8443 "
        "--state /var/lib/edge-agent --token -",
    )
    enrol.add_argument("--url", required=True, metavar="https://HOST:PORT")
    enrol.add_argument("--token", required=True, metavar="TOKEN",
                       help="'-': the first line of standard input")  # fmt: skip
    enrol.add_argument("--state", type=Path, required=True, metavar="DIR")
    enrol.add_argument("--serial", metavar="TEXT", help="of this machine; default: what it says")
    enrol.add_argument("--replaces", metavar="GATEWAY", help="the broken gateway of this site")
    enrol.add_argument("--proxy", default="", metavar="http://HOST:PORT")
    enrol.add_argument("--wait", type=wait_s, default=600.0, metavar="SECONDS",
                       help="for the approval; default 600")  # fmt: skip
    enrol.set_defaults(command=_enrol)


def wait_s(text: str) -> float:
    """Seconds that somebody can wait for."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= MAX_WAIT_S:
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: must be 0 to {MAX_WAIT_S} seconds")
    return found


def _enrol(options: argparse.Namespace) -> int:
    from edge_agent.enrol.command import Asked, enrol, machine_serial
    from edge_agent.uplink.enrol_link import Way
    from protocols.evidence.enrol_token import Token
    from protocols.evidence.errors import Malformed

    if not options.url.startswith("https://"):
        return could_not(f"--url {options.url[:60]}: central is asked by https:// only")
    serial = options.serial or machine_serial()
    if serial is None:
        return could_not("this machine tells no serial number: give --serial")
    try:
        text = sys.stdin.readline() if options.token == "-" else options.token  # noqa: S105
        token = Token.from_text(text.strip())
    except Malformed as error:
        return could_not(error)
    way = Way(options.url.rstrip("/"), options.proxy)
    asked = Asked(way, options.state, token, serial, options.replaces, options.wait)
    try:
        return enrol(asked, show)
    except KeyboardInterrupt:
        show("\nEnded; run the same command again to go on.")
        return FINDINGS
