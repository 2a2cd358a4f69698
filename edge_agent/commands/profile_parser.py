"""The arguments of `edge-agent profile check, list, show`, and what they print."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.console import FINDINGS, GOOD, could_not, show, tell_faults

if TYPE_CHECKING:
    from protocols.registers.profile import Profile


def add_profile(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    profile = commands.add_parser(
        "profile",
        help="instruments' register maps: check, list, show",
        description="What each register of an instrument means: those that come with the program, "
        "and the site's own files.",
        epilog="example: edge-agent profile list",
    )
    actions = profile.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="tell every fault of a profile file by line and field",
        description="Exit status: 0 no fault (with --connect: and every point answered), 1 faults, "
        "2 the file or the device could not be read.",
        epilog="example: edge-agent profile check ek220.toml --connect tcp:192.0.2.17:502/1",
    )
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--connect", metavar="LINK/UNIT",
                       help="read the device too and show raw beside decoded: tcp:HOST:PORT/UNIT, "
                       "rtu:PATH:BAUD:PARITY/UNIT; also rtu-over-tcp and ascii")  # fmt: skip
    check.add_argument("--shift", type=int, choices=(-1, 0, 1),
                       help="with --connect: added to the addresses")  # fmt: skip
    check.set_defaults(command=_check)
    known = actions.add_parser(
        "list",
        help="the packaged profiles",
        description="A line each: name, instrument, and how far it is to be trusted.",
        epilog="example: edge-agent profile list",
    )
    known.set_defaults(command=_list)
    whole = actions.add_parser(
        "show",
        help="all that one profile says",
        description="Points with address, type and unit, archives, commands, sources.",
        epilog="example: edge-agent profile show sick-flowsic500",
    )
    whole.add_argument("profile", metavar="ID|FILE")
    whole.set_defaults(command=_show)


def _check(options: argparse.Namespace) -> int:
    from edge_agent.config.site_profile import read_profile
    from protocols.registers.profile import ProfileErrors

    try:
        profile = read_profile(options.file)
    except ProfileErrors as error:
        tell_faults(error, len(error.faults))
        return FINDINGS
    except OSError as error:
        return could_not(error)
    show(
        f"{profile.id}: no faults; {len(profile.points)} points, "
        f"{len(profile.composites)} totals, confidence {profile.confidence}"
    )
    return GOOD if options.connect is None else _connect(profile, options)


def _connect(profile: Profile, options: argparse.Namespace) -> int:
    from edge_agent.bus.link import Link
    from edge_agent.commands.profile_probe import ConnectError, parse_target, read_device, report

    try:
        target = parse_target(options.connect)
    except ConnectError as error:
        return could_not(error)
    link = Link(target.bus)
    try:
        found = read_device(profile, target.unit, link.exchange, options.shift)
    finally:
        link.close()
    if found.gone:
        return could_not(found.gone)
    show("\n".join(report(profile, found)))
    return FINDINGS if found.refused else GOOD


def _list(_options: argparse.Namespace) -> int:
    from edge_agent.commands.profile_command import list_lines

    show("\n".join(list_lines()))
    return GOOD


def _show(options: argparse.Namespace) -> int:
    from edge_agent.commands.profile_command import show_lines
    from edge_agent.config.site_profile import read_profile
    from protocols.registers.library import load_profile
    from protocols.registers.profile import ProfileError

    try:
        path = Path(options.profile)
        is_file = path.suffix == ".toml"
        profile = read_profile(path) if is_file else load_profile(options.profile)
    except (ProfileError, OSError) as error:
        return could_not(error)
    show("\n".join(show_lines(profile)))
    return GOOD
