"""A journal that is full: what goes first, what never goes, and that each loss is in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.journal.ballast import BALLAST_BYTES, BALLAST_NAME, RESERVE_NAME
from edge_agent.journal.disk_forecast import SAMPLE_MS
from edge_agent.journal.eviction import KEPT_ROWS
from edge_agent.journal.journal import FILE_NAME, Journal
from edge_agent.journal.schema import migrate
from edge_agent.journal.settling import Retention
from edge_agent.journal.space import Limits
from edge_agent.recorder.recorder import Recorder
from edge_agent.recorder.room import HOLD_MS
from edge_agent.salvage.journal_start import open_journal
from protocols.evidence.facts import LossReason
from protocols.evidence.leaf import Kind, Log, decode_leaf
from tests.edge_agent.gateway import (
    BOOT_ID,
    GATEWAY,
    VERSION,
    Polls,
    config_of,
    table,
    wait_until,
    write_ca,
)
from tests.edge_agent.journal.test_journal import settled_of
from tests.edge_agent.tiny_disk import SALTS, Sent, fill, send_all, tiny_disk

QUEUE = 150
KB = 1024


class Rig:
    """A recorder, turned by the test, on a journal with limits."""

    def __init__(self, directory: Path, limits: Limits, state_dir: Path | None = None) -> None:
        write_ca(directory)
        changed = table()
        changed["journal"]["queue_scans"] = QUEUE
        if state_dir is not None:
            changed["gateway"]["state_dir"] = str(state_dir)
        self.config = config_of(directory, changed)
        self.config.state_dir.mkdir(exist_ok=True)
        self.path = self.config.state_dir / FILE_NAME
        migrate(self.path)
        self.journal = Journal(self.path, Retention(), 50, limits)
        self.polls = Polls(self.config)
        memory = self.journal.load(GATEWAY, BOOT_ID, 0)
        clock = self.polls.clock
        self.recorder = Recorder(self.journal, memory, self.config, SALTS, clock, VERSION)
        self.delivered: list[bool] = []

    def deliver(self, rounds: int) -> None:
        self.delivered += [self.recorder.deliver(scan) for scan in self.polls.rounds(rounds)]

    def turns(self, count: int, rounds: int = 20) -> None:
        """Each with so many rounds of polls."""
        for _ in range(count):
            self.deliver(rounds)
            assert self.recorder.turn()

    def settle(self, log: Log) -> None:
        """Receipted, in a tick of its own."""
        settled = settled_of(self.journal, log)
        draft = self.recorder._draft(self.recorder._inbox.look(0))
        self.journal.commit(draft.tick(), (settled,))
        self.recorder.memory = draft.tick().after

    def count(self, query: str) -> int:
        return int(self.journal.connection.execute(query).fetchone()[0])

    def bytes_used(self) -> int:
        return self.count("PRAGMA page_count") * self.count("PRAGMA page_size")

    def sent(self) -> tuple[Sent, Sent]:
        """What central gets of both logs."""
        for _ in range(2):  # a rest in the queue is recorded
            assert self.recorder.turn()
        memory = self.recorder.memory
        return (
            send_all(self.journal, memory, Log.BILLING),
            send_all(self.journal, memory, Log.TELEMETRY),
        )


@contextmanager
def rig_of(directory: Path, limits: Limits, state_dir: Path | None = None) -> Iterator[Rig]:
    rig = Rig(directory, limits, state_dir)
    try:
        yield rig
    finally:
        rig.recorder.end()
        rig.journal.close()


def events(billing: Sent) -> list[tuple[object, ...]]:
    """(code, old, new) of the disk's."""
    bodies = [leaf.body for leaf in billing.leaves if leaf.kind is Kind.EVENT]
    return [(body[0], body[1], body[2]) for body in bodies if str(body[0]).startswith("disk_")]


def accounted(billing: Sent, telemetry: Sent) -> int:
    """Every seq of telemetry is a leaf, or in a hole that LOSS leaves name; how many were lost."""
    losses = [one for one in billing.losses() if one.log is Log.TELEMETRY]
    told = sorted(seq for one in losses for seq in range(one.first, one.end))
    holes = [seq for hole in telemetry.holes for seq in range(hole.first, hole.end)]
    assert told == holes
    assert all(one.count == one.end - one.first for one in losses)
    return len(holes)


