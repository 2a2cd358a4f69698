"""An epoch opened on a healthy journal: everything unsent comes again, once, and the law holds."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.epoch import FILE_NAME as EPOCH_FILE
from edge_agent.journal.opening_rows import load_pending
from edge_agent.recording import reopening
from edge_agent.recording.epoch_opening import Opening
from protocols.evidence.facts import EpochReason, parse_epoch
from protocols.evidence.leaf import Kind, Log, Was, encode_leaf, leaf_hash
from tests.edge_agent.gateway import config_of, new_journal
from tests.edge_agent.killed import Statements, killed
from tests.edge_agent.opened import LOGS, Central, Rig, conserved, content

REKEYED = Opening(EpochReason.REKEYED, above=0)


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    config = config_of(tmp_path)
    new_journal(config).close()
    return config


def opened(rig: Rig, opening: Opening = REKEYED) -> None:
    rig.recorder.open_epoch(opening, timeout_s=0.0)
    assert rig.recorder.turn()


def test_what_has_no_receipt_comes_again_in_order(config: AgentConfig) -> None:
    """Behind the EPOCH leaf, as it was, with its first place and hash; receipted leaves do not."""
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    rig.rounds(5)
    rig.send(central)
    rig.rounds(4)
    before = {log: rig.all_leaves(log) for log in LOGS}
    opened(rig)
    for log in LOGS:
        after = rig.all_leaves(log)
        assert {leaf.epoch for leaf in after} == {1}
        again = [leaf for leaf in after if leaf.was is not None]
        n = len(before[log])
        assert [content(leaf) for leaf in again[:n]] == [content(leaf) for leaf in before[log]]
        assert [leaf.was for leaf in again[:n]] == [
            Was(0, leaf.seq, leaf_hash(encode_leaf(leaf))) for leaf in before[log]
        ]
        first = 1 if log is Log.BILLING else 0
        assert [leaf.seq for leaf in again] == list(range(first, first + len(again)))
    epoch = rig.all_leaves(Log.BILLING)[0]
    assert epoch.kind is Kind.EPOCH
    assert parse_epoch(epoch.body).reason is EpochReason.REKEYED
    assert parse_epoch(epoch.body).old_epoch == 0
    assert (config.state_dir / EPOCH_FILE).read_text() == "2\n"


def test_the_law_holds_over_an_opening(config: AgentConfig) -> None:
    """One segment, end less start is what is booked; the run goes on, over a restart too."""
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    rig.rounds(5)
    rig.send(central, most=7)
    rig.rounds(4)
    opened(rig)
    opened(rig)  # asked twice: it is open
    rig.rounds(5)
    rig.send(central, most=5)
    rig.journal.close()
    rig.open()
    assert rig.recorder.begin()
    rig.rounds(4)
    rig.recorder.finish(0.0)
    assert rig.recorder.turn()
    rig.send(central)
    assert rig.recorder.memory.heads[Log.BILLING].epoch == 1
    intervals = central.intervals()
    assert conserved(intervals) == {0: (rig.polls.index - 1010,) * 2}
    assert intervals[-1].totals[0].end == rig.polls.index
    for before, record in pairwise(intervals):
        assert [t.start for t in record.totals] == [t.end for t in before.totals]


def test_a_carry_goes_on_but_for_the_number_of_its_next_scan(config: AgentConfig) -> None:
    """Remainders, counters, segments: all as they were; scans are counted from the new log."""
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.rounds(8)
    rig.recorder.memory.runs["R1"]
    opened(rig)
    state = rig.recorder.memory.runs["R1"].state
    (last,) = [leaf for leaf in rig.all_leaves(Log.BILLING) if leaf.kind is Kind.INTERVAL][-1:]
    assert last.was is not None
    assert state.now.next_seq == rig.recorder.memory.heads[Log.TELEMETRY].size == 24
    assert state.opening == state.now
    assert state.now.positions[0].index_counts == rig.polls.index


def test_an_opening_in_pieces(config: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog of any length is appended again in bounded transactions."""
    monkeypatch.setattr(reopening, "MOST_LEAVES", 4)
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    rig.rounds(9)
    opened(rig)
    rig.rounds(2)
    rig.send(central)
    assert [leaf.was.seq for leaf in central.of(Kind.SCAN) if leaf.was] == list(range(27))


def test_a_damaged_row_is_told_and_passed_over(config: AgentConfig) -> None:
    """It is lost, and nothing else."""
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    rig.rounds(3)
    rig.journal.connection.execute("UPDATE telemetry SET leaf = x'00' WHERE seq = 4")
    opened(rig)
    rig.send(central)
    (loss,) = central.of(Kind.LOSS)
    assert loss.body[:6] == ("damaged", "telemetry", 0, 4, 5, 1)
    assert [leaf.was.seq for leaf in central.of(Kind.SCAN) if leaf.was] == [0, 1, 2, 3, 5, 6, 7, 8]


@pytest.mark.parametrize("stride", [23, pytest.param(1, marks=pytest.mark.long)])
def test_killed_between_any_two_statements(
    config: AgentConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    """It goes on at the next start: nothing is lost, nothing doubled, the law holds."""
    monkeypatch.setattr(reopening, "MOST_LEAVES", 9)
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.rounds(7)
    before = {log: len(rig.all_leaves(log)) for log in LOGS}
    rig.journal.close()
    keep = tmp_path / "keep"
    shutil.copytree(config.state_dir, keep)
    statements, kill_at = 1, 0
    while kill_at < statements:
        shutil.rmtree(config.state_dir)
        shutil.copytree(keep, config.state_dir)

        def life(writing: int, kill_at: int = kill_at) -> None:
            rig = Rig(config)
            assert rig.recorder.begin()
            counted = Statements(rig.journal.connection, kill_at)
            opened(rig)
            os.write(writing, b"%d" % counted.count)

        told = killed(life)
        if not told:
            statements = kill_at + 2 * stride
        again = Rig(config)
        assert again.recorder.begin()
        assert again.journal.look(load_pending) is None
        opened(again)
        again.rounds(2)
        central = Central()
        again.send(central)
        assert len(central.leaves) == len(central.first_told())
        scans = [leaf.was.seq for leaf in central.of(Kind.SCAN) if leaf.was]
        assert scans == list(range(before[Log.TELEMETRY]))
        assert central.leaves[0].kind is Kind.EPOCH
        again.journal.close()
        kill_at += stride
    assert kill_at > 100


@pytest.mark.parametrize("reason", [EpochReason.SET_BACK, EpochReason.FORKED])
def test_an_old_state_begins_each_total_anew(config: AgentConfig, reason: EpochReason) -> None:
    """Central has booked what it would book: a new segment, from the next index on."""
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.rounds(7)
    before = rig.recorder.memory.runs["R1"].state.next_segment
    opened(rig, Opening(reason, above=0))
    carry = rig.recorder.memory.runs["R1"].state.now
    assert (carry.positions, carry.segment, carry.flowed) == ((), before, None)
    assert carry.counters != type(carry.counters)()
