"""A journal that was put aside is read and never written."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.journal.memory_rows import COLUMNS
from edge_agent.salvage.damaged_file import DamagedFile, log_is_torn
from tests.edge_agent.gateway import config_of, new_journal
from tests.edge_agent.opened import Rig


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """As a kill leaves it: everything is in the log."""
    config = config_of(tmp_path)
    new_journal(config).close()
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.rounds(6)
    copy = tmp_path / "aside" / "journal.db"
    copy.parent.mkdir()
    for name in ("journal.db", "journal.db-wal"):
        shutil.copy(config.state_dir / name, copy.with_name(name))
    rig.journal.close()
    return copy


def test_rows_by_sqlite_and_by_page(path: Path) -> None:
    """The same rows; of the gateway's too, whose columns stand in another order on the disk."""
    with closing(DamagedFile(path)) as file:
        for table in ("log", "gateway"):
            assert file.rows(table)
            assert set(file.rows(table)) <= set(file.versions(table))
        assert all(file.is_intact(table) for table in COLUMNS)
        assert len(file.rows("run")) == 1
        assert file.select("SELECT count(*) FROM telemetry") == [(18,)]


def test_a_damaged_row_is_none(path: Path) -> None:
    """SQLite gives it; its digest does not fit."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE run_state SET state = x'80'")
        connection.commit()
    with closing(DamagedFile(path)) as file:
        assert file.rows("run_state") == []
        assert not file.is_intact("run_state")
        assert file.rows("run")


def test_what_is_no_database_gives_nothing(path: Path) -> None:
    """Without an error; a missing file is one."""
    path.write_bytes(b"nonsense" * 1000)
    path.with_name("journal.db-wal").unlink()
    with closing(DamagedFile(path)) as file:
        assert file.rows("run") == file.versions("log") == file.select("SELECT 1 FROM log") == []
        assert not file.is_intact("run")
        assert list(file.records()) == []
    with pytest.raises(FileNotFoundError):
        DamagedFile(path.with_name("other"))


def test_it_is_not_written(path: Path) -> None:
    """It stays as evidence, byte for byte."""
    before = {name: path.with_name(name).read_bytes() for name in ("journal.db", "journal.db-wal")}
    with closing(DamagedFile(path)) as file:
        file.rows("run")
        list(file.records())
    assert before == {name: path.with_name(name).read_bytes() for name in before}


def test_a_log_that_is_damaged_inside(path: Path) -> None:
    """SQLite would drop what follows in silence."""
    assert not log_is_torn(path)
    log = path.with_name("journal.db-wal")
    data = bytearray(log.read_bytes())
    data[400] ^= 1
    log.write_bytes(data)
    assert log_is_torn(path)
    log.unlink()
    assert not log_is_torn(path)
