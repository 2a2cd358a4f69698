"""The arguments of `edge-agent convert` and `edge-agent gas`, and what they print.

Neither needs a gateway: values in, values out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge_agent.console import FINDINGS, GOOD, could_not, leave_pipe, show

# The words of `edge-agent gas`, here as well so that no other command loads the gas tables
SUM_RULES = ("refuse", "normalise", "methane_rest")
C6_PLUS = ("hexane", "47/35/17", "50/50/0", "50/25/25", "57/29/14")
HEAT_UNITS = ("MJ/m3", "kWh/m3", "kcal/m3", "kcal_th/m3", "Btu/ft3")


def add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    convert = commands.add_parser(
        "convert",
        help="line volume to base volume: JSON objects on standard input, one a line",
        description="Reads JSON objects, one a line, and answers each with one: Z, Zb, K, C and "
        "Vb_m3, or error and field. Each has method, Tb_K, Pb_kPa, P_kPa_abs, T_K, Vm_m3 and the "
        "gas (composition; or Hs_25_0_MJ_m3, d_0, x_CO2, x_H2; or K).",
        epilog="example: edge-agent convert < questions.jsonl",
    )
    convert.set_defaults(command=_convert)


def _convert(_options: argparse.Namespace) -> int:
    from edge_agent.commands.convert import convert_lines

    try:
        convert_lines(sys.stdin.buffer, sys.stdout)
    except (BrokenPipeError, KeyboardInterrupt):
        leave_pipe()
    return GOOD


def add_gas(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    gas = commands.add_parser(
        "gas",
        help="heating values, density, Wobbe index of a composition, by ISO 6976",
        description='Reads {"methane": 0.96, ...} or {"composition": {...}, "unit": "percent", '
        '"sum_rule": ...} and shows its properties at the usual reference conditions. Exit status '
        "1: the composition is faulty, or the stated heating value is not its own.",
        epilog="example: edge-agent gas gas.json --stated 34.1 MJ/m3 20/20 superior",
    )
    gas.add_argument("file", nargs="?", default="-", metavar="FILE", help="JSON; - or none: stdin")
    gas.add_argument("--unit", choices=("fraction", "percent"), help="default fraction")
    gas.add_argument("--sum-rule", choices=SUM_RULES,
                     help="what is done with a sum that is not one; default normalise")  # fmt: skip
    gas.add_argument("--c6-plus", choices=C6_PLUS, default="hexane",
                     help="what a chromatograph's C6+ is taken for; default hexane")  # fmt: skip
    gas.add_argument("--reference", action="append", default=[], metavar="T1/T2[@P2]",
                     help="such as 20/20 or 60F/60F@14.73psia; may be repeated")  # fmt: skip
    gas.add_argument("--heat-unit", choices=HEAT_UNITS, default="MJ/m3")
    gas.add_argument("--stated", nargs=4, metavar=("VALUE", "UNIT", "T1/T2", "KIND"),
                     help="check a heating value, such as 34.1 MJ/m3 20/20 superior")  # fmt: skip
    gas.add_argument("--json", action="store_true", help="everything, unrounded")
    gas.set_defaults(command=_gas)


def _gas(options: argparse.Namespace) -> int:
    from edge_agent.commands.gas import GasInputError, GasOptions, Stated, as_json, gas_report
    from edge_agent.commands.gas_table import as_table

    try:
        data = _gas_input(options.file)
    except OSError as error:
        return could_not(error)
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
    show(as_json(report) if options.json else as_table(report, options.heat_unit))
    return FINDINGS if report.has_findings else GOOD


def _gas_input(file: str) -> bytes:
    from edge_agent.regular_file import read_regular
    from protocols.metering.request_object import MAX_BYTES

    if file != "-":
        return read_regular(Path(file), MAX_BYTES)
    if sys.stdin.isatty():
        print("a composition as JSON, then Ctrl-D:", file=sys.stderr)
    return sys.stdin.buffer.read(MAX_BYTES + 1)
