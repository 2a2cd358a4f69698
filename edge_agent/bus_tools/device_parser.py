"""The arguments of `edge-agent read` and `edge-agent dump`."""

from __future__ import annotations

import argparse

from edge_agent.bus_tools.arguments import guarded
from edge_agent.console import COULD_NOT, FINDINGS, add_config, load


def add_read(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    read = commands.add_parser(
        "read",
        help="read a device now: its values, or one point with the bytes",
        description="Asks through the running agent, or without one the device itself. With a "
        "point or an address: the request and the answer as bytes, their check, the registers in "
        "every order, the value. Exit status: 0 read, 1 the device could not be read, 2 nobody "
        "could be asked.",
        epilog="example: edge-agent read 40012 --device meter-1 --raw",
    )
    add_config(read)
    read.add_argument("what", nargs="?", default="", metavar="POINT|ADDRESS",
                      help="a point of the profile, or 40012, 4x0012, 0x000B, 11")  # fmt: skip
    read.add_argument("--device", required=True, metavar="NAME")
    read.add_argument("--raw", action="store_true", help="the bytes of a point, too")
    read.add_argument("--function", type=int, choices=(1, 2, 3, 4),
                      help="of an address; then a plain number is the PDU's own")  # fmt: skip
    read.add_argument("--count", type=int, metavar="N",
                      help="registers or bits from an address on; default 2")  # fmt: skip
    read.add_argument("--point", action="append", default=[], metavar="NAME",
                      help="values only; may be repeated; default all polled")  # fmt: skip
    read.add_argument("--json", action="store_true", help="one JSON object")
    read.set_defaults(command=_read)


def add_dump(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    dump = commands.add_parser(
        "dump",
        help="every point of a device: address, raw words, value",
        description="Reads each point of the device's profile once, through the running agent or "
        "without one. Exit status: 0 all read, 1 some are refused, 2 the device could not be read.",
        epilog="example: edge-agent dump meter-1 --csv",
    )
    add_config(dump)
    dump.add_argument("device", metavar="DEVICE")
    form = dump.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json", default="text",
                      help="one JSON object, schema 1")  # fmt: skip
    form.add_argument("--csv", dest="form", action="store_const", const="csv",
                      help="a table with a head")  # fmt: skip
    dump.set_defaults(command=_dump)


def _read(options: argparse.Namespace) -> int:
    if options.what:
        return _read_raw(options)
    from edge_agent.control.command import read_request
    from edge_agent.control.parser import ask_and_tell
    from edge_agent.control.parser import guarded as answered

    config = load(options.config)
    if config is None:
        return FINDINGS
    request = read_request(options.device, options.point)
    return answered(lambda: ask_and_tell(config, request, as_json=options.json))


def _read_raw(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.read_command import What, read_command

    config = load(options.config)
    if config is None:
        return COULD_NOT
    what = What(options.device, options.what, options.function, options.count)
    return guarded(lambda: read_command(config, what, raw=options.raw, as_json=options.json))


def _dump(options: argparse.Namespace) -> int:
    from edge_agent.bus_tools.dump_command import dump_command

    config = load(options.config)
    if config is None:
        return COULD_NOT
    return guarded(lambda: dump_command(config, options.device, options.form))
