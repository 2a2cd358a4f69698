"""Receipted batches out of a damaged journal: whole ones, a few a turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.draft import Draft
from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.memory import first_memory
from edge_agent.salvage import history, quarantine
from edge_agent.salvage.history import History
from tests.edge_agent.gateway import config_of, new_journal
from tests.edge_agent.opened import Central, Rig

ALL = "SELECT * FROM batch ORDER BY log, epoch, first"


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    """With a journal that has some batches."""
    config = config_of(tmp_path)
    new_journal(config).close()
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    for _ in range(6):
        rig.rounds(2)
        rig.send(central)
    rig.journal.close()
    return config


class Desk:
    """A recorder that does nothing but commit, to a journal of its own."""

    def __init__(self, config: AgentConfig) -> None:
        journal = new_journal(config)
        self.connection = journal.connection
        self.memory = first_memory(config.gateway, "boot")
        self.commits = 0

    def store(self, draft: Draft, also: Callable[[sqlite3.Connection], None]) -> bool:
        assert draft.is_empty
        also(self.connection)
        self.commits += 1
        return True


def carried(config: AgentConfig) -> tuple[Desk, list[tuple[Any, ...]], Path]:
    """Put the journal aside and carry all of it; what the new one has then."""
    aside = quarantine.put_aside(config.state_dir / FILE_NAME, "boot0", "why")
    quarantine.mark(aside, quarantine.READ)
    desk = Desk(config)
    carrier = History(desk, None, config.state_dir)  # type: ignore[arg-type]  # nothing is recorded
    for _ in range(100):
        assert carrier.step()
        if carrier.is_done:
            break
    return desk, desk.connection.execute(ALL).fetchall(), aside


def batches(config: AgentConfig) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(config.state_dir / FILE_NAME)) as connection:
        return connection.execute(ALL).fetchall()


def test_all_of_it_a_little_at_a_time(config: AgentConfig) -> None:
    """The same rows; then the file is salvaged."""
    before = batches(config)
    assert len(before) > 9
    desk, after, aside = carried(config)
    assert after == before
    assert desk.commits >= len(before) / history.MOST_BATCHES
    assert (aside / quarantine.DONE).exists()


def test_a_damaged_batch_does_not_come(config: AgentConfig) -> None:
    """Its leaves do not lead to the signed root; the others do."""
    before = batches(config)
    with closing(sqlite3.connect(config.state_dir / FILE_NAME)) as connection:
        connection.execute(
            "UPDATE batch SET frontier = zeroblob(length(frontier)) WHERE log = 'telemetry' "
            "AND first > 0 AND first < 13"
        )
        connection.commit()
    _, after, _ = carried(config)
    assert set(after) < set(before)
    assert len(after) == len(before) - 2


def test_without_room_it_stays_where_it_is(
    config: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recorded now needs the disk more."""
    monkeypatch.setattr(history, "LEAST_FREE_BYTES", 1 << 62)
    _, after, aside = carried(config)
    assert after == []
    assert (aside / FILE_NAME).exists()
