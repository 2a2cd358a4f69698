"""The arguments of `edge-agent bus ...`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from edge_agent.console import COULD_NOT, FINDINGS, add_config, could_not, load

_UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}
_Actions = argparse._SubParsersAction


def add_bus(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bus = commands.add_parser(
        "bus",
        help="serial lines and TCP buses: ports, take, release",
        description="Looks at a bus and what is on it, by itself or through the running agent.",
        epilog="example: edge-agent bus take line-1 --for 10m --who 'Li Wei' --reason 'new cable'",
    )
    actions = bus.add_subparsers(required=True, metavar="ACTION")
    _add_take(actions)
    _add_release(actions)


def seconds(text: str) -> int:
    """`90`, `90s`, `10m` or `1h`: 1 second to an hour."""
    match = re.fullmatch(r"([0-9]{1,5})([smh]?)", text)
    value = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text[:20]!r}: must be 1s to 1h, as in 90s or 10m")
    return value


def _add(
    actions: _Actions[argparse.ArgumentParser],
    name: str,
    told: str,
    description: str,
    example: str,
) -> argparse.ArgumentParser:
    action = actions.add_parser(
        name,
        help=told,
        description=description,
        epilog=f"example: edge-agent bus {name}{example}",
    )
    add_config(action)
    action.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    return action


def _add_take(actions: _Actions[argparse.ArgumentParser]) -> None:
    take = _add(
        actions,
        "take",
        "let the agent lend a bus for a while",
        "The agent closes the port and stands back; its polls of that time are told as BAD_PORT, "
        "and the log says who took the bus, why and for how long. It comes back by itself. Exit "
        "status: 0 lent (or no agent runs), 1 refused, 2 the agent could not be asked.",
        " line-1 --for 10m --who 'Li Wei' --reason 'new cable'",
    )
    take.add_argument("bus", metavar="NAME")
    take.add_argument("--for", dest="seconds", type=seconds, default=600, metavar="TIME",
                      help="1s to 1h; default 10m")  # fmt: skip
    take.add_argument("--who", required=True, metavar="NAME", help="recorded as your own word")
    take.add_argument("--reason", required=True, metavar="TEXT")
    take.set_defaults(command=_take)


def _add_release(actions: _Actions[argparse.ArgumentParser]) -> None:
    release = _add(
        actions,
        "release",
        "give a bus back to the agent",
        "Exit status: 0 given back (or no agent runs), 1 it was not lent, 2 the agent could not be "
        "asked.",
        " line-1",
    )
    release.add_argument("bus", metavar="NAME")
    release.set_defaults(command=_release)


def _take(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.take_command import take

    config = load(options.config)
    if config is None:
        return COULD_NOT
    order = (options.bus, options.seconds, options.who, options.reason)
    return guarded(lambda: take(config, *order, as_json=options.json))


def _release(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.take_command import release

    config = load(options.config)
    if config is None:
        return COULD_NOT
    return guarded(lambda: release(config, options.bus, as_json=options.json))


def guarded(run: Callable[[], int]) -> int:
    """What could not be done is told with its remedy; Ctrl-C is the end a person wanted."""
    from edge_agent.bus_tools.borrow import CannotUse
    from edge_agent.control.client import SocketError

    try:
        return run()
    except (CannotUse, SocketError, OSError) as error:
        return could_not(error)
    except KeyboardInterrupt:
        return FINDINGS
