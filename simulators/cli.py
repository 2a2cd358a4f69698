"""`edge-sim`: instruments, a plant, and the demo."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from simulators.failure import DemoError
from simulators.plant_process import (
    PlantError,
    PlantOptions,
    read_books,
    run_plant,
    stop_at_signals,
)
from simulators.serve import ServeError, ServeOptions, run_serve

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    commands = {
        "plant": _plant, "books": _books, "demo": _demo, "line": _line, "serve": _serve,
    }  # fmt: skip
    command = commands[arguments.command]
    try:
        return command(arguments)
    except (DemoError, PlantError, ServeError) as error:
        print(f"edge-sim: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-sim", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    plant = commands.add_parser("plant", help="serve simulated instruments until a signal")
    plant.add_argument("--dir", type=Path, required=True, help="ports, plant.json, books.json")
    plant.add_argument("--seed", type=int, default=1)
    plant.add_argument("--day-seconds", type=float, default=900.0, help="a day of the load curve")
    plant.add_argument("--tcp-port", type=int, default=0, help="0: any free port")
    books = commands.add_parser("books", help="print the books of a plant as JSON")
    books.add_argument("--dir", type=Path, required=True)
    commands.add_parser("demo", help="plant, central and agent together (DEMO_SECONDS, DEMO_DIR)")
    line = commands.add_parser("line", help="a strict serial line that measures its master")
    line.add_argument("--pty", type=Path, required=True, help="where its port shall stand")
    line.add_argument("--baud", type=int, default=9600)
    line.add_argument("--units", type=_units, default=(1,), help="who answers: 1,2,3")
    line.add_argument("--bits", type=int, choices=(10, 11, 12), default=10, help="a character")
    line.add_argument("--turnaround-ms", type=float, default=0.0)
    _add_serve(commands.add_parser("serve", help="one device of any profile until a signal"))
    return parser


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("profile", help="the id of a packaged profile, or the path of a .toml file")
    where = serve.add_mutually_exclusive_group()
    where.add_argument("--tcp", type=int, default=0, metavar="PORT", help="0: any free port")
    where.add_argument("--pty", type=Path, metavar="PATH", help="a paced serial line instead")
    serve.add_argument("--baud", type=int, default=9600)
    serve.add_argument("--framing", choices=("rtu", "ascii", "tcp"), default="")
    serve.add_argument("--unit", type=int, default=1)
    serve.add_argument("--values", type=Path, metavar="FILE", help="what the points show, as TOML")
    serve.add_argument("--faults", default="", metavar="SPEC", help="late=0.01:300ms,busy=20s/5s")
    serve.add_argument("--seed", type=int, default=1)


def _units(text: str) -> tuple[int, ...]:
    return tuple(int(unit) for unit in text.split(","))


def _plant(arguments: argparse.Namespace) -> int:
    if not 60.0 <= arguments.day_seconds <= 86_400.0:
        raise PlantError(f"--day-seconds {arguments.day_seconds}: must be 60..86400")
    stop = threading.Event()
    stop_at_signals(stop)
    options = PlantOptions(arguments.seed, arguments.day_seconds, arguments.tcp_port)
    run_plant(arguments.dir, options, stop)
    return 0


def _books(arguments: argparse.Namespace) -> int:
    print(json.dumps(read_books(arguments.dir), indent=2))
    return 0


def _demo(_: argparse.Namespace) -> int:
    # Imported late: the plant needs neither certificates nor child processes.
    from simulators.demo import DemoOptions, run_demo

    return run_demo(DemoOptions.from_environment(os.environ))


def _line(arguments: argparse.Namespace) -> int:
    # Imported late: only this command wants its process for itself.
    from simulators.strict_line import LineOptions, open_line, print_report

    stop = threading.Event()
    stop_at_signals(stop)
    options = LineOptions(arguments.baud, arguments.units, arguments.bits, arguments.turnaround_ms)
    try:
        line = open_line(arguments.pty, options, stop)
    except OSError as error:
        raise PlantError(f"cannot make {arguments.pty}: {error}; choose another --pty") from error
    line.start()
    print(arguments.pty, flush=True)
    line.join()
    print(print_report(line.report()))
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    stop = threading.Event()
    stop_at_signals(stop)
    options = ServeOptions(
        arguments.profile, arguments.tcp, arguments.pty, arguments.baud, arguments.framing,
        arguments.unit, arguments.values, arguments.faults, arguments.seed,
    )  # fmt: skip
    run_serve(options, stop, lambda where: print(where, flush=True))
    return 0
