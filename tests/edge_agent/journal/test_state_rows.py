"""A state in two rows comes back as it was, or is damage."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from edge_agent.journal.state_rows import StateRows, join, pack, unpack
from protocols.evidence import cbor
from protocols.evidence.errors import EvidenceError
from protocols.metering.run_state import RunState
from tests.edge_agent.gateway import Polls, config_of
from tests.edge_agent.journal.test_journal import first_tick, new_journal, tick_of


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[RunState]:
    """Of a run: new, and after each of ten rounds with intervals of three."""
    directory: Path = tmp_path_factory.mktemp("states")
    config = config_of(directory)
    journal = new_journal(config)
    polls = Polls(config)
    tick = first_tick(journal, config, polls)
    found = [RunState.new()]
    for _ in range(10):
        tick = tick_of(tick.after, polls)
        found.append(tick.after.runs["R1"].state)
    journal.close()
    return found


def test_every_state_comes_back(states: list[RunState]) -> None:
    """And takes less than its body."""
    for state in states:
        rows = pack(state)
        assert unpack(rows, "state") == state
        if state.opening is not None:
            assert len(rows.rest) < len(cbor.encode(state.to_body())) / 2


def test_the_opening_stays_while_the_interval_is_open(states: list[RunState]) -> None:
    """So its row is not written again."""
    pairs = list(pairwise(states[1:]))
    same = [pack(before).opening == pack(after).opening for before, after in pairs]
    assert same == [before.opening == after.opening for before, after in pairs]
    assert True in same
    assert False in same


def test_rows_of_two_intervals_do_not_make_a_state(states: list[RunState]) -> None:
    """Each names the opening that it was packed against."""
    first, last = pack(states[1]), pack(states[-1])
    assert first.opening != last.opening
    with pytest.raises(ValueError, match="dict"):
        unpack(StateRows(first.opening, last.rest), "state")


def test_no_flipped_bit_makes_another_state(states: list[RunState]) -> None:
    """In either row. (Some bits of packed data mean nothing.)"""
    rows = pack(states[-1])
    for field in rows._fields:
        data = getattr(rows, field)
        for at in range(8 * len(data)):
            flipped = bytearray(data)
            flipped[at // 8] ^= 1 << at % 8
            try:
                found = unpack(rows._replace(**{field: bytes(flipped)}), "state")
            except (ValueError, EvidenceError):
                continue
            assert found == states[-1]


def test_what_was_not_packed(states: list[RunState]) -> None:
    """More behind it, less of it, other items."""
    rows = pack(states[-1])
    for rest in (rows.rest + b"\0", rows.rest[:-1], b""):
        with pytest.raises(ValueError, match="state"):
            unpack(StateRows(rows.opening, rest), "state")


def test_only_whole_pairs_are_joined(states: list[RunState]) -> None:
    """A run whose one row is gone has no state."""
    rows = pack(states[-1])
    openings, rests = {"R1": rows.opening, "R2": b""}, {"R1": rows.rest, "R3": b""}
    assert join(openings, rests) == {"R1": rows}
