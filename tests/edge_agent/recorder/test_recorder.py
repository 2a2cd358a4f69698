"""The journal thread: a disk that takes nothing costs no scan that the queue can hold."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import Journal
from edge_agent.recorder.recorder import Recorder
from protocols.evidence.facts import LossReason, Moment, parse_loss
from protocols.evidence.leaf import Kind, Log
from tests.edge_agent.gateway import (
    BOOT_ID,
    KEYS,
    VERSION,
    Polls,
    config_of,
    new_journal,
    table,
    wait_until,
)
from tests.edge_agent.ledger_law import Found, passed_counts, read_journal

QUEUE = 60


class Rig:
    def __init__(self, config: AgentConfig) -> None:
        self.journal: Journal = new_journal(config)
        self.polls = Polls(config)
        memory = self.journal.load(config.gateway, BOOT_ID, 0)
        salts = Salts(KEYS.gateway, KEYS.salt_secret)
        self.recorder = Recorder(self.journal, memory, config, salts, self.polls.clock, VERSION)

    def deliver(self, rounds: int) -> list[bool]:
        return [self.recorder.deliver(scan) for scan in self.polls.rounds(rounds)]

    def stored(self, log: Log = Log.TELEMETRY) -> int:
        return self.recorder.memory.heads[log].size

    def fill_disk(self) -> None:
        pages = self.journal.connection.execute("PRAGMA page_count").fetchone()[0]
        self.journal.connection.execute(f"PRAGMA max_page_count = {pages}")

    def free_disk(self) -> None:
        self.journal.connection.execute("PRAGMA max_page_count = 1000000")

    def end(self) -> Found:
        self.recorder.end()
        self.recorder.join(10.0)
        assert not self.recorder.is_alive()
        self.journal.close()
        return read_journal(self.journal.path)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    changed = table()
    changed["journal"]["queue_scans"] = QUEUE
    rig = Rig(config_of(tmp_path, changed))
    yield rig
    rig.recorder.end()
    if rig.recorder.ident is not None:
        rig.recorder.join(10.0)
    rig.journal.close()


def test_scans_are_durable_within_a_tick(rig: Rig) -> None:
    """Each in order, with the intervals that they close."""
    rig.recorder.start()
    assert all(rig.deliver(7))
    assert wait_until(lambda: rig.stored() == 21)
    assert len(read_journal(rig.journal.path).intervals()) == 2


def test_a_tick_is_one_commit(rig: Rig) -> None:
    """However many scans wait."""
    assert rig.recorder.begin()
    statements: list[str] = []
    rig.journal.connection.set_trace_callback(statements.append)
    rig.deliver(10)
    assert rig.recorder.turn()
    assert rig.recorder.turn()
    assert statements.count("COMMIT") == 1
    assert rig.stored() == 30


def test_a_full_disk_loses_only_what_the_queue_cannot_hold(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Polls go on; when there is room again the waiting scans are stored, the others counted."""
    rig.recorder.start()
    rig.deliver(3)
    assert wait_until(lambda: rig.stored() == 9)
    rig.fill_disk()
    # some rounds may still find room in the last pages; then one tick hangs with what it took
    while not caplog.records:
        assert all(rig.deliver(5))
        assert wait_until(lambda: bool(caplog.records) or rig.recorder._inbox.waiting() == 0)
    taken = rig.deliver(QUEUE)
    lost = taken.count(False)
    assert 0 < lost < len(taken)
    assert "the journal takes nothing" in caplog.text
    assert "free disk space" in caplog.text
    before = read_journal(rig.journal.path)
    rig.free_disk()
    delivered = rig.polls.index
    assert wait_until(lambda: rig.recorder._inbox.waiting() == 0)
    assert all(rig.deliver(1))
    found = rig.end()
    assert "takes leaves again" in caplog.text
    (counted,) = [parse_loss(leaf.body) for leaf in found.of(Kind.LOSS)]
    assert (counted.reason, counted.count) == (LossReason.DROPPED, lost)
    assert counted.since is not None
    assert counted.until is not None
    assert counted.since < counted.until
    assert (
        found.leaves[Log.TELEMETRY][: before.sizes[Log.TELEMETRY]] == (before.leaves[Log.TELEMETRY])
    )
    assert rig.polls.index == delivered + 10
    totals = [record.totals[0] for record in found.intervals()]
    assert passed_counts(found) == totals[-1].end - totals[0].start


def test_finish_closes_the_runs(rig: Rig) -> None:
    """Durable when it returns: the partial interval and the stop."""
    rig.recorder.start()
    rig.deliver(4)
    assert rig.recorder.finish(5.0)
    found = rig.end()
    assert found.events() == ["agent_started", "agent_stopped"]
    assert found.intervals()[-1].totals[0].end == rig.polls.index


def test_what_waits_at_the_end_is_stored(rig: Rig) -> None:
    """The last tick takes it."""
    rig.recorder.start()
    assert wait_until(lambda: rig.stored(Log.BILLING) > 0)
    rig.deliver(5)
    assert rig.end().sizes[Log.TELEMETRY] == 15


def test_a_disk_that_stays_full_does_not_hold_the_end(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """`finish` says that nothing is durable; the thread ends, and says what was given up."""
    rig.recorder.start()
    assert wait_until(lambda: rig.stored(Log.BILLING) > 0)
    caplog.set_level(logging.ERROR)
    rig.fill_disk()
    while not caplog.records:
        rig.deliver(5)
        assert wait_until(lambda: bool(caplog.records) or rig.recorder._inbox.waiting() == 0)
    assert not rig.recorder.finish(0.2)
    rig.end()
    assert "given up" in caplog.text


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    """Two agents one after the other on one journal: one log, one law."""
    config = config_of(tmp_path)
    rig = Rig(config)
    rig.recorder.start()
    rig.deliver(5)
    assert wait_until(lambda: rig.stored() == 15)
    rig.end()
    polls, rig = rig.polls, Rig(config)
    rig.polls.clock.mono_ms, rig.polls.index = polls.clock.mono_ms, polls.index
    rig.recorder.start()
    rig.deliver(5)
    assert wait_until(lambda: rig.stored() == 30)
    found = rig.end()
    assert found.events() == ["agent_started", "agent_started"]
    (between,) = [parse_loss(leaf.body) for leaf in found.of(Kind.LOSS)]  # no stop was recorded
    assert (between.reason, between.count) == (LossReason.UNCLEAN_END, None)
    assert between.since == Moment(0, 10_000)
    assert between.until is not None
    assert between.until >= between.since
    totals = [record.totals[0] for record in found.intervals()]
    assert passed_counts(found) == totals[-1].end - totals[0].start > 0
