"""Agents one after the other in a process, each with the configuration in force then."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from edge_agent.config_store.apply import Applied, apply, roll_back
from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import History
from edge_agent.control.client import ask_agent
from edge_agent.control.protocol import Call
from edge_agent.journal.journal import FILE_NAME
from edge_agent.keys.keys import create_keys
from edge_agent.state_lock import AlreadyRunning, state_lock
from protocols.evidence.leaf import Kind, Log
from protocols.metering.quality import Quality
from protocols.registers.library import load_profile
from tests.edge_agent.gateway import GATEWAY, TOML, wait_until
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.served import Served, serving
from tests.edge_agent.tls_central import TlsCentral
from tests.edge_agent.tls_central import serving as central_serving

TIMEOUT_S = 40.0
WHO = ("Li Wei", "test")


def config_text(url: str, port: int, trial_s: float = 5.0) -> str:
    """One device that answers, a central, a short trial."""
    head, _, rest = TOML.partition("[[bus]]")
    gas = rest[rest.index("[[gas]]") : rest.index("[[run]]")]
    head = head.replace("https://localhost:1", url)
    head = head.replace("batch_seconds = 300", "batch_seconds = 0.5\ndrain_seconds = 5")
    return f"""{head}
[remote]
trial_seconds = {trial_s}
[[bus]]
name = "lan"
type = "tcp"
host = "127.0.0.1"
tcp_port = {port}
timeout_s = 0.3
[[device]]
name = "p-1"
bus = "lan"
unit = 1
profile = "keller-33x"
serial = "P1"
poll_seconds = 0.2
{gas}"""


class Site(NamedTuple):
    """A gateway that runs: its file, its text, the agent's process and what it says."""

    path: Path
    text: str
    child: subprocess.Popen[str]
    said: list[str]
    central: TlsCentral

    @property
    def files(self) -> ConfigFiles:
        return ConfigFiles(self.path, self.path.parent / "state")

    def history(self) -> History:
        with self.files.locked():
            return self.files.history()

    def starts(self) -> int:
        """As central knows them."""
        billing = list(self.central.leaves[Log.BILLING])
        return sum(leaf.body[:1] == ("agent_started",) for leaf in billing)

    def waits_for(self, word: str) -> bool:
        return wait_until(lambda: any(word in line for line in self.said), TIMEOUT_S)

    def works(self) -> bool:
        """Its device answers, and the version that runs has been called good or kept."""
        return wait_until(lambda: self.history().good == self.history().current, TIMEOUT_S)

    def events(self) -> list[str]:
        return read_journal(self.path.parent / "state" / FILE_NAME).events()

    def stop(self) -> None:
        self.child.send_signal(signal.SIGTERM)
        assert self.child.wait(TIMEOUT_S) == 0, "".join(self.said)


@contextmanager
def running(directory: Path, *arguments: str) -> Iterator[Site]:
    keys = create_keys(directory / "state", GATEWAY, os.urandom)
    served = Served(load_profile("keller-33x"))
    with (
        serving(served) as port,
        central_serving(directory, TlsCentral(keys.signer.verifier)) as central,
    ):
        path = directory / "gateway.toml"
        text = config_text(central.url, port)
        path.write_text(text)
        with started(path) as (child, said):
            yield Site(path, text, child, said, central)


