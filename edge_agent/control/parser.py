"""The arguments of `edge-agent write`, and what it prints; `read` has more to show (bus_tools)."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_agent.console import FINDINGS, GOOD, add_config, add_person, could_not, load, show

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from edge_agent.control.protocol import ClockRequest, Request, WriteRequest
    from edge_agent.language import Words


def add_control(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    write = commands.add_parser(
        "write",
        help="write a set point, or set a clock; off unless [control] writes = true",
        description="Only what the profile lets be written, within its limits and the site's. "
        "Read before and after, and recorded with who and why. Exit status: 0 written, 1 refused "
        "or not taken, 2 nobody could be asked.",
        epilog="example: edge-agent write --device meter-1 --clock --who 'Li Wei' --reason drift",
    )
    _add_device(write)
    what = write.add_mutually_exclusive_group(required=True)
    what.add_argument("--point", nargs=2, metavar=("NAME", "VALUE"))
    what.add_argument("--clock", action="store_true", help="set the device's clock to UTC")
    add_person(write)
    write.add_argument("--login", action="store_true",
                       help="ask for the device's password; it is recorded nowhere")  # fmt: skip
    write.add_argument("--yes", action="store_true", help="do not ask")
    write.set_defaults(command=_write)


def _add_device(command: argparse.ArgumentParser) -> None:
    add_config(command)
    command.add_argument("--device", required=True, metavar="NAME")


def _write(options: argparse.Namespace) -> int:
    from edge_agent.control.command import write_request

    config = load(options.config)
    if config is None:
        return FINDINGS
    password = _password() if options.login else ""
    request = write_request(options.device, options.point, options.who, options.reason, password)
    if not options.yes and not sys.stdin.isatty():
        return could_not("nobody can confirm here: give --yes")
    if not options.yes:
        status = guarded(lambda: _confirmed(config, request))
        if status != GOOD:
            return status
    return guarded(lambda: ask_and_tell(config, request, as_json=False))


def _words() -> Words:
    """Of this folder, in the environment's language."""
    import os

    from edge_agent.language import load_words
    from edge_agent.terminal import is_chinese

    return load_words("edge_agent.control", chinese=is_chinese(os.environ))


def _password() -> str:
    """Unseen at a terminal; else the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(_words()("password"))
    return sys.stdin.readline().rstrip("\n")


def _confirmed(config: AgentConfig, request: WriteRequest | ClockRequest) -> int:
    """Good where a person said yes."""
    from edge_agent.control.command import question

    words = _words()
    show("\n".join(question(config, request, words)))
    if input(words("ask")).strip().lower() in ("y", "yes"):
        return GOOD
    show(words("nothing"))
    return FINDINGS


def ask_and_tell(config: AgentConfig, request: Request, *, as_json: bool) -> int:
    """The exit status: good, or findings where the device refuses."""
    from edge_agent.control.command import answer_lines, ask

    answer = ask(config, request)
    good = bool(answer.get("ok"))
    text = (
        json.dumps({"schema": 1, **answer})
        if as_json
        else "\n".join(answer_lines(answer, _words()))
    )
    if good or as_json:
        show(text)
    else:
        print(text, file=sys.stderr)
    return GOOD if good else FINDINGS


def guarded(run: Callable[[], int]) -> int:
    """What keeps the request from being put to anybody is told with its remedy."""
    from edge_agent.control.client import SocketError
    from edge_agent.control.command import CannotAsk
    from edge_agent.control.protocol import BadRequest
    from edge_agent.journal.journal import JournalError
    from edge_agent.journal.schema import MigrationError
    from edge_agent.keys.keys import KeyFileError

    known = (BadRequest, CannotAsk, SocketError, JournalError, KeyFileError, MigrationError)
    try:
        return run()
    except (*known, OSError) as error:
        return could_not(error)
