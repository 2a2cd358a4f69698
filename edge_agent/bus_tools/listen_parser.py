"""The arguments of `edge-agent bus sniff` and `bus loopback`."""

from __future__ import annotations

import argparse

from edge_agent.bus_tools.arguments import (
    action,
    add_setups,
    bauds,
    guarded,
    load_any,
    parities,
    seconds,
)
from edge_agent.console import COULD_NOT

_Actions = argparse._SubParsersAction


def add_listening(actions: _Actions[argparse.ArgumentParser]) -> None:
    _add_sniff(actions)
    _add_loopback(actions)


def _add_sniff(actions: _Actions[argparse.ArgumentParser]) -> None:
    sniff = action(
        actions,
        "sniff",
        "listen to another master's traffic, decoded; sends nothing",
        "Pairs requests with answers and sums up what each unit was asked. At a port the rates are "
        "tried one by one until frames are heard. Takes the bus from a running agent meanwhile. "
        "Exit status: 0 frames were heard, 1 none, 2 the port could not be used.",
        " --port /dev/ttyUSB0 --seconds 30",
    )
    where = sniff.add_mutually_exclusive_group()
    where.add_argument("bus", nargs="?", default="", metavar="NAME", help="of the configuration")
    where.add_argument("--port", default="", metavar="PATH", help="a serial port")
    sniff.add_argument("--seconds", type=seconds, default=10, metavar="TIME",
                       help="1s to 1h; default 10s")  # fmt: skip
    add_setups(sniff)
    sniff.set_defaults(command=_sniff)


def _add_loopback(actions: _Actions[argparse.ArgumentParser]) -> None:
    loopback = action(
        actions,
        "loopback",
        "send a pattern from one port to another, or back into the same",
        "Proves ports, adapters and wires without an instrument: unplug the instruments first. "
        "Finds adapters that hear themselves (echo). Exit status: 0 all arrived, 1 not, 2 a port "
        "could not be used.",
        " --port /dev/ttyUSB0 --with /dev/ttyUSB1",
    )
    loopback.add_argument("--port", required=True, metavar="PATH")
    loopback.add_argument("--with", dest="other", default="", metavar="PATH",
                          help="the port at the other end; default: the same")  # fmt: skip
    loopback.add_argument("--baud", type=bauds, default=(9600,), metavar="RATE")
    loopback.add_argument("--parity", type=parities, default=("N",), metavar="N|E|O")
    loopback.set_defaults(command=_loopback)


def _sniff(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.sniff_command import Listening, sniff_command

    config = load_any(options.config, needs=not options.port)
    if config is None and not options.port:
        return COULD_NOT
    listening = Listening(options.bus, options.port, options.seconds, options.baud, options.parity)
    return guarded(lambda: sniff_command(config, listening, as_json=options.json))


def _loopback(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.loopback_command import Looped, loopback_command

    config = load_any(options.config, needs=False)
    looped = Looped(options.port, options.other, options.baud[0], options.parity[0])
    return guarded(lambda: loopback_command(config, looped, as_json=options.json))
