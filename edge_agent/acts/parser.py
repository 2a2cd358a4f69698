"""The arguments of what people do on site: compare, meter, cal, regulator."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_agent.console import COULD_NOT, add_config, load

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


def _add_act(command: argparse.ArgumentParser, found: Callable[[], Command]) -> None:
    """What all acts have."""
    add_config(command)
    command.add_argument("--who", required=True, metavar="NAME", help="recorded as your own word")
    command.add_argument("--reason", required=True, metavar="TEXT")
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
    return guarded(lambda: found()(config, options, asking_of(options, words)))
