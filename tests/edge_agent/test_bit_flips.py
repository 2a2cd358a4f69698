"""One random bit flipped in the journal's files, many times over.

Whatever it hits: nothing wrong is delivered, what cannot be read is told, the rest arrives, polling
goes on. `test_salvage.py` has the judge and the named kinds of damage.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from edge_agent.journal.journal import FILE_NAME
from tests.edge_agent.salvage.test_salvage import (
    Recorded,
    carried_on,
    checkpointed,
    flip,
    quick_schema,
    recorded,
)

__all__ = ["quick_schema", "recorded"]  # fixtures


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("runs", [10, pytest.param(2000, marks=pytest.mark.long)])
def test_one_flipped_bit(recorded: Recorded, runs: int) -> None:
    """In turn in the write-ahead log and in the file, after a kill and after a checkpoint."""
    seeded, counts = random.Random(20260310), Counter[str]()
    for run in range(runs):
        name = f"{FILE_NAME}-wal" if run % 2 else FILE_NAME

        def damage(path: Path, name: str = name) -> None:
            if name == FILE_NAME:
                checkpointed(path)
            target = path.with_name(name)
            flip(target, seeded.randrange(target.stat().st_size), seeded.randrange(8))

        found = carried_on(recorded, damage)
        counts["new epochs"] += len(found.epochs)
        counts["runs with a loss"] += bool(found.lost)
        counts["leaves that could not be read"] += len(found.missing)
    print(f"{runs} runs: {dict(counts)}")
