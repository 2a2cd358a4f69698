"""A simulated week of a gateway: its own Recorder and Journal, a link, a disk that fills, fails.

No threads: where the recorder waits simulated time goes on, so polls are delivered while
the disk takes nothing, as a bus would. Central is the protocol's own `accept`.
"""

from __future__ import annotations

import gc
import random
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from edge_agent.bus.polled import PolledScan
from edge_agent.config.model import AgentConfig
from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import FILE_NAME, Journal, JournalError
from edge_agent.journal.memory import Settled
from edge_agent.journal.reader import JournalReader, ReadFailed
from edge_agent.journal.schema import MigrationError
from edge_agent.recorder.recorder import Recorder
from edge_agent.salvage.journal_start import open_journal
from protocols.evidence.leaf import Leaf, Log, Origin
from protocols.evidence.merkle import Hole
from protocols.evidence.upload import EMPTY_HEAD, Accepted, Head, accept, encode_upload, seal
from tests.edge_agent.gateway import BOOT_ID, KEYS, VERSION, Polls, SetClock

HOUR_MS = 3_600_000
WEEK_MS = 7 * 24 * HOUR_MS
MOST_LEAVES = 4096
BLOCK = 4096
SALTS = Salts(KEYS.gateway, KEYS.salt_secret)
Key = tuple[str, int, int]  # of a scan: device serial, boot, CLOCK_BOOTTIME in ms


class Killed(Exception):  # noqa: N818  # what happened is the name
    """The process is gone, at whatever line it was."""


class Trouble(NamedTuple):
    """From when to when, in simulated ms, and what the disk or the link does then."""

    start_ms: int
    end_ms: int
    begin: Callable[[], None]
    end: Callable[[], None]


class Meter(Polls):
    """A round of three polls each `period_ms`."""

    def __init__(self, config: AgentConfig, clock: SetClock, period_ms: int) -> None:
        super().__init__(config, clock, step=100)
        self.period_ms = period_ms

    def round(self) -> list[PolledScan]:
        self.clock.mono_ms += self.period_ms - 2000  # the rest is its own
        return super().round()


class Central:
    """What it was sent, by its own rules."""

    def __init__(self) -> None:
        self.heads: dict[Origin, Head] = {}
        self.leaves: dict[Log, list[Leaf]] = {log: [] for log in Log}
        self.holes: list[tuple[Origin, Hole]] = []

    def take(self, reader: JournalReader, log: Log, time_s: int) -> Settled | None:
        """The next batch, with its receipt; None where there is nothing to send."""
        cut = reader.cut(log, None, MOST_LEAVES, 1 << 22)
        assert cut is not None
        assert not cut.damaged, "a failing disk gives errors, never other bytes"
        if cut.end == cut.before.size:
            return None
        origin, signer = cut.state.origin, KEYS.signer
        sealed = seal(origin, cut.before, cut.leaves, KEYS.salt_secret, signer, cut.holes)
        head = self.heads.get(origin, EMPTY_HEAD)
        taken = accept(head, sealed.upload, signer.verifier, None)
        assert isinstance(taken, Accepted), taken
        note = sealed.upload.checkpoint
        self.heads[origin] = Head(taken.frontier, note, b"")
        self.leaves[log] += taken.leaves
        self.holes += [(origin, hole) for hole in taken.holes]
        upload = encode_upload(sealed.upload)
        return Settled(
            log, origin.epoch, cut.before, sealed.frontier, upload, note, b"receipt", time_s
        )


class _Pause:
    """In the place of the recorder's event: a wait is simulated time, in which all else goes on."""

    def __init__(self, week: Week) -> None:
        self._week = week

    def is_set(self) -> bool:
        return False

    def wait(self, _timeout_s: float) -> bool:
        self._week.failed_tries += 1
        self._week.longest_queue = max(self._week.longest_queue, self._week.queued())
        self._week.step()
        return False


