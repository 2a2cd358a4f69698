"""The command line: `edge-agent run | check | plan | convert | gas | profile | report | key |
migrate`.

Exit status: 0 good, 1 findings (a faulty configuration, an agent that ended badly), 2 it could not
be done.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.control_parser import add_control

if TYPE_CHECKING:
    from edge_agent.config import AgentConfig
    from protocols.registers.profile import Profile

GOOD, FINDINGS, COULD_NOT = 0, 1, 2

# The words of `edge-agent gas`, here as well so that no other command loads the gas tables
GAS_SUM_RULES = ("refuse", "normalise", "methane_rest")
GAS_C6_PLUS = ("hexane", "47/35/17", "50/50/0", "50/25/25", "57/29/14")
GAS_HEAT_UNITS = ("MJ/m3", "kWh/m3", "kcal/m3", "kcal_th/m3", "Btu/ft3")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    status: int = options.command(options)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-agent", description="The agent of a gas gateway.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="poll, record, send; until SIGTERM")
    check = commands.add_parser("check", help="read the configuration and tell every fault")
    plan = commands.add_parser("plan", help="requests, bytes, time and share of each bus")
    migrate = commands.add_parser("migrate", help="bring the journal to this program's version")
    for command, function in (
        (run, _run),
        (check, _check),
        (plan, _plan),
        (migrate, _migrate),
    ):
        command.add_argument("--config", type=Path, required=True, metavar="gateway.toml")
        command.set_defaults(command=function)
    _add_convert(commands)
    _add_gas(commands)
    _add_profile(commands)
    add_control(commands, _load)
    _add_report(commands)
    key = commands.add_parser("key", help="the gateway's log key")
    actions = key.add_subparsers(required=True, metavar="ACTION")
    new = actions.add_parser("new", help="make the keys of a new gateway, print the public one")
    new.add_argument("--gateway", required=True, metavar="ID")
    show = actions.add_parser("show", help="print the public key, for edge-central gateway add")
    for action, function in ((new, _key_new), (show, _key_show)):
        action.add_argument("--state", type=Path, required=True, metavar="DIR")
        action.set_defaults(command=function)
    return parser


def _add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    convert = commands.add_parser(
        "convert",
        help="line volume to base volume: JSON objects on standard input, one a line",
        description="Reads JSON objects, one a line, and answers each with one: Z, Zb, K, C and "
        "Vb_m3, or error and field. Each has method, Tb_K, Pb_kPa, P_kPa_abs, T_K, Vm_m3 and the "
        "gas (composition; or Hs_25_0_MJ_m3, d_0, x_CO2, x_H2; or K).",
    )
    convert.set_defaults(command=_convert)


def _add_gas(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    gas = commands.add_parser(
        "gas",
        help="heating values, density, Wobbe index of a composition, by ISO 6976",
        description='Reads {"methane": 0.96, ...} or {"composition": {...}, "unit": "percent", '
        '"sum_rule": ...} and shows its properties at the usual reference conditions. Exit status '
        "1: the composition is faulty, or the stated heating value is not its own.",
    )
    gas.add_argument("file", nargs="?", default="-", metavar="FILE", help="JSON; - or none: stdin")
    gas.add_argument("--unit", choices=("fraction", "percent"), help="default fraction")
    gas.add_argument("--sum-rule", choices=GAS_SUM_RULES,
                     help="what is done with a sum that is not one; default normalise")  # fmt: skip
    gas.add_argument("--c6-plus", choices=GAS_C6_PLUS, default="hexane",
                     help="what a chromatograph's C6+ is taken for; default hexane")  # fmt: skip
    gas.add_argument("--reference", action="append", default=[], metavar="T1/T2[@P2]",
                     help="such as 20/20 or 60F/60F@14.73psia; may be repeated")  # fmt: skip
    gas.add_argument("--heat-unit", choices=GAS_HEAT_UNITS, default="MJ/m3")
    gas.add_argument("--stated", nargs=4, metavar=("VALUE", "UNIT", "T1/T2", "KIND"),
                     help="check a heating value, such as 34.1 MJ/m3 20/20 superior")  # fmt: skip
    gas.add_argument("--json", action="store_true", help="everything, unrounded")
    gas.set_defaults(command=_gas)


def _add_profile(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    profile = commands.add_parser("profile", help="instruments' register maps: check, list, show")
    actions = profile.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="tell every fault of a profile file by line and field",
        description="Exit status: 0 no fault (with --connect: and every point answered), 1 faults, "
        "2 the file or the device could not be read.",
    )
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--connect", metavar="LINK/UNIT",
                       help="read the device too and show raw beside decoded: tcp:HOST:PORT/UNIT, "
                       "rtu:PATH:BAUD:PARITY/UNIT; also rtu-over-tcp and ascii")  # fmt: skip
    check.add_argument("--shift", type=int, choices=(-1, 0, 1),
                       help="with --connect: added to the addresses")  # fmt: skip
    check.set_defaults(command=_profile_check)
    actions.add_parser("list", help="the packaged profiles").set_defaults(command=_profile_list)
    show = actions.add_parser("show", help="all that one profile says")
    show.add_argument("profile", metavar="ID|FILE")
    show.set_defaults(command=_profile_show)


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    report = commands.add_parser(
        "report",
        help="a gas day of one run, hour by hour, out of the journal",
        description="Works beside a running agent and without one, as far back as the journal "
        "keeps what central has acknowledged. Exit status: 1 nothing of that day is there, 2 the "
        "journal could not be read.",
    )
    report.add_argument("--config", type=Path, required=True, metavar="gateway.toml")
    report.add_argument("--run", required=True, metavar="ID")
    report.add_argument("--day", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD",
                        help="the gas day, dated by its beginning")  # fmt: skip
    report.add_argument("--json", action="store_true", help="everything, unrounded")
    report.set_defaults(command=_report)


def _run(options: argparse.Namespace) -> int:
    from edge_agent.agent import AlreadyRunning, run_agent, stop_on_signals
    from edge_agent.journal import JournalError
    from edge_agent.journal_reader import ReadFailed
    from edge_agent.keys import KeyFileError
    from edge_agent.schema import MigrationError

    config = _load(options.config)
    if config is None:
        return FINDINGS
    stop = threading.Event()
    stop_on_signals(stop)
    try:
        return run_agent(config, stop)
    except (
        AlreadyRunning,
        JournalError,
        KeyFileError,
        MigrationError,
        ReadFailed,
        OSError,
    ) as error:
        return _could_not(error)


def _check(options: argparse.Namespace) -> int:
    from edge_agent.check_command import check_lines

    config = _load(options.config)
    if config is None:
        return FINDINGS
    for line in check_lines(config):
        print(line)
    return GOOD


def _plan(options: argparse.Namespace) -> int:
    from edge_agent.plan_command import plan_lines

    config = _load(options.config)
    if config is None:
        return FINDINGS
    for line in plan_lines(config):
        print(line)
    return GOOD


def _migrate(options: argparse.Namespace) -> int:
    from edge_agent.agent import AlreadyRunning, state_lock
    from edge_agent.journal import FILE_NAME
    from edge_agent.schema import MigrationError, migrate_in_child

    config = _load(options.config)
    if config is None:
        return FINDINGS
    try:
        with state_lock(config.state_dir):
            migrate_in_child(config.state_dir / FILE_NAME)
    except (AlreadyRunning, MigrationError, OSError) as error:
        return _could_not(error)
    print(f"{config.state_dir / FILE_NAME} is up to date")
    return GOOD


def _convert(_options: argparse.Namespace) -> int:
    from edge_agent.convert import convert_lines

    try:
        convert_lines(sys.stdin.buffer, sys.stdout)
    except (BrokenPipeError, KeyboardInterrupt):
        _leave_pipe()
    return GOOD


def _gas(options: argparse.Namespace) -> int:
    from edge_agent.gas import GasInputError, GasOptions, Stated, as_json, gas_report
    from edge_agent.gas_table import as_table

    try:
        data = _gas_input(options.file)
    except OSError as error:
        return _could_not(error)
    said = GasOptions(
        unit=options.unit,
        sum_rule=options.sum_rule,
        c6_plus=options.c6_plus,
        references=tuple(options.reference),
        stated=Stated(*options.stated) if options.stated else None,
    )
    try:
        report = gas_report(data, said)
    except GasInputError as error:
        print(f"{'standard input' if options.file == '-' else options.file}: {error}",
              file=sys.stderr)  # fmt: skip
        return FINDINGS
    print(as_json(report) if options.json else as_table(report, options.heat_unit))
    return FINDINGS if report.has_findings else GOOD


def _gas_input(file: str) -> bytes:
    from protocols.metering.request_object import MAX_BYTES

    if file != "-":
        with Path(file).open("rb") as source:
            return source.read(MAX_BYTES + 1)
    if sys.stdin.isatty():
        print("a composition as JSON, then Ctrl-D:", file=sys.stderr)
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _report(options: argparse.Namespace) -> int:
    from edge_agent.journal import FILE_NAME
    from edge_agent.journal_reader import ReadFailed
    from edge_agent.report import ReportError, as_json, report_of
    from edge_agent.report_table import as_table
    from protocols.metering.gas_day import GasDayError

    config = _load(options.config)
    if config is None:
        return FINDINGS
    try:
        report = report_of(config, config.state_dir / FILE_NAME, options.run, options.day)
    except ReportError as error:
        print(f"edge-agent: {error}", file=sys.stderr)
        return FINDINGS
    except (ReadFailed, GasDayError) as error:
        return _could_not(error)
    try:
        print(as_json(report) if options.json else as_table(report), flush=True)
    except BrokenPipeError:
        _leave_pipe()
    return GOOD


def _key_new(options: argparse.Namespace) -> int:
    from edge_agent.keys import KeyFileError, create_keys

    try:
        keys = create_keys(options.state, options.gateway, os.urandom)
    except (KeyFileError, OSError) as error:
        return _could_not(error)
    print(keys.signer.vkey)
    return GOOD


def _key_show(options: argparse.Namespace) -> int:
    from edge_agent.keys import KeyFileError, load_keys

    try:
        keys = load_keys(options.state)
    except KeyFileError as error:
        return _could_not(error)
    print(keys.signer.vkey)
    return GOOD


def _profile_check(options: argparse.Namespace) -> int:
    from edge_agent.site_profile import read_profile
    from protocols.registers.profile import ProfileErrors

    try:
        profile = read_profile(options.file)
    except ProfileErrors as error:
        count = len(error.faults)
        print(error, file=sys.stderr)
        print("1 fault" if count == 1 else f"{count} faults", file=sys.stderr)
        return FINDINGS
    except OSError as error:
        return _could_not(error)
    print(
        f"{profile.id}: no faults; {len(profile.points)} points, "
        f"{len(profile.composites)} totals, confidence {profile.confidence}"
    )
    return GOOD if options.connect is None else _profile_connect(profile, options)


def _profile_connect(profile: Profile, options: argparse.Namespace) -> int:
    from edge_agent.link import Link
    from edge_agent.profile_probe import ConnectError, parse_target, read_device, report

    try:
        target = parse_target(options.connect)
    except ConnectError as error:
        return _could_not(error)
    link = Link(target.bus)
    try:
        found = read_device(profile, target.unit, link.exchange, options.shift)
    finally:
        link.close()
    if found.gone:
        print(f"edge-agent: {found.gone}", file=sys.stderr)
        return COULD_NOT
    print("\n".join(report(profile, found)))
    return FINDINGS if found.refused else GOOD


def _profile_list(_options: argparse.Namespace) -> int:
    from edge_agent.profile_command import list_lines

    print("\n".join(list_lines()))
    return GOOD


def _profile_show(options: argparse.Namespace) -> int:
    from edge_agent.profile_command import show_lines
    from edge_agent.site_profile import read_profile
    from protocols.registers.library import load_profile
    from protocols.registers.profile import ProfileError

    try:
        path = Path(options.profile)
        is_file = path.suffix == ".toml"
        profile = read_profile(path) if is_file else load_profile(options.profile)
    except (ProfileError, OSError) as error:
        return _could_not(error)
    print("\n".join(show_lines(profile)))
    return GOOD


def _load(path: Path) -> AgentConfig | None:
    from edge_agent.config_file import ConfigErrors, load_config

    try:
        return load_config(path)
    except ConfigErrors as error:
        print(error, file=sys.stderr)
        count = len(error.faults)
        print("1 fault" if count == 1 else f"{count} faults", file=sys.stderr)
        return None


def _leave_pipe() -> None:
    """Nobody reads on: what is left in the buffer must not fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _could_not(error: Exception) -> int:
    print(f"edge-agent: {error}", file=sys.stderr)
    return COULD_NOT


if __name__ == "__main__":
    sys.exit(main())
