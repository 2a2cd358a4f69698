"""One agent's service over a start, a hang and an end; instants are arguments."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge_agent.recording.device_recording import Fact
from edge_agent.supervise.last_end import HOW, WHY
from edge_agent.supervise.notify import Notifier
from edge_agent.supervise.service import (
    BUS_DEADLINE_MS,
    CONTROL_DEADLINE_MS,
    CUSTODY_DEADLINE_MS,
    EXTEND_EACH_MS,
    LONG_WORK_MS,
    RECORDER_DEADLINE_MS,
    Begin,
    Service,
    watch_bus,
    watch_recorder,
    watch_uplink,
)
from protocols.metering.instant import ClockState, Instant

NOT_YET = Begin(tried=False, durable=False)
TRIED = Begin(tried=True, durable=False)
DURABLE = Begin(tried=True, durable=True)
NOW = Instant(0, 5, 1_780_000_000_000, ClockState.SYNCHRONISED)


class Bus:
    name = "bus-a"
    last_turn_mono_ms = 0
    closed = 0

    def close_port(self) -> None:
        self.closed += 1


class Rec:
    name = "recorder"
    last_turn_mono_ms = 0
    is_at_long_work = False


class Rig:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(directory / "notify"))
        self.socket.setblocking(False)
        self.bus = Bus()
        self.facts: list[Fact] = []
        self.service = Service(
            Notifier(str(directory / "notify"), 20_000),
            directory,
            [watch_bus(self.bus)],
            self._note,
            lambda: NOW,
        )

    def _note(self, facts: Sequence[Fact], within_s: float) -> bool:
        assert within_s <= 1.0, "the main thread must not wait"
        assert (self.directory / WHY).is_file(), "the file comes first"
        self.facts += facts
        return False

    def look(self, now_ms: int, begin: Begin) -> list[str]:
        self.service.look(now_ms, begin, "polls 1 device on 1 bus")
        heard = []
        while True:
            try:
                heard += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return [line for line in heard if line != "WATCHDOG=1"]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.socket.close()


def test_ready_when_the_first_tick_was_tried(rig: Rig) -> None:
    """A full disk is no failed start; a long start that makes progress is given more time."""
    assert rig.look(EXTEND_EACH_MS, NOT_YET) == ["EXTEND_TIMEOUT_USEC=120000000"]
    assert rig.look(EXTEND_EACH_MS + 500, NOT_YET) == []
    rig.bus.last_turn_mono_ms = 2 * EXTEND_EACH_MS
    assert rig.look(2 * EXTEND_EACH_MS, NOT_YET) == ["EXTEND_TIMEOUT_USEC=120000000"]
    ready = rig.look(2 * EXTEND_EACH_MS + 500, TRIED)
    assert ready == ["READY=1", "STATUS=polls 1 device on 1 bus"]
    assert "READY=1" not in rig.look(2 * EXTEND_EACH_MS + 1000, DURABLE)


def test_a_start_that_hangs_gets_no_more_time(rig: Rig) -> None:
    """Only progress extends it."""
    for now_ms in range(0, BUS_DEADLINE_MS + 3_000, 500):
        rig.look(now_ms, NOT_YET)
    assert not any("EXTEND" in line for line in rig.look(10 * EXTEND_EACH_MS, NOT_YET))


def test_why_the_last_one_ended_is_told_until_it_is_durable(rig: Rig, tmp_path: Path) -> None:
    """The files stay until the first tick that tells of them is on the disk."""
    (tmp_path / HOW).write_text("watchdog killed KILL\n")
    (fact,) = rig.service.how_it_ended(unclean=True, same_boot=True)
    assert (fact.code, fact.new) == ("agent_died", "watchdog")
    rig.look(0, TRIED)
    assert (tmp_path / HOW).exists()
    rig.look(500, DURABLE)
    assert not (tmp_path / HOW).exists()


def test_after_a_good_end_nothing_is_said(rig: Rig, tmp_path: Path) -> None:
    """And what systemd wrote of it is gone before it could be mistaken for another end's."""
    (tmp_path / HOW).write_text("success exited 0\n")
    assert rig.service.how_it_ended(unclean=False, same_boot=True) == ()
    assert not (tmp_path / HOW).exists()


def test_a_stuck_bus_is_told_once_and_written(rig: Rig, tmp_path: Path) -> None:
    """An event and the file, which says it also where the recorder is what is stuck."""
    for now_ms in range(0, BUS_DEADLINE_MS + 10_000, 500):
        rig.look(now_ms, DURABLE)
    assert [fact[1:5] for fact in rig.facts] == [("thread_stuck", "", None, "bus-a")]
    assert "bus-a has made no turn for" in (tmp_path / WHY).read_text()


def test_a_thread_that_came_back_is_no_reason_for_a_later_end(rig: Rig, tmp_path: Path) -> None:
    """It went on for a month; then it was stopped in order, and nobody was killed by a watchdog."""
    for now_ms in range(0, BUS_DEADLINE_MS + 10_000, 500):
        rig.look(now_ms, DURABLE)
    assert (tmp_path / WHY).exists()
    rig.bus.last_turn_mono_ms = BUS_DEADLINE_MS + 10_000
    rig.look(BUS_DEADLINE_MS + 10_500, DURABLE)
    assert not (tmp_path / WHY).exists()
    assert rig.service.how_it_ended(unclean=False, same_boot=True) == ()


def test_an_end_is_told_with_its_reason(rig: Rig, tmp_path: Path) -> None:
    """In order: only systemd hears it; a thread that died is written down."""
    rig.service.ending([])
    assert rig.socket.recv(4096).startswith(b"STOPPING=1")
    assert not (tmp_path / WHY).exists()
    rig.service.ending(["recorder"])
    assert (tmp_path / WHY).read_text() == "a bug: thread recorder died"


class Keeper:
    name = "custody"
    last_turn_mono_ms = 0

    def __init__(self) -> None:
        self.aborted = 0
        self.abort = self._abort

    def _abort(self) -> None:
        self.aborted += 1


class Server:
    name = "control-act"
    last_turn_mono_ms = 0
    hung_up = 0

    def hang_up(self) -> None:
        self.hung_up += 1


def test_custody_and_sockets_are_watched_too(rig: Rig, tmp_path: Path) -> None:
    """They are made later than the rest: what they wait for is closed, then they are told."""
    keeper, server = Keeper(), Server()
    rig.service.watch_late(keeper, [server])
    for now_ms in range(0, CUSTODY_DEADLINE_MS + 10_000, 1000):
        rig.bus.last_turn_mono_ms = now_ms
        if now_ms <= CONTROL_DEADLINE_MS:
            assert server.hung_up == 0
        rig.look(now_ms, DURABLE)
    assert (keeper.aborted, server.hung_up) == (1, 1)
    assert [fact[4] for fact in rig.facts] == ["control-act", "custody"]
    assert "custody has made no turn for" in (tmp_path / WHY).read_text()


def test_deadlines() -> None:
    """A recorder at long work has an hour; else two commits more than its own; all by attempt."""
    recorder = Rec()
    watched = watch_recorder(recorder, 10.0)
    assert watched.turn().deadline_ms == RECORDER_DEADLINE_MS + 20_000
    recorder.is_at_long_work = True
    assert watched.turn().deadline_ms == LONG_WORK_MS
    aborted: list[bool] = []
    uplink = watch_uplink(recorder, lambda: aborted.append(True))
    uplink.free()
    assert aborted == [True]
