"""Rows and holes of a real journal: what tiles, what is named as damage, where a hole divides."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edge_agent.journal.draft import Draft
from edge_agent.journal.eviction import BLOCK, change_rows
from edge_agent.journal.journal import Journal
from edge_agent.journal.memory import Gone, RowChange, Tick
from edge_agent.journal.reader import JournalReader
from edge_agent.journal.rows import MOST_LEAVES, KeptHashes, extend_stored, joined, read_range
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.merkle import EMPTY, Frontier, hole_of
from protocols.evidence.upload import Accepted, Head, accept, encode_upload, seal
from tests.edge_agent.gateway import GATEWAY, KEYS, Polls, config_of, new_journal
from tests.edge_agent.journal.test_journal import SALTS, first_tick, tick_of

TELEMETRY = Origin(GATEWAY, Log.TELEMETRY, 0)


class Held:
    """A journal with 12 scans, and what it recorded."""

    def __init__(self, directory: Path, rounds: int = 4) -> None:
        config = config_of(directory)
        self.journal: Journal = new_journal(config)
        self.polls = Polls(config)
        self.tick: Tick = first_tick(self.journal, config, self.polls)
        self.journal.commit(self.tick)
        self.tick = tick_of(self.tick.after, self.polls, rounds)
        self.journal.commit(self.tick)
        self.hashes = [leaf.hash for leaf in self.tick.leaves if leaf.log is Log.TELEMETRY]
        self.reader = JournalReader(self.journal.path, GATEWAY)

    def execute(self, statement: str, *values: object) -> None:
        self.journal.connection.execute(statement, values)

    def evict(self, first: int, end: int) -> None:
        self.tick = Draft(self.tick.after, SALTS).tick()
        gone = Gone(Log.TELEMETRY, 0, first, end)
        change = RowChange((gone,))
        self.journal.commit(self.tick, (), partial(change_rows, change=change))

    def frontier(self) -> Frontier:
        return self.tick.after.heads[Log.TELEMETRY].frontier


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    held = Held(tmp_path)
    yield held
    held.reader.close()
    held.journal.close()


def test_holes_and_leaves_tile_what_is_cut(held: Held) -> None:
    """Neighbours travel as one hole; what is sealed of it arrives at the same root."""
    held.evict(2, 4)
    held.evict(4, 7)
    cut = held.reader.cut(Log.TELEMETRY, None, 100, 1 << 20)
    assert cut is not None
    assert [leaf.seq for leaf in cut.leaves] == [0, 1, 7, 8, 9, 10, 11]
    assert cut.holes == (hole_of(2, held.hashes[2:7]),)
    assert (cut.damaged, cut.end) == ((), 12)
    sealed = seal(TELEMETRY, EMPTY, cut.leaves, KEYS.salt_secret, KEYS.signer, cut.holes)
    assert sealed.frontier == held.frontier()
    accepted = accept(Head(EMPTY, b"", b""), sealed.upload, KEYS.signer.verifier, None)
    assert isinstance(accepted, Accepted)
    assert accepted.holes == cut.holes
    assert encode_upload(sealed.upload)


def test_a_cut_may_end_within_a_hole_of_leaf_hashes(held: Held) -> None:
    """A receipt that was lost may be for any size of a batch; so the log can be told there."""
    held.evict(2, 7)
    for size in range(13):
        assert held.reader.frontier_at(Log.TELEMETRY, size) == EMPTY.extend(held.hashes[:size])
    cut = held.reader.cut(Log.TELEMETRY, None, 4, 1 << 20)
    assert cut is not None
    assert (len(cut.leaves), cut.holes, cut.end) == (2, (hole_of(2, held.hashes[2:4]),), 4)


def test_a_hole_at_the_end_is_the_whole_cut(held: Held) -> None:
    """Nothing but hashes, no leaf."""
    held.evict(0, 12)
    cut = held.reader.cut(Log.TELEMETRY, None, 100, 0)
    assert cut is not None
    assert (cut.leaves, cut.holes, cut.end) == ([], (hole_of(0, held.hashes),), 12)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE telemetry SET leaf = CAST(leaf || x'00' AS BLOB) WHERE seq = 5",
        "UPDATE telemetry SET hash = zeroblob(32) WHERE seq = 5",
        "INSERT OR REPLACE INTO telemetry SELECT 5, hash, leaf FROM telemetry WHERE seq = 6",
        "DELETE FROM telemetry WHERE seq = 5",
        "UPDATE telemetry SET seq = 133 WHERE seq = 5",
    ],
)
def test_a_damaged_row_is_named_and_ends_the_cut(held: Held, statement: str) -> None:
    """Leaf, hash, a copy of another row, a row that is gone, a row at another place."""
    held.execute(statement)
    cut = held.reader.cut(Log.TELEMETRY, None, 100, 1 << 20)
    assert cut is not None
    assert [leaf.seq for leaf in cut.leaves] == [0, 1, 2, 3, 4]
    assert (cut.damaged, cut.end) == ((5,), 5)


def test_all_damage_within_the_cut_is_named(held: Held) -> None:
    """The first of them ends it, the others are told too; and rows that are missing at the end."""
    held.execute("UPDATE telemetry SET leaf = x'00' WHERE seq IN (3, 8)")
    held.execute("DELETE FROM telemetry WHERE seq >= 10")
    cut = held.reader.cut(Log.TELEMETRY, None, 100, 1 << 20)
    assert cut is not None
    assert (cut.damaged, cut.end) == ((3, 8, 10, 11), 3)


def test_a_hole_far_from_the_receipts_is_one_hash(tmp_path: Path) -> None:
    """Beyond what one batch covers nobody can have a part of it: a block is one hash, and is not
    divided: a cut ends before it, or takes it whole."""
    held = Held(tmp_path, 1 + (MOST_LEAVES + BLOCK) // 3)
    held.evict(MOST_LEAVES, MOST_LEAVES + BLOCK)
    rows = held.journal.connection.execute("SELECT length(hashes) FROM hole").fetchall()
    assert rows == [(32,)]
    state = held.reader.state(Log.TELEMETRY)
    connection = held.journal.connection
    found = extend_stored(connection, (Log.TELEMETRY, 0), EMPTY, state.frontier.size)
    assert found == held.frontier()
    assert held.reader.frontier_at(Log.TELEMETRY, MOST_LEAVES + 1) is None
    ends = (MOST_LEAVES - 2, MOST_LEAVES + 5)
    assert len(read_range(connection, TELEMETRY, ends, 1 << 30).leaves) == 2
    whole = read_range(connection, TELEMETRY, (MOST_LEAVES, MOST_LEAVES + 5), 1 << 30)
    assert [(hole.first, hole.end) for hole in whole.holes] == [(MOST_LEAVES, MOST_LEAVES + BLOCK)]
    held.reader.close()
    held.journal.close()


def test_hashes_of_subtrees_do_not_divide() -> None:
    """Those of leaves do."""
    hashes = tuple(bytes([number]) * 32 for number in range(8))
    leaves = KeptHashes(8, 16, hashes)
    assert leaves.part(10, 12) == KeptHashes(10, 12, hashes[2:4])
    subtree = KeptHashes(8, 16, hole_of(8, hashes).hashes)
    assert subtree.part(0, 20) == subtree
    with pytest.raises(Malformed, match="cannot be divided"):
        subtree.part(8, 12)
    assert subtree.hole() == leaves.hole()


def test_joined_keeps_what_is_apart() -> None:
    """Only neighbours."""
    hashes = [bytes([number]) * 32 for number in range(8)]
    holes = (hole_of(0, hashes[:3]), hole_of(3, hashes[3:5]), hole_of(6, hashes[6:]))
    assert joined(holes) == (hole_of(0, hashes[:5]), hole_of(6, hashes[6:]))
