"""The arguments of `edge-agent bus ...`."""

from __future__ import annotations

import argparse

from edge_agent.bus_tools.arguments import (
    action,
    add_setups,
    guarded,
    load_any,
    seconds,
    units,
)
from edge_agent.bus_tools.listen_parser import add_listening
from edge_agent.console import COULD_NOT, add_person, load

_Actions = argparse._SubParsersAction


def add_bus(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bus = commands.add_parser(
        "bus",
        help="serial lines and TCP buses: ports, scan, stats, sniff, loopback, take",
        description="Looks at a bus and what is on it, by itself or through the running agent.",
        epilog="example: edge-agent bus take line-1 --for 10m --who 'Li Wei' --reason 'new cable'",
    )
    actions = bus.add_subparsers(required=True, metavar="ACTION")
    _add_ports(actions)
    _add_scan(actions)
    _add_stats(actions)
    add_listening(actions)
    _add_take(actions)
    _add_release(actions)


def _add_ports(actions: _Actions[argparse.ArgumentParser]) -> None:
    ports = action(
        actions,
        "ports",
        "serial ports by their stable names, and who uses them",
        "Exit status: 0 all can be used, 1 one is missing or may not be opened, or there is none.",
        "",
    )
    ports.set_defaults(command=_ports)


def _add_stats(actions: _Actions[argparse.ArgumentParser]) -> None:
    stats = action(
        actions,
        "stats",
        "what the agent has met on its buses: rates, errors, load, likely causes",
        "Since the agent's start, or from now on. Exit status: 0 nothing wrong, 1 something is "
        "likely wrong, 2 no agent could be asked.",
        " line-1",
    )
    stats.add_argument("bus", nargs="?", default="", metavar="NAME", help="default: all")
    stats.add_argument("--seconds", type=seconds, default=0, metavar="TIME",
                       help="count anew for so long; default: since the start")  # fmt: skip
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
    return guarded(
        lambda: stats_command(config, options.bus, options.seconds, as_json=options.json)
    )


def _add_scan(actions: _Actions[argparse.ArgumentParser]) -> None:
    scan = action(
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
    add_setups(scan)
    kind = scan.add_mutually_exclusive_group()
    kind.add_argument("--ascii", dest="kind", action="store_const", const="ascii", default="",
                      help="Modbus ASCII instead of RTU at a port")  # fmt: skip
    kind.add_argument("--rtu", dest="kind", action="store_const", const="rtu",
                      help="RTU behind a serial server, with --tcp")  # fmt: skip
    scan.add_argument("--timeout", type=_timeout, default=0.25, metavar="SECONDS",
                      help="how long each unit may take; default 0.25")  # fmt: skip
    scan.set_defaults(command=_scan)


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
        options.timeout, options.kind,
    )  # fmt: skip
    needs = not (options.port or options.tcp)
    config = load_any(options.config, needs=needs)
    if config is None and needs:
        return COULD_NOT
    return guarded(lambda: scan_command(config, ordered, as_json=options.json))


def _add_take(actions: _Actions[argparse.ArgumentParser]) -> None:
    take = action(
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
    add_person(take)
    take.set_defaults(command=_take)


def _add_release(actions: _Actions[argparse.ArgumentParser]) -> None:
    release = action(
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
    from edge_agent.bus_tools.take_command import Wish, take

    config = load(options.config)
    if config is None:
        return COULD_NOT
    wish = Wish(options.bus, options.seconds, options.who, options.reason)
    return guarded(lambda: take(config, wish, as_json=options.json))


def _release(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.take_command import release

    config = load(options.config)
    if config is None:
        return COULD_NOT
    return guarded(lambda: release(config, options.bus, as_json=options.json))
