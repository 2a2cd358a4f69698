"""The arguments of what people do on site: compare, meter, cal, regulator."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.console import COULD_NOT, add_config, add_person, load

if TYPE_CHECKING:
    from edge_agent.acts.act import Asking
    from edge_agent.config.model import AgentConfig

    Command = Callable[[AgentConfig, argparse.Namespace, Asking], int]
Commands = argparse._SubParsersAction


def add_compare(commands: Commands[argparse.ArgumentParser]) -> None:
    compare = commands.add_parser(
        "compare",
        help="compare the meter's display with what is read and computed; a signed record",
        description="Reads the run's instruments before and after the figures are typed, and "
        "compares. Indexes in m3 with all digits of the display, pressure in kPa absolute (also "
        "3.01bar, 301kPa(g)), temperature in degrees Celsius, c the conversion factor, z the "
        "compression factor. What is not given is asked for; an empty line: not on the display. "
        "Exit status: 0 all within, 1 a figure is outside or nothing was recorded, 2 not done.",
        epilog="example: edge-agent compare R1 --display line=123456.789 pressure=401.3 "
        "temperature=15.2 --who 'Li Wei' --reason 'yearly check'",
    )
    compare.add_argument("run", metavar="RUN")
    compare.add_argument("--display", nargs="+", default=[], metavar="NAME=FIGURE",
                         help="line, base, pressure, temperature, c, z")  # fmt: skip
    compare.add_argument("--seconds", default="30", metavar="S",
                         help="how long ago the display was read at most; default 30")  # fmt: skip
    compare.add_argument("--pressure-class", metavar="PERCENT",
                         help="allowed of the absolute pressure; default 0.5")  # fmt: skip
    compare.add_argument("--temperature-class", metavar="PERCENT",
                         help="allowed of the temperature in kelvin; default 0.2")  # fmt: skip
    _add_act(compare, _compare)


def _compare() -> Command:
    from edge_agent.acts.compare_command import run_compare

    return run_compare


def add_meter(commands: Commands[argparse.ArgumentParser]) -> None:
    meter = commands.add_parser(
        "meter",
        help="replace or remove a meter; when verifications are due",
        description="Each of them is recorded in the log with both indexes or the dates.",
        epilog="example: edge-agent meter verify-due R1",
    )
    acts = meter.add_subparsers(required=True, metavar="ACT")
    _add_replace(acts)
    _add_remove(acts)
    _add_due(acts)


def _add_replace(acts: Commands[argparse.ArgumentParser]) -> None:
    replace = acts.add_parser(
        "replace",
        help="another meter in a run: closes the old one's totals, begins the new one's",
        description="Give the old meter's end index and the new one's start index as their "
        "displays show them. Where the old meter still answers all its totals are read, and you "
        "are told when to change it; where it is dead its index counts as typed. gateway.toml gets "
        "the new serial number. Exit status: 0 recorded, 1 not confirmed, 2 it could not be done.",
        epilog="example: edge-agent meter replace R1 --old-index line=123456.789 base=601234.5 "
        "--new-serial 21450377 --new-index 0.012 --who 'Li Wei' --reason 'periodic verification'",
    )
    replace.add_argument("run", metavar="RUN")
    _add_index(replace, "--old-index")
    replace.add_argument("--new-serial", required=True, metavar="SERIAL")
    _add_index(replace, "--new-index")
    replace.add_argument("--by-temporary", action="store_true",
                         help="it stands in while the other is verified")  # fmt: skip
    replace.add_argument("--answers", choices=("old", "new"), default="",
                         help="which one answers now, where their indexes do not tell")  # fmt: skip
    other = "a gateway.toml with the new meter, where its type differs"
    replace.add_argument("--with", dest="other", type=Path, metavar="FILE", help=other)
    replace.add_argument("--old-seal", metavar="NUMBER", default="")
    replace.add_argument("--new-seal", metavar="NUMBER", default="")
    _add_at(replace)
    _add_act(replace, _replace)


def _add_remove(acts: Commands[argparse.ArgumentParser]) -> None:
    remove = acts.add_parser(
        "remove",
        help="a meter is taken out and none comes: its end indexes, and it is polled no longer",
        description="Its totals are read where it answers, else the index counts as typed. The run "
        "and its meter become comments in gateway.toml. Exit status as of replace.",
        epilog="example: edge-agent meter remove R2 --old-index 8812.4 --seal 0047 "
        "--who 'Li Wei' --reason 'customer closed'",
    )
    remove.add_argument("run", metavar="RUN")
    _add_index(remove, "--old-index")
    remove.add_argument("--seal", metavar="NUMBER", default="", help="of the blind")
    remove.add_argument("--keep", action="store_true", help="leave gateway.toml as it is")
    _add_at(remove)
    _add_act(remove, _remove)


def _add_due(acts: Commands[argparse.ArgumentParser]) -> None:
    due = acts.add_parser(
        "verify-due",
        help="list until when verifications and calibrations are good; set a meter's with --until",
        description="Without --until: a list; status 1 where one is over. With it: a record, which "
        "needs RUN, --who and --reason.",
        epilog="example: edge-agent meter verify-due R1 --until 2028-11-30 --certificate 2026-118 "
        "--who 'Li Wei' --reason 'verified by the institute'",
    )
    due.add_argument("run", metavar="RUN", nargs="?", default="")
    due.add_argument("--until", metavar="DATE", default="", help="the last good day, YYYY-MM-DD")
    due.add_argument("--certificate", metavar="NUMBER", default="")
    due.add_argument("--who", metavar="NAME", default="", help="recorded as your own word")
    due.add_argument("--reason", metavar="TEXT", default="")
    add_config(due)
    _add_how(due, _due)


def _due() -> Command:
    from edge_agent.acts.due_command import run_due

    return run_due


def _add_index(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument(name, nargs="+", required=True, metavar="[TOTAL=]M3",
                         help="as on the display; line alone, or line=... base=...")  # fmt: skip


def _add_at(command: argparse.ArgumentParser) -> None:
    command.add_argument("--at", metavar="TIME", default="",
                         help="when, by the site's clock; default now")  # fmt: skip


def _replace() -> Command:
    from edge_agent.acts.meter_command import run_replace

    return run_replace


def _remove() -> Command:
    from edge_agent.acts.meter_command import run_remove

    return run_remove


def add_cal(commands: Commands[argparse.ArgumentParser]) -> None:
    cal = commands.add_parser(
        "cal",
        help="calibrate a pressure or temperature transmitter: as found before as left",
        description="At a terminal each reference value is asked for and the transmitter read. Or "
        "give the points: reference=reading, as the transmitter shows them, kPa or degrees "
        "Celsius; three or more. --begin marks the run as under maintenance first, the "
        "calibration ends that. Exit status: 0 left within its limits, 1 outside or not "
        "confirmed, 2 it could not be done.",
        epilog="example: edge-agent cal pressure R1 --as-found 100=100.1 300=300.4 500=501.9 "
        "--as-left 100=100.0 300=300.1 500=500.2 --reference 'DPI 611' --certificate 2026-77 "
        "--certificate-due 2027-03-31 --ambient 12 --until 2027-11-30 --who 'Li Wei' "
        "--reason 'yearly calibration'",
    )
    cal.add_argument("what", choices=("pressure", "temperature"))
    cal.add_argument("target", metavar="RUN|DEVICE")
    cal.add_argument("--point", metavar="NAME", default="", help="of a device that is no run's")
    cal.add_argument("--gauge", action="store_true", help="that point is a gauge pressure")
    cal.add_argument("--begin", action="store_true", help="only mark the beginning")
    cal.add_argument("--as-found", nargs="+", default=[], metavar="REF=READING")
    cal.add_argument("--as-left", nargs="+", default=[], metavar="REF=READING")
    cal.add_argument("--reference", metavar="NAME", default="", help="the reference instrument")
    cal.add_argument("--certificate", metavar="NUMBER", default="", help="its certificate")
    cal.add_argument("--certificate-due", metavar="DATE", default="", help="good until")
    cal.add_argument("--ambient", metavar="C", default="", help="of the air, degrees Celsius")
    cal.add_argument("--limit", metavar="PERCENT", default="",
                     help="of the absolute pressure (default 0.5), of kelvin (0.2)")  # fmt: skip
    cal.add_argument("--until", metavar="DATE", default="", help="this calibration is good until")
    cal.add_argument("--own-certificate", metavar="NUMBER", default="", help="of this calibration")
    _add_act(cal, _cal)


def add_regulator(commands: Commands[argparse.ArgumentParser]) -> None:
    regulator = commands.add_parser(
        "regulator",
        help="record a regulator's set values, as found and as left",
        description="In kPa gauge: working.supply, working.slam_shut, working.relief, and "
        "standby.* of a dual run. At a terminal they are asked for. Exit status: 0 as it should "
        "be, 1 not so (recorded), or not confirmed, 2 it could not be done.",
        epilog="example: edge-agent regulator PR1 --as-found working.supply=21.3 standby.supply=16 "
        "--as-left working.supply=20.0 --lock-up working=21.5 --bypass-seal 0047 --who 'Li Wei' "
        "--reason 'yearly service'",
    )
    regulator.add_argument("regulator", metavar="REGULATOR")
    regulator.add_argument("--as-found", nargs="+", default=[], metavar="NAME=KPA")
    regulator.add_argument("--as-left", nargs="+", default=[], metavar="NAME=KPA")
    regulator.add_argument(
        "--lock-up", nargs="+", default=[], metavar="SIDE=KPA", help="working=, standby="
    )
    regulator.add_argument("--bypass-seal", metavar="NUMBER", default="")
    regulator.add_argument("--change-config", action="store_true",
                           help="gateway.toml gets the supply pressures that are left")  # fmt: skip
    _add_act(regulator, _set_regulator)


def _cal() -> Command:
    from edge_agent.acts.calibration_command import run_cal

    return run_cal


def _set_regulator() -> Command:
    from edge_agent.acts.regulator_command import run_regulator

    return run_regulator


def _add_act(command: argparse.ArgumentParser, found: Callable[[], Command]) -> None:
    """What all acts have."""
    add_config(command)
    add_person(command)
    _add_how(command, found)


def _add_how(command: argparse.ArgumentParser, found: Callable[[], Command]) -> None:
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument("--json", action="store_true", help="one JSON object, for a program")
    command.set_defaults(command=lambda options: _run(options, found))


def _run(options: argparse.Namespace, found: Callable[[], Command]) -> int:
    import os

    from edge_agent.acts.act import asking_of, guarded
    from edge_agent.language import load_words
    from edge_agent.terminal import is_chinese

    config = load(options.config)
    if config is None:
        return COULD_NOT
    words = load_words("edge_agent.acts", chinese=is_chinese(os.environ))
    asking = asking_of(options, words)
    return guarded(lambda: found()(config, options, asking), asking)
