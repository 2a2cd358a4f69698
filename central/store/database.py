"""The store: one directory, one database, one connection that writes.

SQLite up to 3.51.2 can corrupt a WAL when two connections write or checkpoint at once, and Debian
12 has 3.40. So all writing of a process goes through one connection, taken in turn; readers never
write.
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

DATABASE_NAME: Final = "central.sqlite3"
BUSY_TIMEOUT_MS: Final = 10_000
WRITER_WAIT_S: Final = 30


class StoreError(Exception):
    """The store cannot be used; says where and what to do."""


class Store(NamedTuple):
    """Central's store: `with store.engine.connect()` reads, `with store.writer.begin()` writes."""

    directory: Path
    engine: Engine
    writer: Engine

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self.writer.dispose()


def create_store(directory: Path) -> Store:
    """Make the directory and the database in it, or bring an old one up to date."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{directory}: cannot be made: {error.strerror}") from None
    return _up_to_date(_connect(directory))


def open_store(directory: Path) -> Store:
    """Open an existing store and bring it up to date. Raises StoreError where there is none."""
    if not (directory / DATABASE_NAME).is_file():
        raise StoreError(f"{directory}: no store here; make one: edge-central init --store DIR")
    return _up_to_date(_connect(directory))


def _up_to_date(store: Store) -> Store:
    try:
        upgrade(store)
    except DatabaseError as error:
        store.close()
        raise StoreError(
            f"{store.directory / DATABASE_NAME}: {error.orig}; check its owner, mode and disk"
        ) from None
    return store


def upgrade(store: Store) -> None:
    """Run the migrations that this database lacks, all in one transaction."""
    config = _alembic()
    with store.writer.begin() as conn:
        at = MigrationContext.configure(conn).get_current_revision()
        script = ScriptDirectory.from_config(config)
        if at == script.get_current_head():
            return
        if at is not None and at not in {one.revision for one in script.walk_revisions()}:
            raise StoreError(
                f"{store.directory}: made by a newer edge-central (revision {at}); upgrade this one"
            )
        config.attributes["connection"] = conn
        command.upgrade(config, "head")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", "central.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _connect(directory: Path) -> Store:
    url = f"sqlite:///{directory / DATABASE_NAME}"
    readers = create_engine(url, pool_size=8, max_overflow=24)
    writer = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=WRITER_WAIT_S)
    event.listen(writer, "connect", _prepare_writer)
    event.listen(writer, "begin", _begin_immediate)
    event.listen(readers, "connect", _prepare_reader)
    event.listen(readers, "begin", _begin)
    return Store(directory, readers, writer)


def _prepare_writer(connection: Any, _record: Any) -> None:
    _pragmas(connection, "journal_mode = WAL", "synchronous = FULL")


def _prepare_reader(connection: Any, _record: Any) -> None:
    _pragmas(connection, "query_only = ON")


def _pragmas(connection: Any, *pragmas: str) -> None:
    # The driver of Python 3.11 begins transactions late or never; SQLAlchemy's hooks below do it.
    connection.isolation_level = None
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", *pragmas):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(conn: Connection) -> None:
    # A transaction that reads first and writes later could fail to upgrade its lock.
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN")
