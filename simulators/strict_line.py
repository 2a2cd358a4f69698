"""A strict, measuring serial line in a process of its own, to try masters on.

    with StrictLine(directory / "port", LineOptions(9600, units=range(1, 25))) as line:
        ...  # any master on line.path: functions 3 and 4, each register shows its own address
    line.report.utilisation, line.report.violations

A line measures one master: make a new one for each.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.modbus.frames import FrameError, answer_pdu, exception_pdu, parse_read_request
from simulators.framing import RTU, plain
from simulators.line_meter import LineReport, Spread
from simulators.register_image import ILLEGAL_FUNCTION
from simulators.rtu_line import BITS_PER_CHAR, LineTiming, RtuLine

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection

    from simulators.framing import Respond

_END_S: Final = 10.0
_NS_PER_MS: Final = 1_000_000


class LineOptions(NamedTuple):
    """A line to measure on. The limit knows no turnaround; other units than `units` are silent."""

    baud: int
    units: Collection[int] = (1,)
    bits_per_char: int = BITS_PER_CHAR
    turnaround_ms: float = 0.0


class LineFailedError(Exception):
    """The line's process did not start, or did not end well; its own words are on stderr."""


class StrictLine:
    """Use as a context; `report` is there at its end."""

    report: LineReport

    def __init__(self, path: Path, options: LineOptions) -> None:
        self.path = path
        program = Path(sys.executable).parent / "edge-sim"
        self._command = [
            str(program), "line", "--pty", str(path), "--baud", str(options.baud),
            "--units", ",".join(map(str, options.units)), "--bits", str(options.bits_per_char),
            "--turnaround-ms", str(options.turnaround_ms),
        ]  # fmt: skip

    def __enter__(self) -> StrictLine:
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        if not self._process.stdout or not self._process.stdout.readline().strip():
            self._process.communicate(timeout=_END_S)
            raise LineFailedError(f"{' '.join(self._command)} did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            printed, _unused = self._process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        if self._process.returncode:
            raise LineFailedError(f"the line ended with status {self._process.returncode}")
        self.report = parse_report(printed)


def open_line(path: Path, options: LineOptions, stop: threading.Event) -> RtuLine:
    """The line, ready to start in this process, which does nothing else.

    It runs before others where it may: its lateness would be taken for its master's.
    """
    gc.disable()  # a collection takes longer than a character
    with contextlib.suppress(PermissionError):  # the report says how late it was either way
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    timing = LineTiming(options.bits_per_char, int(options.turnaround_ms * _NS_PER_MS), strict=True)
    return RtuLine(path, plain(RTU, addresses(options.units)), options.baud, stop, timing)


def addresses(units: Collection[int]) -> Respond:
    """Devices whose every register shows its own address."""

    def answer(unit: int, pdu: bytes) -> bytes | None:
        if unit not in units or not pdu:
            return None
        try:
            request = parse_read_request(unit, pdu)
        except FrameError:
            return exception_pdu(pdu[0] & 0x7F, ILLEGAL_FUNCTION)
        return answer_pdu(request.function, range(request.address, request.address + request.count))

    return answer


def print_report(report: LineReport) -> str:
    """As one line of JSON."""
    spreads = {name: value._asdict() for name, value in _spreads(report).items()}
    return json.dumps({**report._asdict(), **spreads})


def parse_report(text: str) -> LineReport:
    """The inverse of `print_report`."""
    fields = json.loads(text)
    spreads = {name: Spread(**value) for name, value in fields.items() if isinstance(value, dict)}
    return LineReport(**{**fields, **spreads})


def _spreads(report: LineReport) -> dict[str, Spread]:
    return {name: item for name, item in report._asdict().items() if isinstance(item, Spread)}
