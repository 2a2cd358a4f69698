"""Real threads, a real notify socket; time is an argument."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.supervise.notify import Notifier
from edge_agent.supervise.progress import Stuck
from edge_agent.supervise.watch import FEEDS, Watch, Watched

DEADLINE = 30_000
WATCHDOG = 20_000


class Thread(threading.Thread):
    """Turns when it is let; hangs where nobody lets it. A port that hears frees it."""

    def __init__(self, *, hears: bool) -> None:
        super().__init__(name="bus-a", daemon=True)
        self.turn_ms = 0
        self.hears = hears
        self.closed = 0
        self._may_turn = threading.Semaphore(0)
        self._turned = threading.Semaphore(0)
        self._instant = 0

    def run(self) -> None:
        while self._may_turn.acquire():
            self.turn_ms = self._instant
            self._turned.release()

    def let(self, now_ms: int) -> None:
        self._instant = now_ms
        self._may_turn.release()
        assert self._turned.acquire(timeout=5.0)

    def close_port(self) -> None:
        self.closed += 1


class Rig:
    def __init__(self, directory: Path, *, hears: bool) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(directory / "notify"))
        self.socket.setblocking(False)
        self.thread = Thread(hears=hears)
        self.thread.start()
        self.told: list[Sequence[Stuck]] = []
        thread = self.thread
        watched = Watched(thread.name, lambda: thread.turn_ms, lambda: DEADLINE, thread.close_port)
        notifier = Notifier(str(directory / "notify"), WATCHDOG)
        self.watch = Watch(notifier, [watched], self.told.append)

    def look(self, now_ms: int) -> list[str]:
        """What systemd heard of it."""
        self.watch.look(now_ms)
        heard = []
        while True:
            try:
                heard += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return heard


@contextmanager
def rig(directory: Path, *, hears: bool = False) -> Iterator[Rig]:
    made = Rig(directory, hears=hears)
    try:
        yield made
    finally:
        made.socket.close()


def test_fed_while_it_turns(tmp_path: Path) -> None:
    """Four times within the watchdog's time, and not with each look."""
    with rig(tmp_path) as made:
        fed = []
        for now_ms in range(0, 40_000, 500):
            made.thread.let(now_ms)
            if made.look(now_ms) == ["WATCHDOG=1"]:
                fed.append(now_ms)
        assert fed == list(range(0, 40_000, WATCHDOG // FEEDS))
        assert made.thread.closed == 0


def test_a_hung_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Fed up to its deadline; its port is closed once; 2 s later it is told, and no more fed."""
    with rig(tmp_path) as made:
        heard = {now_ms: made.look(now_ms) for now_ms in range(0, 60_000, 500)}
        fed = [now_ms for now_ms, told in heard.items() if "WATCHDOG=1" in told]
        assert max(fed) <= DEADLINE + 2_500
        assert made.thread.closed == 1
        assert made.told == [(Stuck("bus-a", DEADLINE + 3_000),)]
        assert [told for told in heard.values() if told and "WATCHDOG=1" not in told] == [
            ["STATUS=stuck: bus-a has made no turn for 33 s"]
        ]
        assert "did not return" in caplog.text
        assert "Thread 0x" in capfd.readouterr().err, "where each thread stands is told"
        made.thread.let(60_000)
        assert made.look(60_000) == ["WATCHDOG=1"], "a late return is still a return"
        assert "bus-a came back" in caplog.text


def test_a_thread_that_returns_when_its_port_is_closed(tmp_path: Path) -> None:
    """It is fed all the time, and nobody is told that it is stuck."""
    with rig(tmp_path) as made:
        fed_ms = 0
        for now_ms in range(0, 200_000, 500):
            closed = made.thread.closed
            if "WATCHDOG=1" in made.look(now_ms):
                assert now_ms - fed_ms < WATCHDOG // 2
                fed_ms = now_ms
            if made.thread.closed > closed:
                made.thread.let(now_ms + 100)
        assert fed_ms > 190_000
        assert made.thread.closed > 4
        assert made.told == []
