"""The arguments of `edge-agent config`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_agent.console import add_config, add_person

Commands = argparse._SubParsersAction


def add_configuration(commands: Commands[argparse.ArgumentParser]) -> None:
    config = commands.add_parser(
        "config",
        help="show, check, compare, apply and roll back the configuration",
        description="gateway.toml and its versions. A new one is put on trial: what answered "
        "before must answer, central be reached, else the old one returns by itself.",
        epilog="example: edge-agent config apply new.toml --who 'Li Wei' --reason "
        "'new transmitter range'",
    )
    does = config.add_subparsers(required=True, metavar="DO")
    show = _add(does, "show", "what is in force", "edge-agent config show --effective")
    show.add_argument("--effective", action="store_true", help="every field, defaults filled in")
    show.add_argument("--version", type=int, default=0, metavar="N", help="an earlier version")
    check = _add(does, "check", "every fault of a file", "edge-agent config check new.toml")
    check.add_argument("file", type=Path, nargs="?", metavar="FILE", help="default: gateway.toml")
    diff = _add(does, "diff", "field by field, what is legally relevant marked",
                "edge-agent config diff new.toml")  # fmt: skip
    diff.add_argument("other", nargs="?", metavar="VERSION|FILE",
                      help="default: the version before")  # fmt: skip
    apply = _add(does, "apply", "put a file in force, on trial",
                 "edge-agent config apply new.toml --who 'Li Wei' --reason range")  # fmt: skip
    apply.add_argument("file", type=Path, metavar="FILE")
    back = _add(does, "rollback", "an earlier version returns",
                "edge-agent config rollback --who 'Li Wei' --reason 'wrong site'")  # fmt: skip
    back.add_argument("version", type=int, nargs="?", default=0, metavar="VERSION",
                      help="default: the one before; ends a trial")  # fmt: skip
    _add(does, "versions", "who, why, when, what became of it", "edge-agent config versions")
    accept = _add(does, "accept", "consent to an offer of central that waits for it",
                  "edge-agent config accept 7 --who 'Li Wei' --reason 'as agreed'")  # fmt: skip
    accept.add_argument("number", type=int, metavar="NUMBER")
    for act in (apply, back, accept):
        add_person(act)
        act.add_argument("--yes", action="store_true", help="do not ask")
    for act in (apply, back):
        act.add_argument("--no-wait", action="store_true", help="do not wait for the trial's end")


def _add(
    does: Commands[argparse.ArgumentParser], name: str, help_text: str, example: str
) -> argparse.ArgumentParser:
    description = f"{help_text[0].upper()}{help_text[1:]}."
    command = does.add_parser(
        name, help=help_text, description=description, epilog=f"example: {example}"
    )
    add_config(command)
    command.add_argument("--json", action="store_true", help="one JSON object, for a program")
    command.set_defaults(command=_run, do=name)
    return command


def _run(options: argparse.Namespace) -> int:
    from edge_agent.remote.command import run_config

    return run_config(options)
