"""The service comes back by itself, and an event says what happened; real processes under a small
supervisor that does what systemd does. The short form here; hangs of half a minute are marked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from protocols.evidence.leaf import Kind
from tests.edge_agent.ledger_law import read_journal
from tests.edge_agent.tiny_disk import fill, tiny_disk
from tests.system.hung_thread import hung, threads_of
from tests.system.rig import Rig
from tests.system.service import Service

WATCHDOG_S = 3.0
BUS_DEADLINE_S = 30.0
CONTROL_DEADLINE_S = 120.0


class ServiceRig(Rig):
    """The agent as a service; plant and central as they were."""

    service: Service
    environ: Mapping[str, str] = {}
    watchdog_s = WATCHDOG_S

    def start(self, name: str) -> None:
        if name != "agent":
            super().start(name)
            return
        (self.directory / "agent.log").touch()
        self.service = Service(
            self.commands[name], self.directory, self.directory / "state",
            watchdog_s=self.watchdog_s, environ=self.environ,
        )  # fmt: skip
        self.service.start()

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "service"):
            self.service.kill()
        super().__exit__()

    def ready(self, lives: int = 1) -> None:
        self.wait(
            f"life {lives}", lambda: self.service.lives >= lives and self.service.is_ready.is_set()
        )

    def grown(self, more: int = 3, within_s: float = 60.0) -> None:
        """Central's log grows: the agent polls and sends."""
        before = self._leaves()
        self.wait("more leaves", lambda: self._leaves() >= before + more, within_s)

    def _leaves(self) -> int:
        summary = self.summary()
        return int(summary["leaves"]) if summary else 0

    def events(self) -> list[tuple[object, ...]]:
        """Code, old, new, who, detail; as central was told them by the end of the service."""
        self.service.stop(within_s=30.0)
        self.wait("the ledger", self.has_followed)
        query = "SELECT code, old, new, who, detail FROM event ORDER BY epoch, seq"
        with closing(sqlite3.connect(self.store / "central.sqlite3")) as central:
            rows = central.execute(query).fetchall()
        return [(code, json.loads(old), json.loads(new), *rest) for code, old, new, *rest in rows]


@contextmanager
def running(directory: Path, environ: Mapping[str, str] | None = None) -> Iterator[ServiceRig]:
    rig = ServiceRig(directory)
    rig.environ = environ or {}
    with rig:
        rig.ready()
        rig.grown()
        yield rig


def told(events: list[tuple[object, ...]], code: str) -> list[tuple[object, object]]:
    """What an event of that code says that is new, and its detail."""
    return [(body[2], body[4]) for body in events if body[0] == code]


def test_killed_hung_and_cut_off(tmp_path: Path) -> None:
    """SIGKILL, then a process that stands still as a whole, then an hour-long dead link in small:
    the first two are started again and say why; the last restarts nothing."""
    with running(tmp_path) as rig:
        os.kill(rig.service.pid, signal.SIGKILL)
        rig.ready(lives=2)
        rig.grown()
        os.kill(rig.service.pid, signal.SIGSTOP)
        rig.ready(lives=3)
        rig.link.cut(after_bytes=0)
        fed = rig.service.said.count("WATCHDOG=1")
        rig.wait("food", lambda: rig.service.said.count("WATCHDOG=1") >= fed + 8)
        assert rig.service.lives == 3
        rig.link.mend()
        rig.grown()
        assert rig.service.status.startswith("polls ")
        events = rig.events()
    assert rig.service.ended == ["signal", "watchdog", "success"]
    died = told(events, "agent_died")
    assert [cause for cause, _ in died] == ["signal", "watchdog"]
    assert "killed KILL" in str(died[0][1])
    assert [body[0] for body in events if str(body[0]).startswith("agent_")] == [
        *("agent_started", "agent_started", "agent_died"),
        *("agent_started", "agent_died", "agent_stopped"),
    ]
    assert "STOPPING=1" in rig.service.said


@pytest.mark.long
def test_a_bus_thread_that_hangs(tmp_path: Path) -> None:
    """Fed up to its deadline and its 2 s; then told as an event, unfed, ended in order, started
    again, and the next life says that it was the watchdog, and which bus."""
    with running(tmp_path) as rig:
        _, _recorder, _uplink, bus, *_ = threads_of(rig.service.pid)
        began_s = time.monotonic()
        with hung(rig.service.pid, bus) as thread:

            def back() -> bool:
                thread.reap()
                return rig.service.lives == 2 and rig.service.is_ready.is_set()

            rig.wait("the restart", back, within_s=90.0)
        took_s = time.monotonic() - began_s
        rig.grown()
        events = rig.events()
    assert rig.service.ended == ["watchdog", "success"]
    assert BUS_DEADLINE_S < took_s < BUS_DEADLINE_S + WATCHDOG_S + 15.0
    ((name, detail),) = told(events, "thread_stuck")
    assert str(name).startswith("bus-")
    assert "has made no turn for" in str(detail)
    ((cause, why),) = told(events, "agent_died")
    assert cause == "watchdog"
    assert str(name) in str(why)
    assert "agent_stopped" in [body[0] for body in events][:-1], "the rest ended in order"


