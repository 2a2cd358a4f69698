"""The agent's memory with eight runs: what it takes, and that it does not grow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.control.client import ask_agent
from edge_agent.control.protocol import Call
from edge_agent.keys.keys import create_keys
from edge_agent.status.model import snapshot_of
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import GATEWAY, wait_until
from tests.edge_agent.test_agent import agent
from tests.edge_agent.tls_central import serving
from tests.system.eight_runs import ForgetfulCentral, eight_runs_toml, rss_kb, served_instruments

pytestmark = pytest.mark.uncovered

MOST_KB = 55_000
MOST_GROWTH_KB = 1_000
START_S = 60.0


def simulated(directory: Path, times: int, hours: int, poll_s: int, timeout_s: float) -> list[int]:
    """The memory after each stretch of so many hours, in kB."""
    figures = (str(each) for each in (times, hours, poll_s))
    command = [sys.executable, "-m", "tests.system.memory_month", directory, *figures]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout_s, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return [int(line) for line in done.stdout.split()]


def process(directory: Path, poll_s: float, rounds: int) -> tuple[int, int]:
    """The memory of a real agent that polls real sockets: after warm-up, and at its end, in kB."""
    keys = create_keys(directory / "state", GATEWAY, os.urandom)
    central = ForgetfulCentral(keys.signer.verifier)
    with serving(directory, central), served_instruments() as port:
        path = directory / "gateway.toml"
        path.write_text(eight_runs_toml(poll_s, 6, 1.0, port, central.url), encoding="utf-8")
        with agent(path) as child:
            size = 24 * rounds
            assert wait_until(lambda: central.size(Log.TELEMETRY) > size // 2, START_S + rounds)
            warm = rss_kb(child.pid)
            assert wait_until(lambda: central.size(Log.TELEMETRY) > size, START_S + rounds)
            asked = ask_agent(directory / "state" / "control" / "read.sock", Call("status"))
            assert {run.quality for run in snapshot_of(asked).runs} == {"good"}
            last = rss_kb(child.pid)
            child.send_signal(signal.SIGTERM)
            _, told = child.communicate(timeout=60)
        assert child.returncode == 0, told
    assert central.size(Log.BILLING) > 8
    return warm, last


def test_a_real_process_with_eight_runs(tmp_path: Path) -> None:
    """24 instruments, eight conversions a round, TLS to central, and a look at it: below 55 MB."""
    _, last = process(tmp_path, 0.5, 12)
    print(f"eight runs, a process: {last} kB")
    assert last < MOST_KB


def test_hours_take_no_more_than_the_first_ones(tmp_path: Path) -> None:
    """The short form: eight hours, a poll each five minutes; a leak of 1 kB a scan would show."""
    found = simulated(tmp_path, 4, 2, 300, 120)
    assert max(found[2:]) - found[1] < MOST_GROWTH_KB, found


@pytest.mark.long
def test_a_simulated_month_takes_no_more_than_its_second_day(tmp_path: Path) -> None:
    """A poll each two minutes, 576 receipts a day, each tenth request without an answer."""
    found = simulated(tmp_path, 30, 24, 120, 3000)
    print(f"eight runs, a simulated month, kB at each day's end: {found}")
    assert max(found[2:]) - found[1] < MOST_GROWTH_KB


@pytest.mark.long
def test_a_real_process_does_not_grow(tmp_path: Path) -> None:
    """1,000 rounds at ten times the usual pace: almost three hours of a site's polls."""
    warm, last = process(tmp_path, 0.25, 1000)
    print(f"eight runs, a process, 500 rounds: {warm} kB, 1000 rounds: {last} kB")
    assert last < MOST_KB
    assert last - warm < MOST_GROWTH_KB
