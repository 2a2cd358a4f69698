"""The store's file, its one writing connection and its migrations."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from central.key_spans import load_schedule
from central.store import database
from central.store.database import DATABASE_NAME, StoreError, create_store, open_store
from central.store.ledger_tables import metadata
from protocols.evidence.keys import KeySchedule
from protocols.evidence.note import Signer


@pytest.fixture
def store(tmp_path):
    made = create_store(tmp_path / "store")
    yield made
    made.close()


def test_commits_are_durable(store):
    """The writing connection runs in WAL with full synchronisation."""
    with store.writer.connect() as conn:
        assert conn.scalar(text("PRAGMA journal_mode")) == "wal"
        assert conn.scalar(text("PRAGMA synchronous")) == 2


def test_readers_cannot_write(store):
    """What readers hold can change nothing."""
    with store.engine.connect() as conn, pytest.raises(OperationalError, match="readonly"):
        conn.execute(text("INSERT INTO refusal VALUES (400, 1)"))


def test_migrations_make_the_tables_that_the_program_uses(store):
    """The migrated schema and the tables in the code do not differ."""
    with store.engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_opening_again_changes_nothing(store):
    """An up-to-date database is left alone."""
    with store.writer.begin() as conn:
        conn.execute(text("INSERT INTO refusal VALUES (400, 7)"))
    again = open_store(store.directory)
    with again.engine.connect() as conn:
        assert conn.scalar(text("SELECT uploads FROM refusal")) == 7
    again.close()


def test_a_newer_store_is_refused(store):
    """A database of a later version is not touched."""
    with store.writer.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer edge-central"):
        open_store(store.directory)


def test_a_missing_store_is_refused(tmp_path):
    """Serving never makes a store by itself."""
    with pytest.raises(StoreError, match="edge-central init"):
        open_store(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    """Garbage in place of the database is told, with its path."""
    (tmp_path / DATABASE_NAME).write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=DATABASE_NAME):
        open_store(tmp_path)


def test_writers_take_turns(store):
    """A transaction waits for the one before it, also for another process's, and sees its work."""
    with store.writer.begin() as conn:
        conn.execute(text("INSERT INTO refusal VALUES (400, 0)"))
    another = open_store(store.directory)
    inside = threading.Barrier(4)

    def add(of):
        inside.wait()
        for _ in range(20):
            with of.writer.begin() as conn:
                seen = conn.scalar(text("SELECT uploads FROM refusal"))
                conn.execute(text("UPDATE refusal SET uploads = :n"), {"n": seen + 1})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, [store, another] * 2))
    with store.engine.connect() as conn:
        assert conn.scalar(text("SELECT uploads FROM refusal")) == 80
    another.close()


def test_an_aborted_transaction_leaves_nothing(store):
    """An error inside a transaction rolls all of it back."""

    def fail():
        with store.writer.begin() as conn:
            conn.execute(text("INSERT INTO refusal VALUES (400, 1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM refusal")) == 0


def test_a_key_registered_before_spans_becomes_the_first_of_both_logs(tmp_path):
    """A store of an earlier build keeps its allow-list."""
    older = database._connect(tmp_path)
    config = database._alembic()
    vkey = Signer.from_private_bytes("gw-1", b"g" * 32).vkey
    with older.writer.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0006")
        conn.execute(
            text("INSERT INTO gateway (gateway, vkey, added_ms) VALUES ('gw-1', :vkey, 5)"),
            {"vkey": vkey},
        )
    older.close()
    store = open_store(tmp_path)
    with store.engine.connect() as conn:
        assert load_schedule(conn, "gw-1") == KeySchedule.of(vkey)
        assert conn.scalar(text("SELECT added_ms FROM gateway")) == 5
    store.close()
