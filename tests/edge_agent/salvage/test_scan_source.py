"""Scans and register maps out of what a damaged journal holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal.journal import FILE_NAME
from edge_agent.salvage import scan_source
from edge_agent.salvage.damaged_file import DamagedFile
from edge_agent.salvage.finds import Finds
from edge_agent.salvage.scan_source import ScanSource, leaves_of, maps_of
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import GATEWAY, config_of, new_journal
from tests.edge_agent.opened import Central, Rig


class Desk:
    """A journal with the survivors that were read so far: none."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)

    def look(self, read: Callable[[sqlite3.Connection], Any]) -> Any:
        return read(self.connection)


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    """A journal of which every leaf has its receipt, in six batches of each log."""
    config = config_of(tmp_path)
    new_journal(config).close()
    rig, central = Rig(config), Central()
    assert rig.recorder.begin()
    for _ in range(6):
        rig.rounds(2)
        rig.send(central)
    rig.journal.close()
    return config


def found_in(file: DamagedFile) -> Finds:
    finds = Finds(GATEWAY)
    for page in range(1, file.pages.last + 1):
        for record in file.pages.records(page):
            finds.note_batch(record, page)
    return finds


def source(config: AgentConfig, file: DamagedFile, *, maps: bool = True) -> ScanSource:
    finds = found_in(file)
    known = maps_of(config, finds) if maps else {}
    desk = Desk(config.state_dir / FILE_NAME)
    return ScanSource(desk, file, finds, known)  # type: ignore[arg-type]  # it only looks


def test_scans_of_receipted_batches(config: AgentConfig) -> None:
    """In order, from a seq on, of these devices, with their values."""
    with closing(DamagedFile(config.state_dir / FILE_NAME)) as file:
        scans = source(config, file)(0, 10, frozenset(("M1", "P1")))
        assert scans is not None
        assert [scan.seq for scan in scans] == [seq for seq in range(10, 36) if seq % 3 != 1]
        assert scans[-1].values["vm"][0] == 1120
        assert source(config, file)(1, 0, frozenset(("M1",))) == []


def test_a_map_is_searched_in_older_batches(
    config: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was recorded once, before the batches that are looked into anyway."""
    monkeypatch.setattr(scan_source, "MOST_SEALED", 1)
    with closing(DamagedFile(config.state_dir / FILE_NAME)) as file:
        scans = source(config, file, maps=False)(0, 30, frozenset(("M1",)))
        assert scans is not None
        assert [scan.seq for scan in scans] == [32, 35]
        monkeypatch.setattr(scan_source, "MOST_SEARCHED", 1)
        assert source(config, file, maps=False)(0, 30, frozenset(("M1",))) == []


def test_too_many_are_none(config: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the state is not made again: memory has a bound."""
    monkeypatch.setattr(scan_source, "MOST_SCANS", 5)
    with closing(DamagedFile(config.state_dir / FILE_NAME)) as file:
        assert source(config, file)(0, 0, frozenset(("M1",))) is None


def test_a_batch_that_cannot_be_read_has_no_leaves(config: AgentConfig) -> None:
    """The others have theirs."""
    path = config.state_dir / FILE_NAME
    with closing(DamagedFile(path)) as file:
        sealed = found_in(file).newest_sealed(Log.TELEMETRY, 9)
        assert [len(leaves_of(file, each)) for each in sealed] == [6] * 6
        assert leaves_of(file, sealed[0]._replace(size=7)) == []
        assert leaves_of(file, sealed[0]._replace(page=1)) == []
