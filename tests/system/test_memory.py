"""The agent's memory with eight runs: what it takes, and that it does not grow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from edge_agent.config.file import load_config
from edge_agent.control.client import Conversation, ask_agent
from edge_agent.control.protocol import Call
from edge_agent.journal.draft import Salts
from edge_agent.keys.keys import Keys, create_keys
from edge_agent.status.model import Snapshot, snapshot_of
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, VERSION, new_journal, wait_until
from tests.edge_agent.test_agent import agent
from tests.edge_agent.tls_central import serving
from tests.system.eight_runs import ForgetfulCentral, eight_runs_toml, rss_kb, served_instruments
from tests.system.memory_month import EightRuns, TurnedRecorder

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


class Running(NamedTuple):
    """A real agent, and the central that it sends to."""

    child: subprocess.Popen[str]
    central: ForgetfulCentral
    sockets: Path

    def rss_kb(self) -> int:
        return rss_kb(self.child.pid)

    def looks(self, times: int) -> Snapshot:
        """By one connection: the log has a line for each. The last one."""
        with Conversation(self.sockets / "read.sock") as conversation:
            asked = [conversation.ask(Call("status")) for _ in range(times)]
        return snapshot_of(asked[-1])

    def waits_for_backlog(self, leaves: int, timeout_s: float) -> bool:
        """So many of telemetry have no receipt."""
        with Conversation(self.sockets / "read.sock") as conversation:
            return wait_until(
                lambda: (
                    snapshot_of(conversation.ask(Call("status"))).journal.unsent["telemetry"]
                    > leaves
                ),
                timeout_s,
            )

    def waits_for(self, leaves: int, timeout_s: float) -> bool:
        """Central holds so many of telemetry."""
        return wait_until(lambda: self.central.size(Log.TELEMETRY) > leaves, timeout_s)


@contextmanager
def running(
    directory: Path, poll_s: float, prepare: Callable[[Path, Keys], None] | None = None
) -> Iterator[Running]:
    """Eight runs that poll real sockets; ends in order, with intervals at central.

    `prepare` gets the configuration's path and the keys, before the agent starts.
    """
    keys = create_keys(directory / "state", GATEWAY, os.urandom)
    central = ForgetfulCentral(keys.signer.verifier)
    with serving(directory, central), served_instruments() as port:
        path = directory / "gateway.toml"
        path.write_text(eight_runs_toml(poll_s, 6, 1.0, port, central.url), encoding="utf-8")
        if prepare is not None:
            prepare(path, keys)
        with agent(path) as child:
            yield Running(child, central, directory / "state" / "control")
            child.send_signal(signal.SIGTERM)
            _, told = child.communicate(timeout=60)
        assert child.returncode == 0, told
    assert central.size(Log.BILLING) > 8


def damaged_backlog(path: Path, keys: Keys) -> None:
    """Some 8,700 leaves without a receipt, in a journal whose header is gone."""
    config = load_config(path)
    journal, polls = new_journal(config), EightRuns(config, 10)
    memory = journal.load(GATEWAY, BOOT_ID, 0)
    salts = Salts(GATEWAY, keys.salt_secret)
    recorder = TurnedRecorder(journal, memory, config, salts, polls.clock, VERSION)
    assert recorder.begin()
    for _ in range(360):
        assert all(recorder.deliver(scan) for scan in polls.round())
        assert recorder.turn()
    journal.close()
    with journal.path.open("r+b") as file:
        file.write(bytes(64))


def process(directory: Path, poll_s: float, rounds: int) -> tuple[int, int]:
    """The memory of a real agent that polls real sockets: after warm-up, and at its end, in kB."""
    size = 24 * rounds
    with running(directory, poll_s) as site:
        assert site.waits_for(size // 2, START_S + rounds)
        warm = site.rss_kb()
        assert site.waits_for(size, START_S + rounds)
        assert {run.quality for run in site.looks(1).runs} == {"good"}
        return warm, site.rss_kb()


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


@pytest.mark.long
def test_an_outage_of_central_and_looks_at_the_agent_leave_no_more(tmp_path: Path) -> None:
    """A backlog of 8,192 leaves is sent as fast as central takes it, then 1,000 looks at it all."""
    with running(tmp_path, 0.25) as site:
        assert site.waits_for(24 * 30, 2 * START_S)
        site.central.is_away = True
        assert site.waits_for_backlog(8_192, 10 * START_S)
        during = site.rss_kb()
        site.central.is_away = False
        ask_agent(site.sockets / "act.sock", Call("flush"))
        assert site.waits_for(24 * 30 + 8_192, 5 * START_S)
        after = site.rss_kb()
        site.looks(1_000)
        last = site.rss_kb()
    print(f"eight runs, an outage: {during} kB, sent: {after} kB, 1000 looks: {last} kB")
    assert max(during, after, last) < MOST_KB


@pytest.mark.long
def test_a_salvaged_journal_leaves_no_more(tmp_path: Path) -> None:
    """8,600 leaves are read out of it, appended again in a new epoch, and sent."""
    with running(tmp_path, 1.0, damaged_backlog) as site:
        assert wait_until(lambda: site.central.epoch == 1, 4 * START_S)
        assert site.waits_for(8_640, 4 * START_S)
        last = site.rss_kb()
    print(f"eight runs, a salvage: {last} kB")
    assert last < MOST_KB + MOST_GROWTH_KB  # which the heap gives back within a minute