def test_receipted_batches_go_first(tmp_path: Path) -> None:
    """Nothing unsent is touched while there are any, and nobody is alarmed."""
    with rig_of(tmp_path, Limits(max_bytes=400 * KB)) as rig:
        assert rig.recorder.begin()
        for _ in range(3):
            rig.turns(4)
            rig.settle(Log.TELEMETRY)
            rig.settle(Log.BILLING)
        while rig.count("SELECT count(*) FROM batch"):
            assert rig.count("SELECT count(*) FROM hole") == 0
            rig.turns(1, 5)
        assert rig.bytes_used() <= 400 * KB
        assert rig.recorder.memory.disk == frozenset()


def test_then_unsent_scans_go_and_leave_their_hashes(tmp_path: Path) -> None:
    """Oldest first, each range in a LOSS leaf; the rest arrives at the very same root."""
    with rig_of(tmp_path, Limits(max_bytes=500 * KB)) as rig:
        assert rig.recorder.begin()
        rig.turns(60)
        assert rig.bytes_used() <= 500 * KB
        rows = rig.count("SELECT count(*) FROM telemetry")
        assert KEPT_ROWS <= rows < rig.recorder.memory.heads[Log.TELEMETRY].size
        assert rig.recorder.memory.disk == {"disk_full"}
        billing, telemetry = rig.sent()
        lost = accounted(billing, telemetry)
        assert lost > 1024
        assert telemetry.holes[0].first == 0
        assert len(telemetry.leaves) + lost == 60 * 60
        assert billing.holes == []
        assert events(billing) == [("disk_full", "off", "on")]
        assert all(rig.delivered)


def test_room_again_is_told(tmp_path: Path) -> None:
    """Once the log was sent and its batches dropped the event says that it is over."""
    with rig_of(tmp_path, Limits(max_bytes=500 * KB)) as rig:
        assert rig.recorder.begin()
        rig.turns(60)
        rig.sent()
        rig.journal.connection.execute("DELETE FROM batch")
        rig.turns(2)
        assert "disk_full" in rig.recorder.memory.disk
        rig.polls.clock.mono_ms += HOLD_MS
        rig.turns(1)
        assert "disk_full" not in rig.recorder.memory.disk


def test_a_full_disk_is_seen_coming(tmp_path: Path) -> None:
    """An event while there is still room, with the days at that rate; and its end."""
    with rig_of(tmp_path, Limits(max_bytes=3_000 * KB)) as rig:
        assert rig.recorder.begin()
        for _ in range(8):
            rig.polls.clock.mono_ms += SAMPLE_MS
            rig.turns(1)
        assert rig.recorder.memory.disk == {"disk_filling"}
        assert rig.count("SELECT count(*) FROM hole") == 0
        for log in Log:
            rig.settle(log)
        rig.polls.clock.mono_ms += SAMPLE_MS
        rig.turns(1)
        assert rig.recorder.memory.disk == frozenset()
        rows = rig.journal.connection.execute("SELECT leaf FROM billing ORDER BY seq")
        bodies = [decode_leaf(row[0]).body for row in rows]
        assert ("disk_filling", "on", "off") in [body[:3] for body in bodies]


