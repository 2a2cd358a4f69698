"""`edge-agent convert` as a process in a pipe, and the bounds of a line."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from edge_agent.commands.convert import convert_lines
from protocols.metering.request_object import MAX_BYTES

COMMAND = [sys.executable, "-m", "edge_agent.cli", "convert"]
REQUEST = (
    '{"method": "SGERG-88", "Tb_K": 293.15, "Pb_kPa": 101.325, "P_kPa_abs": 451.111, '
    '"T_K": 277.47, "Vm_m3": 0.183, "Hs_25_0_MJ_m3": 40.66, "d_0": 0.581, "x_CO2": 0.006, '
    '"x_H2": 0}'
)


def answers(stdin: bytes) -> list[dict[str, object]]:
    sink = io.StringIO()
    convert_lines(io.BytesIO(stdin), sink)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_a_pipe_is_answered_line_by_line() -> None:
    """The answer to a line is there before the next line is sent; the end of input is status 0."""
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for vm in (1.0, 2.0):
            process.stdin.write(REQUEST.replace("0.183", f"{vm}") + "\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline())
            assert told["Vb_m3"] == vm * told["C"]
        process.stdin.close()
        assert process.stdout.read() == ""
        assert process.wait() == 0


def test_nobody_reads_on() -> None:
    """A broken pipe ends the command quietly: no traceback, status 0."""
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _none, told = process.communicate((REQUEST + "\n") * 3)
        assert told == ""
        assert process.returncode == 0


def test_an_error_is_an_answer() -> None:
    """Every line has its answer, a faulty or empty one too, and the last without a newline."""
    found = answers(b"{}\n\n" + REQUEST.encode() + b"\r\n\xff\n" + REQUEST.encode())
    assert [sorted(each) for each in found] == [
        ["error", "field"], ["error", "field"], ["C", "K", "Vb_m3", "Z", "Zb"],
        ["error", "field"], ["C", "K", "Vb_m3", "Z", "Zb"],
    ]  # fmt: skip


@pytest.mark.parametrize("extra", [1, 2, MAX_BYTES, 3 * MAX_BYTES])
def test_a_line_too_long_is_one_error(extra: int) -> None:
    """Beyond 64 KiB a line is one error however long it is; the next line is read as ever."""
    padded = REQUEST.encode().ljust(MAX_BYTES + extra)
    found = answers(padded + b"\n" + REQUEST.encode() + b"\n")
    assert [sorted(each)[-1] for each in found] == ["field", "Zb"]
    assert "longer than 65536 bytes" in str(found[0]["error"])


def test_a_line_of_just_the_bound() -> None:
    """64 KiB with their newline are a request; so are they at the end of the input."""
    padded = REQUEST.encode().ljust(MAX_BYTES)
    assert ["Z" in each for each in answers(padded + b"\n" + padded)] == [True, True]
    assert answers(b"") == []