@contextmanager
def started(path: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`edge-agent run` as a child, and the lines that it says; killed at the end."""
    command = [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(path)]
    said: list[str] = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        reader = threading.Thread(target=lambda: said.extend(iter(child.stderr.readline, "")))  # type: ignore[union-attr]
        reader.start()
        try:
            yield child, said
        finally:
            child.kill()
            reader.join()


def test_a_life_of_configurations(tmp_path: Path) -> None:
    """Read again by SIGHUP; a good one kept; one that polls nothing and one that cuts off central
    rolled back; a faulty file ignored: all in one process, and each is in the log."""
    with running(tmp_path) as site:
        assert wait_until(lambda: site.starts() == 1, TIMEOUT_S)
        wait_until(lambda: (site.path.parent / "state/config/index.json").exists(), TIMEOUT_S)
        _wait_for_scans(site, 3)
        # a good one, with who and why
        good = site.text.replace("poll_seconds = 0.2", "poll_seconds = 0.3")
        assert isinstance(apply(site.path, good.encode(), *WHO), Applied)
        assert site.waits_for("version 2 of the configuration is kept")
        _wait_for_scans(site, 3)
        assert site.starts() == 2, "what is kept runs on"
        # a bus that leads nowhere
        bad = re.sub("tcp_port = .*", "tcp_port = 1", good)
        assert isinstance(apply(site.path, bad.encode(), *WHO), Applied)
        assert site.waits_for("configuration rolled back: no answer within 5 s")
        assert site.path.read_text() == good
        assert wait_until(lambda: site.starts() == 4, TIMEOUT_S), "".join(site.said)
        _wait_for_scans(site, 3)
        # a central that is not there
        cut = re.sub('url = "https://.*"', 'url = "https://localhost:1"', good)
        assert isinstance(apply(site.path, cut.encode(), *WHO), Applied)
        assert site.waits_for("configuration rolled back: central, which was reached before")
        assert wait_until(lambda: site.starts() == 6, TIMEOUT_S)
        # by hand: a faulty file is told and ignored, a good one is read
        site.path.write_text(good.replace("poll_seconds = 0.3", "poll_seconds = 0"))
        site.child.send_signal(signal.SIGHUP)
        assert site.waits_for("not read again, the configuration is faulty")
        site.path.write_text(good.replace("poll_seconds = 0.3", "poll_seconds = 0.4"))
        site.child.send_signal(signal.SIGHUP)
        assert wait_until(lambda: site.starts() == 7, TIMEOUT_S)
        wait_until(lambda: not site.history().untold, TIMEOUT_S)
        site.stop()
    told = "".join(site.said)
    assert "Traceback" not in told
    found = read_journal(tmp_path / "state" / FILE_NAME)
    events = found.events()
    assert events.count("agent_started") == events.count("agent_stopped") == 7
    changes = [
        code for code in events if code.startswith("configuration_") and "changed" not in code
    ]
    assert changes == [
        *("configuration_applied", "configuration_kept"),
        *("configuration_applied", "configuration_rolled_back") * 2,
        "configuration_applied",
    ]
    bodies = [leaf.body for leaf in found.of(Kind.EVENT)]
    changed = [body for body in bodies if body[0] == "configuration_changed"]
    assert ("configuration_changed", 200, 300, "Li Wei: test", "device[p-1].poll_ms") in changed


def _wait_for_scans(site: Site, count: int) -> None:
    """Good ones at central, since now."""
    before = _good_scans(site)
    assert wait_until(lambda: _good_scans(site) >= before + count, TIMEOUT_S), "".join(site.said)


def _good_scans(site: Site) -> int:
    return sum(leaf.quality == Quality.GOOD for leaf in list(site.central.leaves[Log.TELEMETRY]))


def test_a_torn_file_at_the_start_and_after_a_kill(tmp_path: Path) -> None:
    """Zeroes, as a power cut leaves them: the last good version runs and the log says so."""
    with running(tmp_path) as site:
        _wait_for_scans(site, 1)
        with site.files.locked():
            site.files.store(site.files.history().judged(1, "good"))
        site.child.kill()
        site.child.wait()
        site.path.write_bytes(bytes(len(site.text)))
        with started(site.path) as (child, said):
            assert wait_until(lambda: any("last good version runs" in one for one in said), 20)
            again = site._replace(child=child, said=said)
            _wait_for_scans(again, 3)
            assert wait_until(lambda: not again.history().untold, TIMEOUT_S)
            asked = ask_agent(site.path.parent / "state/control/read.sock", Call("status"))
            alarms = asked["alarms"]
            assert isinstance(alarms, list)
            (alarm,) = [one for one in alarms if one["code"] == "configuration_unreadable"]
            assert alarm["detail"].startswith("version 1 runs: ")
            # the remedy that it tells
            assert isinstance(roll_back(site.path, *WHO, number=1), Applied)
            assert wait_until(lambda: again.starts() == 2, TIMEOUT_S)
            again.stop()
    assert site.path.read_text() == site.text
    assert "configuration_unreadable" in site.events()


@pytest.mark.long
def test_a_kill_within_a_trial(tmp_path: Path) -> None:
    """The next start goes on with the trial, by what worked before it; what does not, goes back."""
    with running(tmp_path) as site:
        _wait_for_scans(site, 3)
        bad = re.sub("tcp_port = .*", "tcp_port = 1", site.text)
        assert isinstance(apply(site.path, bad.encode(), *WHO), Applied)
        assert wait_until(lambda: site.starts() == 2, TIMEOUT_S)
        site.child.kill()
        site.child.wait()
        trial = site.history().trial
        assert trial is not None
        assert trial.baseline is not None
        assert trial.baseline.devices == (("p-1", "P1"),)
        with started(site.path) as (child, said):
            again = site._replace(child=child, said=said)
            assert again.waits_for("configuration rolled back")
            assert site.path.read_text() == site.text
            _wait_for_scans(again, 3)
            again.stop()


def test_nobody_gets_the_state_between_two_agents(tmp_path: Path) -> None:
    """A command that finds no socket meanwhile would work there, and the agent not begin."""
    with running(tmp_path) as site:
        _wait_for_scans(site, 1)
        stop, got = threading.Event(), threading.Event()

        def grab() -> None:
            while not stop.is_set():
                with contextlib.suppress(AlreadyRunning), state_lock(tmp_path / "state"):
                    got.set()
                    stop.wait(1.0)

        grabbing = threading.Thread(target=grab)
        grabbing.start()
        try:
            site.child.send_signal(signal.SIGHUP)
            assert wait_until(lambda: site.starts() == 2 or got.is_set(), TIMEOUT_S)
        finally:
            stop.set()
            grabbing.join()
        assert not got.is_set(), "".join(site.said)
        site.stop()


def test_a_second_agent_puts_nothing_in_force(tmp_path: Path) -> None:
    """Started by mistake while somebody edits gateway.toml: the one that runs goes on as it was."""
    with running(tmp_path) as site:
        _wait_for_scans(site, 1)
        assert site.works()
        before = site.history()
        site.path.write_text(site.text.replace("poll_seconds = 0.2", "poll_seconds = 0.5"))
        with started(site.path) as (second, said):
            assert second.wait(TIMEOUT_S) == 2
        assert "another edge-agent uses" in "".join(said)
        assert site.history() == before
        assert site.starts() == 1
        site.stop()


def _rss_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+)", status)
    assert match is not None
    return int(match[1])


def _reload(site: Site, times: int) -> None:
    for _ in range(times):
        before = site.starts()
        site.child.send_signal(signal.SIGHUP)
        assert wait_until(lambda n=before: site.starts() > n, TIMEOUT_S), "".join(site.said)  # type: ignore[misc]
        _wait_for_scans(site, 1)


@pytest.mark.long
def test_memory_does_not_grow_over_fifty_reloads(tmp_path: Path) -> None:
    """Nor do threads and open files."""
    with running(tmp_path) as site:
        _wait_for_scans(site, 1)
        _reload(site, 10)
        before = _rss_kb(site.child.pid)
        files, threads = (
            len(os.listdir(f"/proc/{site.child.pid}/{what}")) for what in ("fd", "task")
        )
        _reload(site, 50)
        after = _rss_kb(site.child.pid)
        print(f"RSS {before} kB, after 50 reloads {after} kB")
        assert after - before < 1024
        assert len(os.listdir(f"/proc/{site.child.pid}/fd")) <= files + 2
        assert len(os.listdir(f"/proc/{site.child.pid}/task")) <= threads + 2
        site.stop()