def test_unsent_billing_stays_and_the_reserve_is_the_last_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so once; what then finds no room is counted, and recorded when there is some."""
    limits = Limits(max_bytes=300 * KB, reserve_bytes=64 * KB)
    with rig_of(tmp_path, limits) as rig:
        caplog.set_level(logging.CRITICAL)
        assert rig.recorder.begin()
        rig.recorder.start()
        reserve = rig.path.with_name(RESERVE_NAME)
        assert reserve.stat().st_size == 64 * KB
        while rig.recorder._reported_ms is None:  # until it takes nothing any more
            rig.deliver(40)
            assert wait_until(
                lambda: rig.recorder._inbox.waiting() == 0 or rig.recorder._reported_ms is not None
            )
        assert not reserve.exists()
        assert rig.bytes_used() <= (300 + 64) * KB
        rig.deliver(QUEUE)
        rig.journal.space._soft_bytes = 4_000 * KB  # the operator gives it more room
        rig.journal.space.relax(rig.journal.connection)
        assert wait_until(lambda: rig.recorder._inbox.waiting() == 0)
        rig.recorder.end()
        rig.recorder.join(10.0)
        billing, telemetry = rig.sent()
        accounted(billing, telemetry)
        dropped = [one for one in billing.losses() if one.reason is LossReason.DROPPED]
        assert sum(one.count or 0 for one in dropped) == rig.delivered.count(False) > 0
        assert events(billing).count(("disk_reserve", "off", "on")) == 1
        seqs = [leaf.seq for leaf in billing.leaves]
        assert seqs == list(range(len(seqs)))


def test_a_full_file_system_is_survived_without_a_restart(tmp_path: Path) -> None:
    """Ballast, then receipted batches, then what is lost is counted; all recovers by itself."""
    with (
        tiny_disk(tmp_path / "disk", 6 * KB) as disk,
        rig_of(tmp_path, Limits(reserve_bytes=256 * KB), disk / "state") as rig,
    ):
        ballast = rig.path.with_name(BALLAST_NAME)
        assert ballast.stat().st_size == BALLAST_BYTES
        assert rig.recorder.begin()
        rig.turns(10)
        rig.settle(Log.TELEMETRY)
        for leave in (0, 16 * KB):
            other = fill(disk, leave)
            rig.turns(30)
            assert not ballast.exists()
            other.unlink()
            rig.turns(1)
            rig.polls.clock.mono_ms += HOLD_MS
            rig.turns(1)
            assert ballast.exists()
            assert rig.path.with_name(RESERVE_NAME).exists()
            assert "disk_full" not in rig.recorder.memory.disk
        assert all(rig.delivered)
        billing, telemetry = rig.sent()
        accounted(billing, telemetry)
        assert billing.holes == []
        told = events(billing)
        assert told.count(("disk_full", "off", "on")) == told.count(("disk_full", "on", "off")) == 2


def test_a_start_on_a_full_disk(tmp_path: Path) -> None:
    """The ballast lets the journal be opened; polls are recorded, and it recovers."""
    with (
        tiny_disk(tmp_path / "disk", 6 * KB) as disk,
        rig_of(tmp_path, Limits(reserve_bytes=256 * KB), disk / "state") as rig,
    ):
        assert rig.recorder.begin()
        rig.turns(10)
        rig.journal.close()
        other = fill(disk)
        rig.journal, memory = open_journal(rig.config, BOOT_ID, rig.polls.clock.mono_ms)
        clock = rig.polls.clock
        rig.recorder = Recorder(rig.journal, memory, rig.config, SALTS, clock, VERSION)
        assert rig.recorder.begin()
        rig.turns(20)
        assert "disk_full" in rig.recorder.memory.disk
        other.unlink()
        rig.polls.clock.mono_ms += HOLD_MS
        rig.turns(2)
        assert "disk_full" not in rig.recorder.memory.disk
        assert rig.path.with_name(BALLAST_NAME).exists()
        assert all(rig.delivered)
        billing, telemetry = rig.sent()
        accounted(billing, telemetry)
        assert [one.reason for one in billing.losses()].count(LossReason.UNCLEAN_END) == 1


def test_a_disk_without_any_room_drops_exactly_what_it_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The others' file grows into whatever is given up; polls go on, and are counted."""
    caplog.set_level(logging.CRITICAL)
    with (
        tiny_disk(tmp_path / "disk", 4 * KB) as disk,
        rig_of(tmp_path, Limits(), disk / "state") as rig,
    ):
        rig.recorder.start()
        rig.deliver(4)
        assert wait_until(lambda: rig.recorder.memory.heads[Log.TELEMETRY].size == 12)
        other = fill(disk)
        while rig.recorder._reported_ms is None:
            rig.deliver(10)
            assert wait_until(
                lambda: rig.recorder._inbox.waiting() == 0 or rig.recorder._reported_ms is not None
            )
            fill(disk)
        rig.deliver(QUEUE)
        lost = rig.delivered.count(False)
        assert lost > 0
        other.unlink()
        assert wait_until(lambda: rig.recorder._inbox.waiting() == 0)
        rig.deliver(1)
        assert wait_until(lambda: rig.recorder._inbox.waiting() == 0)
        rig.recorder.end()
        rig.recorder.join(10.0)
        billing, telemetry = rig.sent()
        holes = accounted(billing, telemetry)
        dropped = [one for one in billing.losses() if one.reason is LossReason.DROPPED]
        assert sum(one.count or 0 for one in dropped) == rig.delivered.count(False) == lost
        assert len(telemetry.leaves) + holes == rig.delivered.count(True)
