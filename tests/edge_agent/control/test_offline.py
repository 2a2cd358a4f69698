"""Acting without an agent: the journal must be in order before anything is written into it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.control.offline import JournalNote, acting
from edge_agent.journal.draft import Salts
from edge_agent.journal.journal import FILE_NAME, JournalError
from edge_agent.journal.opening_rows import Pending, store_pending
from edge_agent.keys.keys import create_keys
from edge_agent.recording.device_recording import Fact
from edge_agent.salvage import quarantine
from protocols.evidence.facts import EpochReason, LossReason, Moment, parse_epoch, parse_loss
from protocols.evidence.leaf import Kind, Log
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, KEYS, SetClock, config_of, new_journal
from tests.edge_agent.opened import Rig


@pytest.mark.parametrize("state", ["under way", "put aside"])
def test_an_epoch_that_is_being_opened_is_not_written_into(tmp_path: Path, state: str) -> None:
    """What is repeated comes first: the agent has to do it."""
    config = config_of(tmp_path)
    create_keys(config.state_dir, GATEWAY, os.urandom)
    journal = new_journal(config)
    if state == "under way":
        store_pending(journal.connection, Pending(0))
    journal.close()
    if state == "put aside":
        quarantine.put_aside(config.state_dir / FILE_NAME, "start", "why")
    with pytest.raises(JournalError, match="let edge-agent run do it"), acting(config):
        pass


def test_the_first_leaf_of_a_lost_journal_says_so(tmp_path: Path) -> None:
    """Also where a technician writes before the agent ran again."""
    config = config_of(tmp_path)
    journal = new_journal(config)
    memory = journal.load(config.gateway, BOOT_ID, 0, lambda: 3)
    note = JournalNote(journal, memory, Salts(KEYS.gateway, KEYS.salt_secret))
    assert note([Fact(SetClock().now(), "value_asked", "M1", 1, 2, "Li", "why")])
    journal.close()
    leaves = Rig(config).all_leaves(Log.BILLING)
    assert [leaf.kind for leaf in leaves] == [Kind.EPOCH, Kind.CLOCK, Kind.EVENT]
    assert parse_epoch(leaves[0].body).reason is EpochReason.JOURNAL_LOST


@pytest.mark.parametrize("boot_id", [BOOT_ID, "22222222-bbbb"], ids=["killed", "power cut"])
def test_an_act_after_a_kill_says_first_what_the_kill_took(tmp_path: Path, boot_id: str) -> None:
    """Else nobody knew any more when that was: the loss would begin with the act."""
    config = config_of(tmp_path)
    new_journal(config).close()
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.rounds(3)
    killed = Moment(rig.polls.clock.boot_no, rig.polls.clock.mono_ms)
    rig.journal.close()  # no finish
    rig.polls.clock.mono_ms += 600_000
    journal = new_journal(rig.config)
    memory = journal.load(GATEWAY, boot_id, rig.polls.clock.mono_ms)
    rig.polls.clock.boot_no = memory.boot_no
    note = JournalNote(journal, memory, Salts(KEYS.gateway, KEYS.salt_secret))
    for _ in range(2):
        assert note([Fact(rig.polls.clock.now(), "value_asked", "M1", 1, 2, "Li", "why")])
    journal.close()
    rig.polls.clock.mono_ms += 600_000
    rig.open()
    assert rig.recorder.begin()
    rig.journal.close()
    losses = [
        parse_loss(leaf.body) for leaf in rig.all_leaves(Log.BILLING) if leaf.kind is Kind.LOSS
    ]
    assert [loss.reason for loss in losses] == [LossReason.UNCLEAN_END]
    assert losses[0].since == killed
    assert losses[0].until == Moment(memory.boot_no, killed.mono_ms + 600_000)
