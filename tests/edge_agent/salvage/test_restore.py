"""What a damaged journal remembered: believed where whole, else made again or given up."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.device_memory import DeviceMemory, PendingGap
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.memory import Memory, OrderState
from edge_agent.journal.schema import migrate
from edge_agent.salvage import journal_start
from edge_agent.salvage.salvage import STATE_LOST
from protocols.evidence.leaf import Kind, Log
from protocols.evidence.order import sign_order
from tests.edge_agent.gateway import KEYS, config_of, new_journal, table
from tests.edge_agent.opened import Rig
from tests.edge_agent.recording.test_order_recording import NEW, ORDERS, gas, order

ORDER = order(4, gas(NEW, at_ms=9_000))
SALTS = Salts(KEYS.gateway, KEYS.salt_secret)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AgentConfig:
    config = config_of(tmp_path)
    new_journal(config).close()
    empty = tmp_path / "empty.db"
    migrate(empty)
    monkeypatch.setattr(
        journal_start, "migrate_in_child", lambda path, _size: shutil.copy(empty, path)
    )
    return config


@pytest.fixture
def rig(config: AgentConfig) -> Rig:
    """Eleven rounds, an order that is in force, a watched regulator, a gap that waits."""
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.rounds(3)
    rig.recorder.obey(ORDER, sign_order(ORDER, ORDERS), timeout_s=0.0)
    rig.rounds(8)
    draft = Draft(rig.recorder.memory, SALTS)
    gap_seq = draft.next_seq(Log.BILLING)
    draft.event(rig.polls.clock.now(), "gap", "M1", None, None, "agent")
    gap = PendingGap(gap_seq, "R1", "M1", 1, 2)
    draft.devices = DeviceMemory({}, {gap_seq: gap}, {("M1", "day"): 7})
    assert rig.recorder.store(draft)
    return rig


def again(rig: Rig, *damage: str) -> Memory:
    """What is remembered after the salvage, before the start is recorded."""
    rig.journal.close()
    with closing(sqlite3.connect(rig.config.state_dir / FILE_NAME)) as connection:
        for statement in damage:
            connection.execute(statement)
        connection.commit()
    rig.open()
    assert rig.recorder._epochs.begin()
    return rig.recorder.memory


def test_what_is_whole_goes_on(rig: Rig) -> None:
    """Everything, where only a state is damaged; that one is made again to the last bit."""
    before = rig.recorder.memory
    after = again(rig, "UPDATE run_state SET digest = x'00'")
    assert after.heads[Log.BILLING].epoch == 1
    assert after.boot_no == before.boot_no + 1
    assert after.orders == before.orders
    assert after.order_number == 4
    assert after.regulators == before.regulators
    assert after.configuration == before.configuration
    assert after.clock is not None
    assert after.devices.marks == before.devices.marks
    assert len(after.devices.gaps) == 1
    old, new = before.runs["R1"].state.now, after.runs["R1"].state.now
    assert new == old._replace(next_seq=new.next_seq)
    assert after.runs["R1"].config == before.runs["R1"].config


def test_a_damaged_order_is_asked_for_again(rig: Rig) -> None:
    """With all others: central gives them in turn, and the last one holds."""
    assert rig.recorder.memory.orders[4].state is OrderState.IN_FORCE
    after = again(rig, "UPDATE gas_order SET digest = x'00'")
    assert (after.orders, after.order_number) == ({}, 0)


def test_a_lost_mark_takes_no_record_twice(rig: Rig) -> None:
    """The gaps that wait are given up rather than filled again with what is in the log."""
    after = again(rig, "UPDATE archive_mark SET digest = x'00'")
    assert after.devices.gaps == {}


def test_without_the_gateways_row(rig: Rig) -> None:
    """Runs go on; the rest is asked for, or configured again."""
    after = again(rig, "UPDATE gateway SET digest = x'00'")
    assert after.runs["R1"].state.now.segment == 0
    assert after.order_number == 0
    assert after.boot_no >= 1


def test_a_run_that_was_configured_anew_since(rig: Rig, tmp_path: Path) -> None:
    """Its last interval is another configuration's: it begins a new segment, and says so."""
    rig.journal.close()
    other = table()
    other["run"][0]["stale_seconds"] = 21
    rig.config = config_of(tmp_path, other)
    rig.open()
    assert rig.recorder.begin()
    after = again(rig, "UPDATE run_state SET digest = x'00'")
    assert after.runs["R1"].state.now.segment == 1
    assert after.runs["R1"].state.now.positions == ()
    told = [
        leaf.body
        for leaf in rig.all_leaves(Log.BILLING)
        if leaf.kind is Kind.EVENT and leaf.body[0] == STATE_LOST
    ]
    assert "configured anew" in str(told[0][-1])