@pytest.mark.long
def test_a_control_socket_that_hangs(tmp_path: Path) -> None:
    """A technician hears nothing and is told so; metering goes on; after its 2 min the watchdog
    ends the agent in order, and the next life says which socket it was."""
    with running(tmp_path) as rig:
        command = [sys.executable, "-m", "edge_agent.cli", "doctor", "--json"]
        read = threads_of(rig.service.pid)[-2]
        with hung(rig.service.pid, read) as thread:
            rig.grown()
            doctor = subprocess.run(
                [*command, "--config", str(tmp_path / "gateway.toml")],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip

            def back() -> bool:
                thread.reap()
                return rig.service.lives == 2 and rig.service.is_ready.is_set()

            rig.wait("the restart", back, within_s=CONTROL_DEADLINE_S + 60.0)
        rig.grown()
        events = rig.events()
    codes = [found["code"] for found in json.loads(doctor.stdout)["findings"]]
    assert "agent_deaf" in codes
    assert rig.service.ended == ["watchdog", "success"]
    assert [name for name, _ in told(events, "thread_stuck")] == ["control-read"]
    ((cause, why),) = told(events, "agent_died")
    assert cause == "watchdog"
    assert "control-read" in str(why)


@pytest.mark.long
def test_a_bus_thread_that_comes_back(tmp_path: Path) -> None:
    """Hung for less than its deadline: nothing is told, nothing restarted."""
    with running(tmp_path) as rig:
        bus = threads_of(rig.service.pid)[3]
        with hung(rig.service.pid, bus):
            fed = rig.service.said.count("WATCHDOG=1")
            rig.wait("food", lambda: rig.service.said.count("WATCHDOG=1") >= fed + 15)
        rig.grown()
        events = rig.events()
    assert rig.service.ended == ["success"]
    assert not told(events, "thread_stuck")


class TinyRig(ServiceRig):
    """The state directory lies on a small disk."""

    def make_keys(self) -> None:
        super().make_keys()
        kept = self.directory / "kept"
        shutil.copytree(self.directory / "state", kept)
        self.tiny = tiny_disk(self.directory / "state", 3000)
        self.tiny.__enter__()
        shutil.copytree(kept, self.directory / "state", dirs_exist_ok=True)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if hasattr(self, "tiny"):
            self.tiny.__exit__(None, None, None)


@pytest.mark.long
def test_a_full_disk(tmp_path: Path) -> None:
    """While it runs and at a start: never restarted for it, and it goes on once there is room."""
    with TinyRig(tmp_path) as rig:
        rig.ready()
        rig.grown()
        rig.link.cut(after_bytes=0)  # else what is receipted would make room
        other = fill(tmp_path / "state")
        fed = rig.service.said.count("WATCHDOG=1")
        rig.wait("food", lambda: rig.service.said.count("WATCHDOG=1") >= fed + 30)
        assert rig.service.lives == 1
        os.kill(rig.service.pid, signal.SIGKILL)
        rig.ready(lives=2)
        fed = rig.service.said.count("WATCHDOG=1")
        rig.wait("food", lambda: rig.service.said.count("WATCHDOG=1") >= fed + 10)
        other.unlink()
        rig.link.mend()
        rig.grown()
        assert rig.service.lives == 2
        events = rig.events()
    assert rig.service.ended == ["signal", "success"]
    assert [new for new, _ in told(events, "disk_full")][:1] == ["on"]
    assert len(told(events, "agent_died")) == 1


@pytest.mark.long
def test_a_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    """The last good one runs, the event says so; the next stop and start are as ever."""
    with running(tmp_path) as rig:
        rig.wait("a kept version", lambda: any((tmp_path / "state/config").glob("*.toml")))
        (tmp_path / "gateway.toml").write_bytes(b"\x00" * 4096)  # as ext4 leaves it at a power cut
        os.kill(rig.service.pid, signal.SIGKILL)
        rig.ready(lives=2)
        rig.grown()
        assert rig.service.lives == 2
        events = rig.events()
    assert told(events, "configuration_unreadable")
    assert told(events, "agent_died")


FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


@pytest.mark.long
@pytest.mark.skipif(not Path(FAKETIME).exists(), reason="faketime is not installed here")
def test_a_time_step(tmp_path: Path) -> None:
    """An hour forward and back under the running agent: no restart, a CLOCK leaf for each."""
    when = tmp_path / "when"
    when.write_text("+0\n")
    environ = {
        "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(when), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    with running(tmp_path, environ) as rig:
        lives = rig.service.lives  # faketime may spoil a system call of a start
        for number, step in enumerate(("+1h", "+0"), start=1):
            (tmp_path / "next").write_text(f"{step}\n")
            (tmp_path / "next").replace(when)  # faketime must never read half of it
            rig.wait("the CLOCK leaf", lambda number=number: told_steps(rig.journal) == number)
        rig.grown()
        assert rig.service.lives == lives
        rig.service.stop(within_s=30.0)
    assert steps(rig.journal) == [60, -60]


def told_steps(journal: Path) -> int:
    """So far, by the journal of the running agent, which may commit between two looks."""
    try:
        return len(steps(journal))
    except AssertionError:
        return 0


def steps(journal: Path) -> list[int]:
    """Of the clock, in minutes, as the log has them."""
    pairs = [leaf.body[:2] for leaf in read_journal(journal).of(Kind.CLOCK)]
    by_s = [(new - old) / 1000 for old, new in pairs if type(old) is int and type(new) is int]
    return [round(each / 60) for each in by_s if abs(each) > 10]
