"""Which of leaf and hash is damaged, told by the frontier; and what the recorder makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.journal.healing import MOST_SINGLE, diagnose
from edge_agent.journal.memory import Gone, RowChange
from edge_agent.journal.space import Limits
from protocols.evidence.facts import LossReason
from protocols.evidence.leaf import Log
from tests.edge_agent.recorder.test_room import Rig, accounted, rig_of

TELEMETRY = Log.TELEMETRY
BREAK_LEAF = "UPDATE {} SET leaf = CAST(leaf || x'00' AS BLOB) WHERE seq = ?"
BREAK_HASH = "UPDATE {} SET hash = zeroblob(32) WHERE seq = ?"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_of(tmp_path, Limits()) as rig:
        assert rig.recorder.begin()
        rig.turns(2)
        yield rig


def break_row(rig: Rig, statement: str, *seqs: int, log: Log = TELEMETRY) -> None:
    rig.journal.connection.executemany(statement.format(log.value), [(seq,) for seq in seqs])


def lost(*ranges: tuple[int, int]) -> tuple[Gone, ...]:
    return tuple(Gone(TELEMETRY, 0, first, end) for first, end in ranges)


def test_a_whole_log_needs_nothing(rig: Rig) -> None:
    """And an empty one neither."""
    assert diagnose(rig.journal.connection, TELEMETRY) == RowChange((), TELEMETRY, ())


def test_damaged_leaves_are_told_by_their_hashes(rig: Rig) -> None:
    """Neighbours are one range."""
    break_row(rig, BREAK_LEAF, 7, 8, 30)
    found = diagnose(rig.journal.connection, TELEMETRY)
    assert found == RowChange(lost((7, 9), (30, 31)), TELEMETRY, ())


def test_damaged_hashes_are_told_by_their_leaves(rig: Rig) -> None:
    """Nothing is lost: the hash is computed again."""
    hashed = rig.journal.connection.execute("SELECT hash FROM telemetry WHERE seq = 7").fetchone()
    break_row(rig, BREAK_HASH, 7)
    found = diagnose(rig.journal.connection, TELEMETRY)
    assert found == RowChange((), TELEMETRY, ((7, hashed[0]),))


def test_one_of_each_is_told_too(rig: Rig) -> None:
    """A leaf here, a hash there."""
    break_row(rig, BREAK_LEAF, *range(20, 20 + MOST_SINGLE - 1))
    break_row(rig, BREAK_HASH, 7)
    found = diagnose(rig.journal.connection, TELEMETRY)
    assert found is not None
    assert found.gone == lost((20, 20 + MOST_SINGLE - 1))
    assert [seq for seq, _ in found.hashes] == [7]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM telemetry WHERE seq = 7",
        "UPDATE telemetry SET seq = 9999 WHERE seq = 7",
        "UPDATE telemetry SET hash = zeroblob(32), leaf = x'00' WHERE seq = 7",
        "UPDATE log SET frontier = zeroblob(length(frontier)) WHERE log = 'telemetry'",
        "UPDATE log SET frontier = x'00' WHERE log = 'telemetry'",
        "UPDATE log SET receipted_size = 3 WHERE log = 'telemetry'",
    ],
)
def test_what_cannot_be_brought_together(rig: Rig, statement: str) -> None:
    """A row that is missing, both of it damaged, the frontier itself."""
    rig.journal.connection.execute(statement)
    assert diagnose(rig.journal.connection, TELEMETRY) is None


def test_the_recorder_makes_holes_and_says_so(rig: Rig) -> None:
    """In one transaction; what is left arrives at the root that was always there."""
    frontier = rig.recorder.memory.heads[TELEMETRY].frontier
    break_row(rig, BREAK_LEAF, 7, 8)
    break_row(rig, BREAK_LEAF, 1, log=Log.BILLING)
    rig.recorder.start()
    assert rig.recorder.damaged(TELEMETRY, (7, 8), 10.0)
    assert rig.recorder.damaged(Log.BILLING, (1,), 10.0)
    assert rig.recorder.memory.heads[TELEMETRY].frontier == frontier
    rig.recorder.end()
    rig.recorder.join(10.0)
    billing, telemetry = rig.sent()
    assert accounted(billing, telemetry) == 2
    assert {one.reason for one in billing.losses()} == {LossReason.DAMAGED}
    assert [(hole.first, hole.end) for hole in billing.holes] == [(1, 2)]


def test_the_recorder_mends_a_hash(rig: Rig) -> None:
    """Asked about a log that is whole it says so too, and writes nothing."""
    break_row(rig, BREAK_HASH, 7)
    rig.recorder.start()
    size = rig.recorder.memory.heads[Log.BILLING].size
    assert rig.recorder.damaged(TELEMETRY, (7,), 10.0)
    assert rig.recorder.damaged(TELEMETRY, (), 10.0)
    rig.recorder.end()
    rig.recorder.join(10.0)
    billing, telemetry = rig.sent()
    assert (telemetry.holes, billing.losses()) == ([], [])
    assert size <= rig.recorder.memory.heads[Log.BILLING].size


def test_where_there_is_no_way_a_new_epoch_is_opened(rig: Rig) -> None:
    """With all that can be read."""
    size = rig.recorder.memory.heads[TELEMETRY].size
    rig.journal.connection.execute("DELETE FROM telemetry WHERE seq = 7")
    rig.recorder.start()
    assert rig.recorder.damaged(TELEMETRY, (7,), 30.0)
    head = rig.recorder.memory.heads[TELEMETRY]
    assert (head.epoch, head.size) == (1, size - 1)
