"""A recorded run of the agent's own Recorder and Journal: many ticks, receipts, restarts.

No threads and no time: polls are made by hand and `turn` is called, so a seed gives one run.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from edge_agent.config.model import AgentConfig
from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import FILE_NAME, Journal
from edge_agent.journal.memory import Memory
from edge_agent.journal.schema import migrate
from edge_agent.journal.settling import Retention
from edge_agent.recorder.recorder import Recorder
from protocols.evidence.leaf import Log
from tests.durability.crash_states import Call, Recording
from tests.durability.vfs import watched
from tests.edge_agent.gateway import BOOT_ID, KEYS, VERSION, Polls, config_of
from tests.edge_agent.test_kill import receipted


class Plan(NamedTuple):
    """How long the run is, in ticks, and what happens how often."""

    ticks: int
    settle_each: int
    restart_each: int
    autocheckpoint_pages: int
    retention: Retention = Retention()


class Acknowledged(NamedTuple):
    """What a commit that returned has stored."""

    calls: int  # recorded when it returned
    content: bytes  # digest of every row of every table
    memory: Memory
    leaves: int
    meter: tuple[int, int]  # CLOCK_BOOTTIME in ms and the meter's index at that moment


@dataclass
class Run:
    """Of the run: the calls, and what was acknowledged when."""

    calls: list[Call] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    settles: int = 0


def content_of(connection: sqlite3.Connection) -> bytes:
    """SHA-256 over every row of every table, in the tables' own order."""
    hashed = hashlib.sha256()
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for (name,) in names.fetchall():
        hashed.update(name.encode())
        for row in connection.execute(f"SELECT * FROM {name}"):
            hashed.update(repr(row).encode())
    return hashed.digest()


def opened(config: AgentConfig, polls: Polls, plan: Plan) -> tuple[Journal, Recorder]:
    """The journal opened and a recorder that has loaded from it, as at the agent's start."""
    path = config.state_dir / FILE_NAME
    journal = Journal(path, plan.retention, plan.autocheckpoint_pages)
    memory = journal.load(config.gateway, BOOT_ID, polls.clock.mono_ms)
    salts = Salts(KEYS.gateway, KEYS.salt_secret)
    return journal, Recorder(journal, memory, config, salts, polls.clock, VERSION)


class Workload:
    """One run in a directory."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.config = config_of(directory)
        self.config.state_dir.mkdir()
        self.path = self.config.state_dir / FILE_NAME
        migrate(self.path)
        self.plan = plan
        self.run = Run()
        self.recording = Recording()
        self.recording.begun_with(self.path)
        self.polls = Polls(self.config)

    def record(self, lying: bool = False) -> Run:
        """All ticks. `lying`: commits do not wait for the disk, so the tests must find losses."""
        with watched(self.config.state_dir, self.recording):
            ticks = 0
            self._note_empty()
            while ticks < self.plan.ticks:
                with self._agent(lying) as (journal, recorder):
                    ticks += self._life(journal, recorder, ticks)
        self.run.calls = self.recording.calls
        return self.run

    @contextmanager
    def _agent(self, lying: bool) -> Iterator[tuple[Journal, Recorder]]:
        journal, recorder = opened(self.config, self.polls, self.plan)
        with closing(journal):
            if lying:
                journal.connection.execute("PRAGMA synchronous = NORMAL")
            yield journal, recorder

    def _life(self, journal: Journal, recorder: Recorder, before: int) -> int:
        assert recorder.begin()
        self._acknowledge(journal, recorder)
        count = min(self.plan.restart_each, self.plan.ticks - before) - 1
        for number in range(1, count + 1):
            for scan in self.polls.round():
                assert recorder.deliver(scan)
            if number % self.plan.settle_each == 0:
                for log in Log:
                    recorder.settle(receipted(self.path, log), timeout_s=0.0)
                self.run.settles += 1
            assert recorder.turn()
            self._acknowledge(journal, recorder)
        return count + 1

    def _note_empty(self) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            content = content_of(connection)
        with closing(Journal(self.path, self.plan.retention)) as journal:
            memory = journal.load(self.config.gateway, BOOT_ID, 0)
        self.run.acknowledged.append(
            Acknowledged(len(self.recording.calls), content, memory, 0, (0, 0))
        )

    def _acknowledge(self, journal: Journal, recorder: Recorder) -> None:
        self.run.acknowledged.append(
            Acknowledged(
                len(self.recording.calls),
                content_of(journal.connection),
                recorder.memory,
                sum(head.size for head in recorder.memory.heads.values()),
                (self.polls.clock.mono_ms, self.polls.index),
            )
        )
