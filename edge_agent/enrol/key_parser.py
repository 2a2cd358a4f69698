"""The arguments of `edge-agent key`."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from edge_agent.console import FINDINGS, GOOD, add_person, could_not
from edge_agent.console import show as show_text
from edge_agent.packaged import STATE


def add_key(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    key = commands.add_parser(
        "key",
        help="the gateway's keys",
        description="New keys, the keys as they are, and a new log key.",
        epilog="example: edge-agent key show",
    )
    actions = key.add_subparsers(required=True, metavar="ACTION")
    new = actions.add_parser(
        "new",
        help="make the keys of a new gateway, print the public one",
        description="Where there is no token; else edge-agent enroll makes them.",
        epilog="example: edge-agent key new --gateway gw-0001",
    )
    new.add_argument("--gateway", required=True, metavar="ID")
    show = actions.add_parser(
        "show",
        help="public keys, since when they are valid, and the certificate's dates",
        description="The first line is what edge-central gateway add takes. Works beside the "
        "running agent. Exit status: 1 the certificate is not valid now, 2 there are no keys.",
        epilog="example: edge-agent key show",
    )
    rotate = actions.add_parser(
        "rotate",
        help="a new log key, by the running agent or at the next start",
        description="Both keys sign the change in the log; the old one is destroyed when central "
        "has receipts for all that it signed. Exit status: 1 the agent did not take it up, 2 it "
        "could not be asked for.",
        epilog="example: edge-agent key rotate --who 'Li Wei' --reason 'yearly'",
    )
    add_person(rotate)
    for action, function in ((new, _new), (show, _show), (rotate, _rotate)):
        action.add_argument(
            "--state", type=Path, default=STATE, metavar="DIR", help=f"default: {STATE}"
        )
        action.set_defaults(command=function)


def _new(options: argparse.Namespace) -> int:
    from edge_agent.keys.keys import KeyFileError, create_keys

    try:
        keys = create_keys(options.state, options.gateway, os.urandom)
    except (KeyFileError, OSError) as error:
        return could_not(error)
    show_text(keys.signer.vkey)
    return GOOD


def _show(options: argparse.Namespace) -> int:
    from edge_agent.clock import wall_ms
    from edge_agent.enrol.key_command import show
    from edge_agent.keys.key_files import KeyFileError

    try:
        shown = show(options.state, wall_ms() // 1000)
    except (KeyFileError, OSError) as error:
        return could_not(error)
    show_text("\n".join(shown.lines))
    return GOOD if shown.is_good else FINDINGS


def _rotate(options: argparse.Namespace) -> int:
    from edge_agent.enrol.key_command import rotate
    from edge_agent.keys.key_files import KeyFileError
    from edge_agent.recording.key_recording import Wish

    wish = Wish(options.who, options.reason)
    try:
        taken_up = rotate(options.state, wish, show_text, time.sleep)
    except (KeyFileError, OSError) as error:
        return could_not(error)
    return GOOD if taken_up else FINDINGS
