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
from simulators.frames_check import check_block
from simulators.plant_process import (
    PlantError,
    PlantOptions,
    read_books,
    run_plant,
    stop_at_signals,
)
from simulators.serve import (
    Place,
    ServeError,
    ServeOptions,
    open_device,
    open_frames,
    read_frames,
    run_bus,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    commands = {
        "plant": _plant, "books": _books, "demo": _demo, "line": _line, "serve": _serve,
        "frames": _frames,
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
    plant.add_argument(
        "--faults", action="append", default=[], metavar="BUS:SPEC", help="lan:late=0.01:300ms"
    )
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
    _add_frames(commands.add_parser("frames", help="answer as it was captured, or decode it"))
    return parser


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("profile", help="the id of a packaged profile, or the path of a .toml file")
    _add_place(serve)
    serve.add_argument("--unit", type=int, default=1)
    serve.add_argument("--values", type=Path, metavar="FILE", help="what the points show, as TOML")
    serve.add_argument("--faults", default="", metavar="SPEC", help="late=0.01:300ms,busy=20s/5s")
    serve.add_argument("--seed", type=int, default=1)


def _add_frames(frames: argparse.ArgumentParser) -> None:
    frames.add_argument("file", type=Path, help="requests and answers in hexadecimal")
    _add_place(frames)
    frames.add_argument("--check", action="store_true", help="decode and compare, serve nothing")
    frames.add_argument("--profile", default="", help="for --check, where the file names none")


def _add_place(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--tcp", type=int, default=0, metavar="PORT", help="0: any free port")
    where.add_argument("--pty", type=Path, metavar="PATH", help="a paced serial line instead")
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument("--framing", choices=("rtu", "ascii", "tcp"), default="")


def _place(arguments: argparse.Namespace) -> Place:
    return Place(arguments.tcp, arguments.pty, arguments.baud, arguments.framing)


def _units(text: str) -> tuple[int, ...]:
    return tuple(int(unit) for unit in text.split(","))


def _plant(arguments: argparse.Namespace) -> int:
    if not 60.0 <= arguments.day_seconds <= 86_400.0:
        raise PlantError(f"--day-seconds {arguments.day_seconds}: must be 60..86400")
    stop = threading.Event()
    stop_at_signals(stop)
    faults = dict(text.partition(":")[::2] for text in arguments.faults)
    options = PlantOptions(arguments.seed, arguments.day_seconds, arguments.tcp_port, faults)
    run_plant(arguments.dir, options, stop, lambda line: print(line, flush=True))
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
        arguments.profile, arguments.unit, arguments.values, arguments.faults, arguments.seed
    )
    bus = open_device(options, _place(arguments), stop)
    run_bus(bus, stop, lambda where: print(where, flush=True))
    return 0


def _frames(arguments: argparse.Namespace) -> int:
    if arguments.check:
        return _check_frames(arguments)
    stop = threading.Event()
    stop_at_signals(stop)
    bus = open_frames(arguments.file, _place(arguments), stop)
    run_bus(bus, stop, lambda where: print(where, flush=True))
    return 0


def _check_frames(arguments: argparse.Namespace) -> int:
    """Status 0 where every block decodes to what was printed beside it."""
    checked = [check_block(block, arguments.profile) for block in read_frames(arguments.file)]
    for one in checked:
        print(f"line {one.block.line}: {one.block.source or 'no source'}")
        for shown in one.shown:
            beside = f"    printed {shown.printed}" if shown.printed else ""
            print(f"  {' ' if shown.agrees else '!'} {shown.name} = {shown.decoded}{beside}")
        if one.fault:
            print(f"  ! {one.fault}")
    bad = sum(not one.is_good for one in checked)
    print(f"{len(checked)} blocks, {bad} of them not as printed")
    return 1 if bad or not checked else 0
