"""The end of the whole agent in this process: how long, and that nothing is lost."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.agent import Agent
from edge_agent.config.file import load_config
from edge_agent.journal.journal import FILE_NAME, Journal, Retention
from edge_agent.journal.memory import Memory
from edge_agent.keys.keys import create_keys, load_keys
from edge_agent.supervise.ending import STOP_S, join_all
from protocols.evidence.leaf import Kind
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, new_journal, wait_until, write_ca
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.test_agent import write_config

DRAIN_S = 2.0


@contextmanager
def silent_peer() -> Iterator[int]:
    """Takes connections and says nothing: a dead meter behind a gateway, a black hole of a link."""
    held = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            try:
                while True:
                    held.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5.0)
    for connection in held:
        connection.close()


class SlowJournal(Journal):
    """Each commit takes so long, as on a worn card."""

    commit_takes_s = 0.0

    def commit(self, *arguments: object) -> None:
        threading.Event().wait(self.commit_takes_s)
        super().commit(*arguments)  # type: ignore[arg-type]


def agent_at(directory: Path, *, bus_port: int, link_port: int) -> Agent:
    create_keys(directory / "state", GATEWAY, os.urandom)
    write_ca(directory)
    path = write_config(directory, f"https://localhost:{link_port}")
    lines = path.read_text(encoding="utf-8").splitlines()
    changed = [
        f"tcp_port = {bus_port}" if line.startswith("tcp_port") else
        "timeout_s = 8" if line.startswith("timeout_s") else
        f"drain_seconds = {DRAIN_S}" if line.startswith("drain_seconds") else line
        for line in lines
    ]  # fmt: skip
    path.write_text("\n".join(changed), encoding="utf-8")
    config = load_config(path)
    journal = new_journal(config)
    journal.close()
    opened = SlowJournal(journal.path, Retention())
    memory: Memory = opened.load(config.gateway, BOOT_ID, 0)
    return Agent(config, load_keys(config.state_dir), opened, memory)


def end_of(agent: Agent) -> float:
    """Run it, stop it in the middle of everything; seconds of its end."""
    stop = threading.Event()
    statuses: list[int] = []
    runs = threading.Thread(target=lambda: statuses.append(agent.run(stop)))
    runs.start()
    assert wait_until(lambda: agent._recorder.has_begun.is_set())
    assert wait_until(lambda: agent._transport.bytes_used > 0), "the link was never tried"
    began_s = time.monotonic()
    stop.set()
    runs.join(60.0)
    took_s = time.monotonic() - began_s
    assert statuses == [0]
    return took_s


@pytest.mark.timing
@pytest.mark.parametrize("commit_takes_s", [0.0, 0.4])
def test_a_dead_meter_a_dead_link_and_a_slow_disk(tmp_path: Path, commit_takes_s: float) -> None:
    """A meter asked and silent for 8 s, a link that takes and never answers: within 5 s, all
    intervals closed and the stop recorded."""
    with silent_peer() as meter, silent_peer() as link:
        agent = agent_at(tmp_path, bus_port=meter, link_port=link)
        assert isinstance(agent._journal, SlowJournal)
        agent._journal.commit_takes_s = commit_takes_s
        took_s = end_of(agent)
    assert took_s < STOP_S + DRAIN_S
    found = read_journal(tmp_path / "state" / FILE_NAME)
    assert found.events()[-1] == "agent_stopped"
    assert found.of(Kind.EVENT)


def test_threads_are_waited_for_together() -> None:
    """Many that do not end cost the time of one."""
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait, daemon=True) for _ in range(10)]
    for thread in threads:
        thread.start()
    began_s = time.monotonic()
    assert not join_all(threads, 0.2)
    assert time.monotonic() - began_s < 1.5
    stop.set()
    assert join_all(threads, 5.0)
