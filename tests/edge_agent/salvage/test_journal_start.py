"""A journal is opened whatever became of it; only a newer program's is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.config.model import AgentConfig
from edge_agent.journal import schema
from edge_agent.journal.journal import FILE_NAME, JournalDamaged, JournalError
from edge_agent.journal.schema import MigrationError
from edge_agent.salvage import quarantine
from edge_agent.salvage.journal_start import BOOTS_OF_AN_EPOCH, make_current, open_journal
from protocols.evidence.leaf import Log
from tests.edge_agent.gateway import BOOT_ID, config_of, new_journal
from tests.edge_agent.opened import Rig


@pytest.fixture
def config(tmp_path: Path) -> AgentConfig:
    config = config_of(tmp_path)
    new_journal(config).close()
    return config


def changed(config: AgentConfig, *statements: str) -> None:
    with closing(sqlite3.connect(config.state_dir / FILE_NAME)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def put_aside(config: AgentConfig) -> list[str]:
    base = config.state_dir / quarantine.DIRECTORY
    return [quarantine.reason_of(each) for each in base.iterdir()] if base.is_dir() else []


def test_a_new_journal(config: AgentConfig) -> None:
    """The first epoch and boot; after a loss, numbers that none had before."""
    journal, memory = open_journal(config, BOOT_ID, 0)
    journal.close()
    assert (memory.heads[Log.BILLING].epoch, memory.boot_no) == (0, 0)
    (config.state_dir / FILE_NAME).unlink()
    journal, memory = open_journal(config, BOOT_ID, 0)
    journal.close()
    assert memory.heads[Log.BILLING].epoch == 1
    assert memory.boot_no == BOOTS_OF_AN_EPOCH


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA user_version = 69",
        "ALTER TABLE survivor RENAME COLUMN seq TO sep",
        "DROP TABLE hole",
        "PRAGMA journal_mode = DELETE",
    ],
)
def test_what_no_program_made_is_damage(config: AgentConfig, statement: str) -> None:
    """It is put aside, and the recorder reads it."""
    rig = Rig(config)
    assert rig.recorder.begin()
    rig.rounds(2)
    rig.journal.close()
    changed(config, statement)
    rig.open()
    assert len(put_aside(config)) == 1
    assert rig.recorder.memory.boot_no == 1
    assert rig.recorder.begin()
    rig.journal.close()


def test_a_newer_programs_journal_is_left_alone(config: AgentConfig) -> None:
    """It is not damaged: the newer program is to be used."""
    newer = "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('journal', 'm999')"
    changed(config, newer, "PRAGMA user_version = 999")
    with pytest.raises(JournalError, match="schema 999"):
        open_journal(config, BOOT_ID, 0)
    assert put_aside(config) == []
    assert (config.state_dir / FILE_NAME).exists()


def test_damage_is_told_from_a_migration_that_fails(config: AgentConfig) -> None:
    """Earlier leaves are refused; a file that cannot be read is damage."""
    path = config.state_dir / FILE_NAME
    changed(
        config,
        "DELETE FROM _sqlite_migrations WHERE name LIKE 'm005%'",
        "INSERT INTO telemetry (seq, hash, leaf) VALUES (0, x'', x'')",
        "PRAGMA user_version = 4",
    )
    with pytest.raises(MigrationError, match="format before version 1"):
        make_current(path, 512)
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(JournalDamaged):
        make_current(path, 512)


def test_steps_and_structure_are_those_of_the_migrations(config: AgentConfig) -> None:
    """They tell a damaged file from another version without the migrations' library."""
    with closing(sqlite3.connect(config.state_dir / FILE_NAME)) as connection:
        rows = connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id")
        assert tuple(name for (name,) in rows) == schema.STEPS
        assert schema.structure(connection) == schema.STRUCTURE
        assert schema.damage(connection) is None
