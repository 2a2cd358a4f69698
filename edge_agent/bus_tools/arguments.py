"""Kinds of arguments that the bus tools share, and how what cannot be done is told."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from edge_agent.console import FINDINGS, add_config, could_not, load

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

Chosen = TypeVar("Chosen", int, str)
MAX_TOLD = 1_500  # a screen
_UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}
_Actions = argparse._SubParsersAction


def seconds(text: str) -> int:
    """`90`, `90s`, `10m` or `1h`: 1 second to an hour."""
    match = re.fullmatch(r"([0-9]{1,5})([smh]?)", text)
    value = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text[:20]!r}: must be 1s to 1h, as in 90s or 10m")
    return value


def action(
    actions: _Actions[argparse.ArgumentParser],
    name: str,
    told: str,
    description: str,
    example: str,
) -> argparse.ArgumentParser:
    """One action of `bus`, with what all of them have."""
    made = actions.add_parser(
        name,
        help=told,
        description=description,
        epilog=f"example: edge-agent bus {name}{example}",
    )
    add_config(made)
    made.add_argument("--json", action="store_true", help="one JSON object, schema 1")
    return made


def add_setups(command: argparse.ArgumentParser) -> None:
    """The rates and parities to be tried."""
    rates = "as 9600,19200, or all; default: the bus's, all at a port"
    command.add_argument("--baud", type=bauds, default=(), metavar="RATES", help=rates)
    same = "or all; default as for --baud"
    command.add_argument("--parity", type=parities, default=(), metavar="N,E,O", help=same)


def units(text: str) -> tuple[int, ...]:
    """`1-32`, `1,5,40-50`: each once, in order as given."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,3})(?:-([0-9]{1,3}))?", part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not 0 <= first <= last <= 255:
            raise argparse.ArgumentTypeError(f"{text[:40]!r}: must be as 1-247 or 1,5,40-50")
        found += range(first, last + 1)
    return tuple(dict.fromkeys(found))


def bauds(text: str) -> tuple[int, ...]:
    """Usual rates with commas, or `all`."""
    from edge_agent.bus_tools.scan import BAUDS

    known = {str(baud): baud for baud in BAUDS}
    return _chosen(text, known)


def parities(text: str) -> tuple[str, ...]:
    """N, E and O with commas, or `all`."""
    return _chosen(text.upper(), {"N": "N", "E": "E", "O": "O"}, "ALL")


def _chosen(text: str, known: Mapping[str, Chosen], every: str = "all") -> tuple[Chosen, ...]:
    if text == every:
        return tuple(known.values())
    parts = [part.strip() for part in text.split(",")]
    if not set(parts) <= known.keys():
        told = ", ".join(known)
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: choose of {told}, with commas, or all")
    return tuple(known[part] for part in dict.fromkeys(parts))


def load_any(path: Path, *, needs: bool) -> AgentConfig | None:
    """The configuration; a new gateway may have none yet, and a faulty one must not stop a tool."""
    if needs or path.exists():
        return load(path)
    return None


def guarded(run: Callable[[], int]) -> int:
    """What could not be done is told with its remedy; Ctrl-C is the end a person wanted."""
    from edge_agent.bus_tools.borrow import CannotUse
    from edge_agent.control.client import NoAgent, SocketError

    try:
        return run()
    except NoAgent as error:
        return could_not(f"the agent ended meanwhile: {error}")
    except (CannotUse, SocketError, OSError) as error:
        return could_not(f"{error}"[:MAX_TOLD])
    except KeyboardInterrupt:
        return FINDINGS
