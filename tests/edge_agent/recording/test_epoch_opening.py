"""Opening an epoch, as pure steps on a memory and a draft."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config.model import AgentConfig
from edge_agent.journal.device_memory import DeviceMemory, PendingGap
from edge_agent.journal.draft import Draft, Salts, repeated
from edge_agent.journal.memory import Memory, first_memory
from edge_agent.recording.epoch_opening import (
    Opening,
    at_epoch,
    close_runs,
    go_on,
    record_epoch,
    renumbered,
)
from edge_agent.recording.recording import MapHashes, record_scan, record_start
from protocols.evidence.facts import Citation, EpochReason, parse_epoch
from protocols.evidence.leaf import Kind, Leaf, Log, Was, decode_leaf, encode_leaf, leaf_hash
from protocols.metering.run import RunState
from tests.edge_agent.gateway import BOOT_ID, KEYS, VERSION, Polls, config_of

SALTS = Salts(KEYS.gateway, KEYS.salt_secret)


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    return config_of(tmp_path)


def polled(config: AgentConfig, rounds: int) -> tuple[Memory, Polls]:
    polls = Polls(config)
    draft = Draft(first_memory(config.gateway, BOOT_ID), SALTS)
    record_start(draft, config, polls.clock.now(), VERSION)
    for scan in polls.rounds(rounds):
        record_scan(draft, scan, MapHashes())
    return draft.tick().after, polls


def leaves(draft: Draft) -> list[Leaf]:
    return [decode_leaf(leaf.data) for leaf in draft.leaves]


@pytest.mark.parametrize("rounds", [0, 1, 3, 4, 5])
def test_runs_are_closed_and_go_on(config: AgentConfig, rounds: int) -> None:
    """The carry goes on but for the number of the next scan, wherever in an interval."""
    memory, polls = polled(config, rounds)
    now = polls.clock.now()
    closing = Draft(memory, SALTS)
    close_runs(closing, now)
    before = closing.tick().after.runs["R1"].state
    state = memory.runs["R1"].state
    is_open = state.opening is not None and state.opening.next_seq != state.now.next_seq
    assert [leaf.kind for leaf in leaves(closing)] == [Kind.INTERVAL] * is_open
    draft = Draft(at_epoch(closing.tick().after, 4), SALTS)
    record_epoch(draft, Opening(EpochReason.FORKED), 0, now)
    go_on(draft, {}, now)
    state = draft.tick().after.runs["R1"].state
    assert state.now == before.now._replace(next_seq=0)
    assert state.opening == (state.now if before.now.reference else None)
    assert not state.was_polled
    assert leaves(draft)[0].kind is Kind.EPOCH
    assert [leaf.subject for leaf in leaves(draft) if leaf.kind is Kind.CONFIGURATION] == ["", "R1"]
    assert draft.maps == set()
    assert all(leaf.epoch == 4 for leaf in leaves(draft))


def test_the_first_leaf_cites(config: AgentConfig) -> None:
    """Why, after what, and the last receipts."""
    memory, polls = polled(config, 1)
    cited = (Citation(Log.BILLING, 3, b"checkpoint", b"receipt"),)
    draft = Draft(at_epoch(memory, 2), SALTS)
    record_epoch(draft, Opening(EpochReason.REKEYED, cited, 1, "why"), 1, polls.clock.now())
    body = parse_epoch(leaves(draft)[0].body)
    assert body == (EpochReason.REKEYED, 1, cited, "why")


def test_a_gap_is_renumbered_or_given_up(config: AgentConfig) -> None:
    """By its event's new place; an event that stayed behind cannot be named."""
    memory, polls = polled(config, 1)
    gaps = {seq: PendingGap(seq, "R1", "M1", 1, 2, 1) for seq in (5, 9)}
    draft = Draft(at_epoch(memory, 1), SALTS)
    draft.devices = DeviceMemory({}, gaps, {})
    go_on(draft, {9: 3}, polls.clock.now())
    assert draft.devices.gaps == {3: gaps[9]._replace(seq=3)}
    (event,) = [leaf.body for leaf in leaves(draft) if leaf.kind is Kind.EVENT]
    assert event[0] == "archive_failed"
    assert "gap of event 5 of the epoch before" in str(event[-1])


@given(st.integers(0, 9), st.integers(0, 1 << 40), st.integers(10, 20), st.integers(0, 1 << 40))
def test_a_repeated_leaf_says_where_it_was_first(
    epoch: int, seq: int, later: int, place: int
) -> None:
    """And nothing else of it changes, however often it is repeated."""
    leaf = Leaf(
        Kind.EVENT, "gw-1", epoch, seq, "R1", bytes(32), 1, 2, None, 0, 0, ("a",), bytes(16)
    )
    hashed = leaf_hash(encode_leaf(leaf))
    once = repeated(leaf, hashed, later, place, b"s" * 16)
    assert once.was == Was(epoch, seq, hashed)
    assert once._replace(epoch=epoch, seq=seq, salt=bytes(16), was=None) == leaf
    twice = repeated(once, leaf_hash(encode_leaf(once)), later + 1, 7, b"t" * 16)
    assert twice.was == once.was


def test_a_run_that_saw_nothing(config: AgentConfig) -> None:
    """There is no interval to open."""
    state = renumbered(RunState.new(3), 12)
    assert (state.now.next_seq, state.now.segment, state.opening) == (12, 3, None)
