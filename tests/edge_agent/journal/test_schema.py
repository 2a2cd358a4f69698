"""Migrations: a step of its own, in a process of its own."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from edge_agent.journal.schema import VERSION, MigrationError, migrate, migrate_in_child, migrations


def test_a_new_journal_is_made_and_made_only_once(tmp_path: Path) -> None:
    """A second run changes nothing; WAL stays set in the file."""
    path = tmp_path / "journal.db"
    migrate_in_child(path)
    migrate_in_child(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        applied = connection.execute("SELECT count(*) FROM _sqlite_migrations").fetchone()
        assert applied == (len(migrations()._migrations),)


def test_what_lies_where_the_command_is_called_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root stands in a folder that others may write: a module there is none of ours."""
    (tmp_path / "sqlite_utils.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    migrate_in_child(tmp_path / "journal.db")
    assert not (tmp_path / "ran").exists()


def test_a_version_is_the_number_of_its_last_step() -> None:
    """Whoever adds a step has to raise VERSION with it."""
    assert [step.name[:4] for step in migrations()._migrations] == [
        f"m{number:03d}" for number in range(1, VERSION + 1)
    ]


def test_leaves_of_an_earlier_format_are_refused_and_kept(tmp_path: Path) -> None:
    """They could not be sent, and must not be thrown away; an empty journal of then is taken on."""
    path = tmp_path / "journal.db"
    earlier = Migrations("journal")
    for step in migrations()._migrations[:4]:
        earlier()(step.fn)
    database = Database(path)
    earlier.apply(database)
    migrate(path)
    database.close()
    path.unlink()
    database = Database(path)
    earlier.apply(database)
    database["telemetry"].insert({"seq": 0, "leaf": b"\x8e\x00"})
    database.close()
    with pytest.raises(MigrationError, match=r"before version 1; let the program .* move the file"):
        migrate_in_child(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT seq, leaf FROM telemetry").fetchall() == [(0, b"\x8e\0")]
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)


def test_pages_of_a_new_journal(tmp_path: Path) -> None:
    """As asked for when it is made; what is there stays as it is."""
    path = tmp_path / "journal.db"
    migrate_in_child(path, 512)
    migrate_in_child(path, 4096)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (512,)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    """The error says which file and what to do; the file keeps its bytes."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database, but 40 or so bytes long.")
    with pytest.raises(
        MigrationError, match=r"journal\.db: .*file is not a database.*put the file"
    ):
        migrate_in_child(path)
    assert path.read_bytes() == b"not a database, but 40 or so bytes long."


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A migration is one transaction."""
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE register_map (already INTEGER)")
        connection.commit()
    with pytest.raises(sqlite3.OperationalError):
        migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        assert "log" not in tables


def test_the_agent_does_not_hold_sqlite_utils() -> None:
    """Importing the whole agent leaves it out: it would cost 25 MB for nothing."""
    code = "import edge_agent.agent, sys; sys.exit('sqlite_utils' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
