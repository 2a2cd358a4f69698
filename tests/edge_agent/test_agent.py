"""The whole agent as systemd runs it: a process, a plain Modbus server, a central behind TLS."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import edge_agent.supervise.ending
import edge_agent.supervise.service
from edge_agent.agent import Agent
from edge_agent.cli import main
from edge_agent.config.file import load_config
from edge_agent.journal.journal import FILE_NAME
from edge_agent.keys.keys import create_keys, load_keys
from edge_agent.state_lock import AlreadyRunning, state_lock
from protocols.evidence.key_change import KeyChange
from protocols.evidence.keys import KeySchedule
from protocols.evidence.leaf import Kind, Log
from protocols.evidence.note import Verifier, unverified_checkpoint
from protocols.evidence.upload import decode_upload
from protocols.metering.quality import Quality
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, TOML, new_journal, wait_until, write_ca
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.tls_central import TlsCentral, serving

TIMEOUT_S = 20.0


def write_config(directory: Path, url: str, more: str = "") -> Path:
    """One device behind a port where nobody listens: bus faults are readings too."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    head, _, rest = TOML.partition("[[bus]]")
    gas = rest[rest.index("[[gas]]") : rest.index("[[run]]")]
    text = head.replace("https://localhost:1", url).replace(
        "batch_seconds = 300", "batch_seconds = 0.5\ndrain_seconds = 5"
    )
    devices = f"""
[[bus]]
name = "lan"
type = "tcp"
host = "127.0.0.1"
tcp_port = {port}
timeout_s = 0.1
[[device]]
name = "p-1"
bus = "lan"
unit = 2
profile = "keller-33x"
serial = "P1"
poll_seconds = 0.2
"""
    path = directory / "gateway.toml"
    path.write_text(text + devices + gas + more, encoding="utf-8")
    return path


@pytest.fixture
def central(tmp_path: Path) -> Iterator[TlsCentral]:
    keys = create_keys(tmp_path / "state", GATEWAY, os.urandom)
    with serving(tmp_path, TlsCentral(keys.signer.verifier)) as running:
        yield running


