"""What goes first, and in which pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.journal.eviction import (
    BLOCK,
    KEPT_ROWS,
    LEAST_ROWS,
    drop_receipted,
    oldest_unreceipted,
)
from edge_agent.journal.memory import Gone
from edge_agent.journal.space import Limits
from protocols.evidence.leaf import Log
from tests.edge_agent.recorder.test_room import Rig, rig_of


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_of(tmp_path, Limits()) as rig:
        assert rig.recorder.begin()
        yield rig


def batches(rig: Rig) -> list[tuple[str, int]]:
    query = "SELECT log, first FROM batch ORDER BY log, first"
    return list(rig.journal.connection.execute(query).fetchall())


def test_telemetry_before_billing(rig: Rig) -> None:
    """The oldest of one log; nothing where there is no receipt."""
    assert drop_receipted(rig.journal.connection) == 0
    for _ in range(9):
        rig.turns(1, 4)
        rig.settle(Log.TELEMETRY)
    rig.settle(Log.BILLING)
    assert drop_receipted(rig.journal.connection) > 0
    assert batches(rig) == [("billing", 0), ("telemetry", 8 * 12)]
    assert drop_receipted(rig.journal.connection) > 0
    assert batches(rig) == [("billing", 0)]
    assert drop_receipted(rig.journal.connection) > 0
    assert batches(rig) == []


def test_the_oldest_scans_go_to_the_end_of_their_block(rig: Rig) -> None:
    """The newest stay; few are not worth their LOSS leaf."""
    connection = rig.journal.connection
    assert oldest_unreceipted(connection) is None
    rig.turns(1, 10)
    rig.settle(Log.TELEMETRY)
    rig.turns(4, 50)
    assert oldest_unreceipted(connection) == Gone(Log.TELEMETRY, 0, 30, 630 - KEPT_ROWS) or (
        630 - KEPT_ROWS - 30 < LEAST_ROWS
    )
    rig.turns(9, 50)
    assert oldest_unreceipted(connection) == Gone(Log.TELEMETRY, 0, 30, BLOCK)


def test_a_damaged_row_is_not_evicted(rig: Rig) -> None:
    """What is damaged has to be told as damage; what is before it may go."""
    rig.turns(10, 50)
    connection = rig.journal.connection
    connection.execute("UPDATE telemetry SET leaf = x'00' WHERE seq = 300")
    assert oldest_unreceipted(connection) == Gone(Log.TELEMETRY, 0, 0, 300)
    connection.execute("UPDATE telemetry SET leaf = x'00' WHERE seq = 5")
    assert oldest_unreceipted(connection) is None
