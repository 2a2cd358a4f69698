"""The agent's clock on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_agent.clock import (
    EARLIEST_UTC_MS,
    LATEST_UTC_MS,
    Clock,
    both_ms,
    clock_state,
    discipline,
    judge,
    mono_ms,
)
from protocols.metering.instant import ClockState


def test_now_is_boot_time_and_utc() -> None:
    """Milliseconds of both clocks, and the boot's number."""
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    instant = Clock(7).now()
    assert instant.boot_no == 7
    assert before <= instant.mono_ms <= mono_ms()
    assert instant.utc_ms is not None
    assert abs(instant.utc_ms - time.time_ns() // 1_000_000) < 1_000


def test_a_clock_that_was_never_set_is_no_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 2025 it shows 1970 or the day of the image."""
    monkeypatch.setattr(time, "time_ns", lambda: (EARLIEST_UTC_MS - 1) * 1_000_000)
    assert Clock(0).now().utc_ms is None
    monkeypatch.setattr(time, "time_ns", lambda: EARLIEST_UTC_MS * 1_000_000)
    assert Clock(0).now().utc_ms == EARLIEST_UTC_MS


def test_the_kernel_tells_its_state() -> None:
    """Without root; a container shares its host's."""
    assert clock_state() in (ClockState.SYNCHRONISED, ClockState.UNSYNCHRONISED)


def test_a_clock_of_another_century_is_no_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A battery that fails may leave any date."""
    monkeypatch.setattr(time, "time_ns", lambda: (LATEST_UTC_MS + 1) * 1_000_000)
    assert Clock(0).now().utc_ms is None


@pytest.mark.parametrize(
    ("state", "status", "judged"),
    [
        (-1, 0, ClockState.UNKNOWN),
        (0, 0x0001, ClockState.SYNCHRONISED),  # TIME_OK, STA_PLL
        (0, 0x2001, ClockState.SYNCHRONISED),  # STA_NANO
        (1, 0x0011, ClockState.SYNCHRONISED),  # TIME_INS, STA_INS: announced for tonight
        (2, 0x0021, ClockState.SYNCHRONISED),  # TIME_DEL, STA_DEL
        (3, 0x0011, ClockState.UNSYNCHRONISED),  # TIME_OOP: UTC shows this second twice
        (4, 0x0011, ClockState.SYNCHRONISED),  # TIME_WAIT: it is over
        (5, 0x0040, ClockState.UNSYNCHRONISED),  # TIME_ERROR, STA_UNSYNC
        (5, 0x0001, ClockState.UNSYNCHRONISED),
        (0, 0x0041, ClockState.UNSYNCHRONISED),
    ],
)
def test_what_the_kernel_says_is_judged(state: int, status: int, judged: ClockState) -> None:
    """adjtimex(2): its result and its status bits."""
    assert judge(state, status) == judged


def test_both_clocks_are_of_one_moment() -> None:
    """A thread that is put aside between the two readings reads again, a few times at most."""
    mono = iter([0, 90, 180, 183])
    wall = iter([1000, 1090, 1180])
    assert both_ms(lambda: next(mono), lambda: next(wall)) == (183, 1180)
    slow = iter(range(0, 10_000, 100))
    assert both_ms(lambda: next(slow), lambda: 7) == (400, 7)


FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
SHOW = """
import sys
from edge_agent.clock import Clock
clock = Clock(0)
for line in sys.stdin:
    instant = clock.now()
    print(instant.mono_ms, instant.utc_ms, flush=True)
"""


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed (apt: faketime)")
def test_a_real_process_whose_wall_clock_steps(tmp_path: Path) -> None:
    """Forward by a year, back by two, to 1970: UTC follows, the time since boot only goes on."""
    steps = tmp_path / "step"
    environment = os.environ | {
        "LD_PRELOAD": str(FAKETIME),
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_TIMESTAMP_FILE": str(steps),
        "FAKETIME_NO_CACHE": "1",
    }
    steps.write_text("+0")
    with subprocess.Popen(
        [sys.executable, "-c", SHOW],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        found = []
        for step in ("+0", "+1y", "-1y", "@1970-01-02 00:00:00"):
            steps.write_text(step)
            process.stdin.write("\n")
            process.stdin.flush()
            mono, utc = process.stdout.readline().split()
            found.append((int(mono), None if utc == "None" else int(utc)))
    monos = [mono for mono, _ in found]
    assert monos == sorted(monos)
    assert monos[-1] - monos[0] < 60_000
    begin = found[0][1]
    assert begin is not None
    year_ms = 365 * 86_400_000
    shifts = [None if utc is None else round((utc - begin) / year_ms) for _, utc in found]
    assert shifts == [0, 1, -1, None]


@pytest.mark.skipif(os.geteuid() != 0, reason="a time namespace needs root")
def test_a_suspended_machine_goes_on_counting() -> None:
    """In a time namespace whose boot clock is ahead, as after a night of suspend."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed")
    begin = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    result = subprocess.run(
        [unshare, "-T", "--boottime", "30000", "--", sys.executable, "-c", SHOW],
        input="\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if result.returncode != 0 and "unshare" in result.stderr:
        pytest.skip(f"no time namespace here: {result.stderr.strip()}")
    assert int(result.stdout.split()[0]) - begin >= 30_000_000


def test_the_kernels_figures_fit_what_it_says_of_the_state() -> None:
    """One call tells both; the errors are those that whoever steers it claims, never negative."""
    found = discipline()
    assert found.state == clock_state()
    assert abs(found.frequency_ppm) <= 500  # adjtimex(2)
    assert found.max_error_us >= 0
    assert found.estimated_error_us >= 0
    assert -10 < found.tai_s < 100