@dataclass
class Week:
    """`run` to its end; then what central holds is to be judged against what was polled."""

    config: AgentConfig
    period_ms: int
    troubles: list[Trouble]
    kills_ms: list[int] = field(default_factory=list)
    calm: Callable[[], AbstractContextManager[None]] = nullcontext  # for our own files
    central: Central = field(default_factory=Central)
    accepted: list[Key] = field(default_factory=list)  # by the queue, in order
    refused: list[Key] = field(default_factory=list)  # the queue was full
    polls: int = 0
    starts: int = 0
    kills: int = 0
    failed_tries: int = 0
    failed_reads: int = 0
    failed_starts: int = 0
    longest_queue: int = 0
    is_linked: bool = True

    def __post_init__(self) -> None:
        self.clock = SetClock()
        self.meter = Meter(self.config, self.clock, self.period_ms)
        self.path = self.config.state_dir / FILE_NAME
        self._waiting: list[Trouble] = []
        self._on: list[Trouble] = []
        self._kills = sorted(self.kills_ms, reverse=True)
        self._is_killable = True
        self.journal: Journal | None = None
        self.recorder: Recorder | None = None

    def prepare(self) -> None:
        """The troubles are known."""
        self._waiting = sorted(self.troubles, key=lambda trouble: -trouble.start_ms)

    def run(self, length_ms: int, settle_each: int) -> None:
        """The whole time, then a quiet end in which everything is sent."""
        rounds = 0
        self._start_until_it_runs()
        while self.clock.mono_ms < length_ms:
            rounds += 1
            self._guarded(self._round)
            if rounds % settle_each == 0 and self.is_linked:
                self._guarded(self.send)
        assert not self._on + self._waiting, "all troubles are over before the end"
        for _ in range(20):  # time to look for room again
            self._guarded(self._round)
        while self._unsent():
            self._guarded(self.send)

    def step(self) -> None:
        """One period: the disk and the link change, the devices are polled. Polling never stops."""
        self._change()
        for scan in self.meter.round():
            self.polls += 1
            if self.recorder is not None:
                key = (scan.device.serial, scan.instant.boot_no, scan.instant.mono_ms)
                taken = self.recorder.deliver(scan)
                (self.accepted if taken else self.refused).append(key)
        due = self._kills and self.clock.mono_ms >= self._kills[-1]
        if due and self._is_killable and self.recorder is not None:
            self._kills.pop()
            raise Killed

    def send(self) -> None:
        """One batch of each log, and its receipt into the journal."""
        assert self.recorder is not None
        self._is_killable = False  # a receipt that is lost is the uplink's matter
        try:
            reader = JournalReader(self.path, self.config.gateway)
            try:
                for log in Log:
                    settled = self.central.take(reader, log, self._time_s())
                    if settled is not None:
                        self.recorder.settle(settled, timeout_s=0.0)
                        assert self.recorder.turn()
            finally:
                reader.close()
        except ReadFailed:
            self.failed_reads += 1  # the uplink tries again
        finally:
            self._is_killable = True

    def queued(self) -> int:
        return 0 if self.recorder is None else self.recorder._inbox.waiting()

    def _round(self) -> None:
        self.step()
        assert self.recorder is not None
        assert self.recorder.turn()

    def _guarded(self, act: Callable[[], None]) -> None:
        before = self.kills
        try:
            act()
        except Killed:
            self.kills += 1
        if self.kills > before:  # by now what the traceback held open is closed
            self._die()
            self._start_until_it_runs()

    def _change(self) -> None:
        now_ms = self.clock.mono_ms
        for trouble in [each for each in self._on if each.end_ms <= now_ms]:
            self._on.remove(trouble)
            trouble.end()
        while self._waiting and self._waiting[-1].start_ms <= now_ms:
            self._on.append(self._waiting.pop())
            self._on[-1].begin()

    def _start_until_it_runs(self) -> None:
        """As systemd would; while it does not run, nothing is polled."""
        while self.recorder is None:
            before = self.kills
            try:
                self._start()
            except Killed:
                self.kills += 1
            except (JournalError, MigrationError, OSError):
                self.failed_starts += 1
                self.step()
            if self.kills > before:
                self._die()

    def _start(self) -> None:
        """The queue of the process before is gone; so is what it had refused."""
        self.starts += 1
        self.journal, memory = open_journal(self.config, BOOT_ID, self.clock.mono_ms)
        self.clock.boot_no = memory.boot_no
        self.recorder = Recorder(self.journal, memory, self.config, SALTS, self.clock, VERSION)
        self.recorder._give_up = _Pause(self)  # type: ignore[assignment]
        assert self.recorder.begin()

    def _die(self) -> None:
        """The files as the kernel has them; no connection says goodbye."""
        gc.collect()
        with self.calm():
            self._take_over()

    def _take_over(self) -> None:
        assert self.journal is not None
        paths = [self.path, self.path.with_name(f"{FILE_NAME}-wal")]
        kept = {path: path.read_bytes() for path in paths if path.exists()}
        with suppress(sqlite3.Error):
            self.journal.close()
        for path in self.path.parent.glob(f"{FILE_NAME}*"):
            path.unlink()
        for path, data in kept.items():
            _write_sparse(path, data)
        self.recorder = self.journal = None

    def _unsent(self) -> bool:
        reader = JournalReader(self.path, self.config.gateway)
        states = [reader.state(log) for log in Log]
        reader.close()
        return any(state.receipted.size < state.frontier.size for state in states)

    def _time_s(self) -> int:
        utc_ms = self.clock.now().utc_ms
        assert utc_ms is not None
        return utc_ms // 1000


def _write_sparse(path: Path, data: bytes) -> None:
    """On a disk that is full: no more blocks than the file had."""
    with path.open("wb") as file:
        for at in range(0, len(data), BLOCK):
            block = data[at : at + BLOCK]
            if block.strip(b"\0"):
                file.seek(at)
                file.write(block)
        file.truncate(len(data))


def windows(
    rng: random.Random, length_ms: int, count: int, longest_ms: int
) -> list[tuple[int, int]]:
    """So many stretches of the time, none in its last tenth, apart from each other or not."""
    found = []
    for _ in range(count):
        start_ms = rng.randrange(HOUR_MS, int(0.8 * length_ms))
        span_ms = int(longest_ms * rng.random() ** 2)  # short ones are the more frequent
        found.append((start_ms, min(start_ms + span_ms, int(0.9 * length_ms))))
    return found
