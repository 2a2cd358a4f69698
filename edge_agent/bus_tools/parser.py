"""The arguments of `edge-agent bus ...`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from edge_agent.console import COULD_NOT, FINDINGS, add_config, could_not, load

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig

Chosen = TypeVar("Chosen", int, str)
_UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}
_Actions = argparse._SubParsersAction


def add_bus(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bus = commands.add_parser(
        "bus",
        help="serial lines and TCP buses: ports, scan, stats, take, release",
        description="Looks at a bus and what is on it, by itself or through the running agent.",
        epilog="example: edge-agent bus take line-1 --for 10m --who 'Li Wei' --reason 'new cable'",
    )
    actions = bus.add_subparsers(required=True, metavar="ACTION")
    _add_ports(actions)
    _add_scan(actions)
    _add_stats(actions)
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


def _add_ports(actions: _Actions[argparse.ArgumentParser]) -> None:
    ports = _add(
        actions,
        "ports",
        "serial ports by their stable names, and who uses them",
        "Exit status: 0 all can be used, 1 one is missing or may not be opened, or there is none.",
        "",
    )
    ports.set_defaults(command=_ports)


def _add_stats(actions: _Actions[argparse.ArgumentParser]) -> None:
    stats = _add(
        actions,
        "stats",
        "what the agent has met on its buses: rates, errors, load, likely causes",
        "Since the agent's start. Exit status: 0 nothing wrong, 1 something is likely wrong, 2 no "
        "agent could be asked.",
        " line-1",
    )
    stats.add_argument("bus", nargs="?", default="", metavar="NAME", help="default: all")
    stats.set_defaults(command=_stats)


def _ports(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.ports_command import ports_command

    config = load_any(options.config, needs=False)
    return guarded(lambda: ports_command(config, as_json=options.json))


def _stats(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.stats_command import stats_command

    config = load(options.config)
    if config is None:
        return COULD_NOT
    return guarded(lambda: stats_command(config, options.bus, as_json=options.json))


def _add_scan(actions: _Actions[argparse.ArgumentParser]) -> None:
    scan = _add(
        actions,
        "scan",
        "find instruments: units, baud rate, parity, and who they are",
        "Asks each unit for one register, reads only. Tries rates and parities until somebody "
        "answers, recognises known instruments, prints the lines for gateway.toml and what is "
        "likely wrong with the line. Takes the bus from a running agent meanwhile. Exit status: 0 "
        "found, 1 nobody, stopped, or trouble on the line, 2 the port could not be used.",
        " --port /dev/ttyUSB0 --units 1-32",
    )
    where = scan.add_mutually_exclusive_group()
    where.add_argument("--bus", default="", metavar="NAME", help="of the configuration")
    where.add_argument("--port", default="", metavar="PATH", help="a serial port")
    where.add_argument("--tcp", default="", metavar="HOST:PORT", help="a Modbus TCP server")
    scan.add_argument("--units", type=units, default=tuple(range(1, 248)), metavar="1-247",
                      help="as 1-32 or 1,5,40-50; default all")  # fmt: skip
    scan.add_argument("--baud", type=bauds, default=(), metavar="RATES",
                      help="as 9600,19200, or all; default: of the bus, all at a port")  # fmt: skip
    scan.add_argument("--parity", type=parities, default=(), metavar="N,E,O",
                      help="or all; default as for --baud")  # fmt: skip
    scan.add_argument("--ascii", action="store_true", help="Modbus ASCII instead of RTU")
    scan.add_argument("--timeout", type=_timeout, default=0.25, metavar="SECONDS",
                      help="how long each unit may take; default 0.25")  # fmt: skip
    scan.set_defaults(command=_scan)


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


def _timeout(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.02 <= value <= 10.0:
        raise argparse.ArgumentTypeError(f"{text[:20]!r}: must be 0.02 to 10 seconds")
    return value


def _scan(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.scan_command import Ordered, scan_command

    ordered = Ordered(
        options.bus, options.port, options.tcp, options.units, options.baud, options.parity,
        options.timeout, "ascii" if options.ascii else "rtu",
    )  # fmt: skip
    needs = not (options.port or options.tcp)
    config = load_any(options.config, needs=needs)
    if config is None and needs:
        return COULD_NOT
    return guarded(lambda: scan_command(config, ordered, as_json=options.json))


def load_any(path: Path, *, needs: bool) -> AgentConfig | None:
    """The configuration; a new gateway may have none yet, and a faulty one must not stop a tool."""
    if needs or path.exists():
        return load(path)
    return None


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
    from edge_agent.control.client import NoAgent, SocketError

    try:
        return run()
    except NoAgent as error:
        return could_not(f"the agent ended meanwhile: {error}")
    except (CannotUse, SocketError, OSError) as error:
        return could_not(error)
    except KeyboardInterrupt:
        return FINDINGS
