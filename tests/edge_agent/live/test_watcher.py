"""The watcher over a real socket: an agent that answers, ends, comes back, or says nonsense."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge_agent.control.protocol import Call, Request, Route, refusal
from edge_agent.control.server import ControlServer
from edge_agent.live.watcher import Seen, Watcher
from tests.edge_agent.gateway import wait_until
from tests.edge_agent.status.snapshots import site

EACH_S = 0.02


def no_device(_request: Request, _peer: str) -> Mapping[str, object]:
    return refusal("no device here")


class ToldAgent:
    """A control socket that answers `status` with what the test says."""

    def __init__(self) -> None:
        self.up_s = 0
        self.answer: Mapping[str, object] | None = None

    def status(self, _call: Call, _peer: str) -> Mapping[str, object]:
        self.up_s += 1
        return self.answer or site(8, up_s=self.up_s).to_json()

    @contextmanager
    def listening(self, path: Path) -> Iterator[None]:
        stop = threading.Event()
        routes = {"status": Route(self.status)}
        server = ControlServer(path, "", no_device, stop, acts=False, routes=routes)
        server.start()
        try:
            yield
        finally:
            stop.set()
            server.join(10)


@contextmanager
def watching(path: Path) -> Iterator[Watcher]:
    watcher = Watcher(path, EACH_S)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()
        watcher.join(10)
        assert not watcher.is_alive()


def up_s(seen: Seen) -> int:
    return -1 if seen.snapshot is None else seen.snapshot.up_s


def test_it_asks_again_and_again_over_one_connection(tmp_path: Path, caplog) -> None:  # type: ignore[no-untyped-def]
    """Each answer is newer than the one before; the agent logs one access."""
    caplog.set_level("INFO")
    with ToldAgent().listening(tmp_path / "s"), watching(tmp_path / "s") as watcher:
        assert wait_until(lambda: up_s(watcher.seen) >= 5)
        assert watcher.seen.failure == ""
    assert caplog.text.count("uid") == 1


def test_an_agent_that_ends_is_waited_for(tmp_path: Path) -> None:
    """What it said last stays, with the time when it came; then the new one's answers come."""
    agent, path = ToldAgent(), tmp_path / "s"
    with watching(path) as watcher:
        assert wait_until(lambda: watcher.seen.is_gone)
        assert watcher.seen.snapshot is None
        with agent.listening(path):
            assert wait_until(lambda: up_s(watcher.seen) >= 2)
            assert not watcher.seen.is_gone
            agent.answer = refusal("ending")  # ends the connection that is open
            assert wait_until(lambda: watcher.seen.failure != "")
        assert wait_until(lambda: watcher.seen.is_gone)
        last = watcher.seen
        assert up_s(last) >= 2
        agent.answer, agent.up_s = None, 100
        with agent.listening(path):
            assert wait_until(lambda: up_s(watcher.seen) > 100)
        assert watcher.seen.at_ms >= last.at_ms


def test_an_agent_of_another_version_is_told(tmp_path: Path) -> None:
    """By what does not fit and the remedy; it is asked again all the same."""
    agent = ToldAgent()
    agent.answer = {"schema": 99}
    with agent.listening(tmp_path / "s"), watching(tmp_path / "s") as watcher:
        assert wait_until(lambda: "restart the agent" in watcher.seen.failure)
        assert not watcher.seen.is_gone
        agent.answer = None
        assert wait_until(lambda: watcher.seen.snapshot is not None)
        assert watcher.seen.failure == ""
