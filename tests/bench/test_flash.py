"""What the flash bench measures is a journal as the agent writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.journal.reader import JournalReader
from protocols.evidence.leaf import Log
from simulators.series import RUNS
from tests.bench.flash import BATCH_ROUNDS, Rounds, Setting, Written
from tests.bench.material import GATEWAY


@pytest.mark.parametrize("commits", [1, RUNS])
def test_rounds_are_recorded_and_settled(tmp_path: Path, commits: int) -> None:
    """Every scan of every run; both logs become batches each five minutes."""
    rounds = Rounds(tmp_path, Setting(commits=commits))
    rounds.run(BATCH_ROUNDS + 1)
    reader = JournalReader(tmp_path / "journal.db", GATEWAY)
    state = reader.state(Log.TELEMETRY)
    assert state.frontier.size == (BATCH_ROUNDS + 1) * RUNS
    assert state.receipted.size == BATCH_ROUNDS * RUNS
    assert reader.state(Log.BILLING).receipted.size > 0
    reader.close()
    rounds.close()


def test_bytes_a_value_and_a_day() -> None:
    """96 values a round, 8,640 rounds a day."""
    written = Written(9_600, 96)
    assert written.a_value == 100.0
    assert written.megabytes_a_day == pytest.approx(82.944)
