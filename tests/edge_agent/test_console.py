"""What all commands share: a terminal of any kind, and an end by whoever reads."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import pytest

from edge_agent.console import GOOD, INTERRUPTED, bounded, fit_streams, show
from tests.terminal.terminal import printed

FULL = "sys.exit(bounded(lambda: show('found')))"
DEGREES = "import sys; from edge_agent.console import *; sys.exit(bounded(lambda: show({!r}) or 0))"


def test_what_a_stream_has_no_character_for_is_told_in_ascii(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A unit of a profile never ends a command; what nobody can spell is a question mark."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="latin-1"))
    fit_streams()
    show("14.07 °C, 3 m³/h, 锅炉房")
    assert written.getvalue() == b"14.07 \xb0C, 3 m\xb3/h, ???\n"
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    fit_streams()
    show("14.07 °C, 3 m³/h: 120 Ω")
    assert written.getvalue().splitlines()[1] == b"14.07 degC, 3 m3/h: 120 ohm"


def test_a_terminal_of_locale_c_gets_ascii() -> None:
    """Though Python itself would write UTF-8 there (PEP 540)."""
    done = printed([sys.executable, "-c", DEGREES.format("14.07 °C")], environment={"LC_ALL": "C"})
    assert (done.status, done.text) == (0, "14.07 degC")


def test_a_file_in_locale_c_stays_utf_8() -> None:
    """A CSV is the same on each machine."""
    done = subprocess.run(
        [sys.executable, "-c", DEGREES.format("14.07 °C")],
        env=os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": ""},
        capture_output=True,
        check=True,
    )
    assert done.stdout == "14.07 °C\n".encode()


def test_who_reads_no_further_is_no_failure() -> None:
    """`| head -1`: no traceback and no complaint, whether it is noticed by the command or later."""
    for body in ("print('x' * 200_000)", "print('x', flush=True), print('x', flush=True)"):
        code = f"import sys; from edge_agent.console import *; bounded(lambda: ({body}) and 0)"
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run([sys.executable, "-c", code], stdout=write_end, stderr=-1, timeout=30)
        os.close(write_end)
        assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_behind_the_output_is_told() -> None:
    """It could not be done, and says why; whatever the command makes of failures of its own."""
    code = f"import sys; from edge_agent.console import *; {FULL}"
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=-1, timeout=30)
    told = b"edge-agent: standard output: No space left on device; look at the disk\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_another_broken_pipe_is_not_taken_for_that(capfd: pytest.CaptureFixture[str]) -> None:
    """A socket whose other end is gone is a failure of the command."""

    def fails() -> int:
        raise BrokenPipeError("a socket")

    with pytest.raises(BrokenPipeError, match="a socket"):
        bounded(fails)


def test_ctrl_c_ends_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """With the status that a shell gives it."""

    def pressed() -> int:
        signal.raise_signal(signal.SIGINT)
        return GOOD

    assert bounded(pressed) == INTERRUPTED
    assert capsys.readouterr().err == ""
