"""What waits becomes one draft, as often as it is made."""

from __future__ import annotations

from pathlib import Path

from edge_agent.journal.memory import first_memory
from edge_agent.recorder.room import Room
from edge_agent.recorder.tick_work import NO_WORK, Request, TickMaker
from edge_agent.recording.device_recording import Fact
from edge_agent.recording.inbox import Dropped, Work
from protocols.evidence.facts import Moment
from protocols.evidence.leaf import Kind, Log, decode_leaf
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, VERSION, Polls, config_of, new_journal
from tests.edge_agent.tiny_disk import SALTS


def test_a_draft_may_be_made_again(tmp_path: Path) -> None:
    """Behind another memory the same scans, losses and facts are recorded, each once."""
    config = config_of(tmp_path)
    journal = new_journal(config)
    polls = Polls(config)
    maker = TickMaker(config, SALTS, polls.clock, VERSION, Room(journal))
    memory = maker.start(first_memory(GATEWAY, BOOT_ID)).tick().after
    fact = Fact(polls.clock.now(), "value_asked", "M1", None, 1, "Li Wei", "")
    dropped = Dropped(3, Moment(0, 1), Moment(0, 2))
    work = Work(tuple(polls.rounds(2)), dropped, (Request(facts=(fact,)), Request()))
    first = maker.tick(memory, work)
    kinds = [decode_leaf(leaf.data).kind for leaf in first.leaves]
    assert kinds.count(Kind.SCAN) == 6
    assert kinds.count(Kind.LOSS) == 1
    assert maker.stopped
    behind = maker.tick(memory, NO_WORK)
    behind.event(polls.clock.now(), "other_master", "", None, None, "agent")
    second = maker.tick(behind.tick().after, work)
    assert [decode_leaf(leaf.data).kind for leaf in second.leaves] == kinds
    assert second.before.heads[Log.BILLING].size == memory.heads[Log.BILLING].size + 1
    journal.close()


def test_a_request_for_nothing_is_the_stop() -> None:
    """Any other asks for something."""
    assert Request().is_stop
    assert not Request(damaged=Log.BILLING).is_stop
