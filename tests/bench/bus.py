"""The bus: how much of a serial line a master uses, and what a poll over TCP costs.

The line is the simulator's strict one: it refuses gaps under 3.5 characters and measures by itself.
Its limit is the wire's: request, 3.5 characters, answer, 3.5 characters, no turnaround.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from simulators.line_meter import LineReport
from simulators.strict_line import LineOptions, StrictLine
from tests.bench.bus_cpu import VALUES, CpuCost
from tests.bench.bus_cpu import measure as measure_cpu
from tests.bench.bus_masters import MASTERS

GOALS: Final = {9600: 0.99, 19200: 0.98, 115200: 0.94}
CPU_GOAL: Final = 1.5
SECONDS: Final = 8.0
_SOURCE: Final = Path(__file__).with_name("libmodbus_master.c")


class Used(NamedTuple):
    """One master on one line, as the line saw it."""

    master: str
    baud: int
    report: LineReport


def main() -> None:
    """Measure everything, then print it."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        masters = {master: _python(master) for master in MASTERS}
        binary, why_not = _libmodbus(directory)
        if binary:
            masters["libmodbus"] = [str(binary)]
        used = list(_measure(masters, directory))
    _print_line(used, why_not)
    _print_cpu(measure_cpu())


def _python(master: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.bus_masters", master]


def _libmodbus(directory: Path) -> tuple[Path | None, str]:
    """Its program, or why there is none."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return None, "libmodbus: not measured, there is no gcc"
    binary = directory / "libmodbus_master"
    made = subprocess.run(
        [compiler, "-O2", "-I/usr/include/modbus", "-o", str(binary), str(_SOURCE), "-lmodbus"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        return None, "libmodbus: not measured, install Debian's libmodbus-dev"
    return binary, ""


def _measure(masters: dict[str, list[str]], directory: Path) -> Iterator[Used]:
    for baud in GOALS:
        for master, command in masters.items():
            path = directory / f"{master}-{baud}"
            with StrictLine(path, LineOptions(baud)) as line:
                subprocess.run(
                    [*command, str(path), str(baud), str(SECONDS)],
                    check=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # some tell of each answer that they lost
                    timeout=10 * SECONDS,
                )
            yield Used(master, baud, line.report)


def _print_line(used: list[Used], why_not: str) -> None:
    print("A strict line, 8N1, 60 registers a request, no turnaround; polls of the wire's limit.\n")
    row = "{:15} {:>6} {:>9} {:>8} {:>8} {:>10} {:>8} {:>8}"
    heads = ("polls/s", "of limit", "goal", "violations", "damaged", "gap, ch.")
    print(row.format("master", "baud", *heads))
    for master, baud, report in used:
        goal = f"{100 * GOALS[baud]:.0f} %" if master == "agent" else ""
        print(
            row.format(
                master,
                baud,
                f"{report.polls_s:.2f}",
                f"{100 * report.utilisation:.1f} %",
                goal,
                report.violations,
                report.damaged,
                f"{report.gap_chars.median:.2f}",
            )
        )
    if why_not:
        print(why_not)
    own = 100 * max(one.report.own_error for one in used)
    late_ms = max(one.report.pty_us.p99 for one in used) / 1000
    print(
        f"\nThe line's own lateness is in these figures, at most {own:.1f} % of the time. It keeps"
        " one core busy:\nmeasure on a quiet machine with two. In the worst run a pty took"
        f" {late_ms:.2f} ms to pass a byte on\n(99 of 100 cases); with a core to spare it is 0.1."
    )


def _print_cpu(cost: CpuCost) -> None:
    print(
        f"\nCPU of a poll over TCP, 60 registers, {VALUES} float32: ours, from plan to scan,"
        f" {cost.ours_us:.0f} us ({cost.ours_us / VALUES:.1f} us a value);\nbare pymodbus, its"
        f" synchronous client's request alone, {cost.pymodbus_us:.0f} us;"
        f" ratio {cost.ratio:.2f} (goal: at most {CPU_GOAL})."
    )


if __name__ == "__main__":
    main()