@contextmanager
def agent(path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`edge-agent run` as a child; killed at the end, whatever happened."""
    command = [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(path), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def test_a_whole_life(tmp_path: Path, central: TlsCentral) -> None:
    """Started, polled, sent; ended by SIGTERM with all leaves receipted and exit status 0."""
    path = write_config(tmp_path, central.url)
    with agent(path) as child:
        assert wait_until(lambda: central.size(Log.TELEMETRY) > 2, TIMEOUT_S)
        child.send_signal(signal.SIGTERM)
        _, told = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 0, told
    assert "Traceback" not in told
    found = read_journal(tmp_path / "state" / FILE_NAME)
    assert found.receipted == found.sizes
    assert found.events() == ["agent_started", "agent_stopped"]
    assert {leaf.quality for leaf in found.of(Kind.SCAN)} == {Quality.BAD_PORT}
    assert central.leaves == found.leaves


class RotatingCentral(TlsCentral):
    """Goes by the key that its schedule names, and rotates by a KEY leaf that ends a batch."""

    def __init__(self, own: Verifier) -> None:
        super().__init__(own)
        self.schedule = KeySchedule.of(own.vkey)
        self.statuses: list[int] = []

    def take(self, body: bytes) -> tuple[int, bytes]:
        checkpoint = unverified_checkpoint(decode_upload(body).checkpoint)
        self._own = self.schedule.key_for(checkpoint.origin, checkpoint.size)
        status, answer = super().take(body)
        self.statuses.append(status)
        billing = self.leaves[Log.BILLING]
        if billing and billing[-1].kind is Kind.KEY and checkpoint.origin.log is Log.BILLING:
            change = KeyChange.from_body(billing[-1].body)
            self.schedule = self.schedule.rotated(change, billing[-1].epoch, billing[-1].seq)
        return status, answer


def test_a_new_log_key_while_it_runs(tmp_path: Path) -> None:
    """Asked for on the command line: recorded, sent, receipted; then only the new key is left."""
    state = tmp_path / "state"
    old = create_keys(state, GATEWAY, os.urandom).signer
    with serving(tmp_path, RotatingCentral(old.verifier)) as central:
        assert isinstance(central, RotatingCentral)
        with agent(write_config(tmp_path, central.url)) as child:
            assert wait_until(lambda: central.size(Log.TELEMETRY) > 2, TIMEOUT_S)
            command = ["key", "rotate", "--state", str(state), "--who", "Li Wei"]
            assert main([*command, "--reason", "yearly"]) == 0
            assert wait_until(lambda: load_keys(state).signer.vkey != old.vkey, TIMEOUT_S)
            more = central.size(Log.TELEMETRY) + 3
            assert wait_until(lambda: central.size(Log.TELEMETRY) > more, TIMEOUT_S)
            child.send_signal(signal.SIGTERM)
            _, told = child.communicate(timeout=TIMEOUT_S)
        assert child.returncode == 0, told
    assert load_keys(state).schedule == central.schedule
    assert set(central.statuses) == {200}, "a batch went by a key that central did not know yet"
    assert not list(state.glob("log.key.*"))


def starts(central: TlsCentral) -> int:
    return sum(leaf.body[:1] == ("agent_started",) for leaf in central.leaves[Log.BILLING])


def test_killed_and_started_again(tmp_path: Path, central: TlsCentral) -> None:
    """SIGKILL at any moment: the log goes on without a gap, in the same boot."""
    path = write_config(tmp_path, central.url)
    for number in range(3):
        with agent(path) as child:
            more = central.size(Log.TELEMETRY) + number
            assert wait_until(lambda more=more: central.size(Log.TELEMETRY) > more, TIMEOUT_S)
            child.kill()
    with agent(path) as child:
        assert wait_until(lambda: starts(central) == 4, TIMEOUT_S)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=TIMEOUT_S)
    found = read_journal(tmp_path / "state" / FILE_NAME)
    assert found.events().count("agent_started") == 4
    assert central.leaves == found.leaves
    assert {leaf.boot_no for leaf in found.leaves[Log.TELEMETRY]} == {0}
    instants = [leaf.mono_ms for leaf in found.leaves[Log.TELEMETRY]]
    assert instants == sorted(instants)


def test_a_damaged_journal_does_not_stop_the_agent(tmp_path: Path, central: TlsCentral) -> None:
    """It polls on in a new epoch, which says so first, and sends again what had no receipt."""
    path = write_config(tmp_path, central.url)
    with agent(path) as child:
        assert wait_until(lambda: central.size(Log.TELEMETRY) > 1, TIMEOUT_S)
        child.kill()
    journal = tmp_path / "state" / FILE_NAME
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("UPDATE log SET size = size + 1")
        connection.commit()
    with agent(path) as child:
        assert wait_until(lambda: central.epoch == 1, TIMEOUT_S)
        sent = central.size(Log.TELEMETRY)
        assert wait_until(lambda: central.size(Log.TELEMETRY) > sent, TIMEOUT_S)
        child.send_signal(signal.SIGTERM)
        _, told = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 0, told
    assert "is put aside, and a new journal is begun" in told
    assert "Traceback" not in told
    assert central.leaves[Log.BILLING][0].kind is Kind.EPOCH
    assert journal.with_name("damaged").is_dir()


def rows_of(connection: sqlite3.Connection, table: str) -> int:
    """Rows of the journal of an agent that may be running."""
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def test_a_central_that_is_not_there_does_not_stop_the_agent(tmp_path: Path) -> None:
    """It polls and records; at the end it says that leaves wait, and that is no fault."""
    create_keys(tmp_path / "state", GATEWAY, os.urandom)
    write_ca(tmp_path)
    path = write_config(tmp_path, "https://localhost:9")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("drain_seconds = 5", "drain_seconds = 0.5"), encoding="utf-8")
    with agent(path) as child:
        assert child.stderr is not None
        first_line = child.stderr.readline()
        journal = tmp_path / "state" / FILE_NAME
        with closing(sqlite3.connect(journal)) as connection:
            assert wait_until(lambda: rows_of(connection, "telemetry") > 0)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=TIMEOUT_S)
    told = first_line + told
    assert child.returncode == 0, told
    assert "nothing is lost, next try in" in told
    assert "some leaves have no receipt yet" in told
    found = read_journal(tmp_path / "state" / FILE_NAME)
    assert found.of(Kind.SCAN)
    assert found.receipted == dict.fromkeys(Log, 0)


def test_one_agent_a_journal(tmp_path: Path) -> None:
    """A second one is refused with what to do; the lock is gone with its holder."""
    second = state_lock(tmp_path)
    with state_lock(tmp_path), pytest.raises(AlreadyRunning, match="stop it first"), second:
        pass
    with state_lock(tmp_path):
        pass


def test_a_second_agent_could_not_run(tmp_path: Path, central: TlsCentral) -> None:
    """Exit status 2, and the message names the directory."""
    path = write_config(tmp_path, central.url)
    with (tmp_path / "state" / "agent.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with agent(path) as child:
            _, told = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 2
    assert f"another edge-agent uses {tmp_path / 'state'}" in told


@contextmanager
def built(directory: Path, central: TlsCentral) -> Iterator[Agent]:
    """The agent in this process, with its journal."""
    config = load_config(write_config(directory, central.url))
    journal = new_journal(config)
    memory = journal.load(config.gateway, BOOT_ID, 0)
    yield Agent(config, load_keys(config.state_dir), journal, memory)
    journal.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_ends_the_agent(
    tmp_path: Path, central: TlsCentral, caplog: pytest.LogCaptureFixture
) -> None:
    """With a status that makes systemd start it again, and the name of the thread."""

    def bug() -> bool:
        raise sqlite3.ProgrammingError("a bug")

    with built(tmp_path, central) as agent:
        threading.Timer(0.5, setattr, (agent._recorder, "turn", bug)).start()
        assert agent.run(threading.Event()) == 1
    assert "thread recorder died" in caplog.text


def test_a_bus_that_stands_still_gets_its_port_closed(
    tmp_path: Path,
    central: TlsCentral,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its thread comes back and polls on."""
    monkeypatch.setattr(edge_agent.supervise.service, "BUS_DEADLINE_MS", -1)
    stop = threading.Event()
    with built(tmp_path, central) as agent:
        threading.Timer(1.5, stop.set).start()
        assert agent.run(stop) == 0
    assert "bus-lan stands still; what it waits for is closed under it" in caplog.text
    found = read_journal(tmp_path / "state" / FILE_NAME)
    assert found.of(Kind.SCAN)[-1].mono_ms - found.of(Kind.SCAN)[0].mono_ms > 800


def test_last_intervals_that_are_stored_late_are_a_good_end(
    tmp_path: Path,
    central: TlsCentral,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A journal slower than is waited for: status 0 once they are durable, unsent leaves told."""
    monkeypatch.setattr(edge_agent.supervise.ending, "FINISH_S", 0.0)
    stop = threading.Event()
    with built(tmp_path, central) as agent:
        agent._drain_s = 0.2
        look, late = agent._recorder._inbox.look, threading.Event()
        end = agent._recorder.end

        def slow(most: int) -> object:
            if stop.is_set():
                assert late.wait(TIMEOUT_S), "the recorder was never told to end"
            return look(most)

        def end_at_last() -> None:
            late.set()
            end()

        monkeypatch.setattr(agent._recorder._inbox, "look", slow)
        monkeypatch.setattr(agent._recorder, "end", end_at_last)
        threading.Timer(1.0, stop.set).start()
        assert agent.run(stop) == 0
    assert "the last intervals are not stored yet" in caplog.text
    assert "some leaves have no receipt yet" in caplog.text
    found = read_journal(tmp_path / "state" / FILE_NAME)
    assert found.events() == ["agent_started", "agent_stopped"]
    assert found.receipted != found.sizes
