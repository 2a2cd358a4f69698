"""Opens the journal, whatever became of it: one that is damaged is put aside, and a new one begun.

Nothing here stops the acquisition but a disk that takes no file, or a journal of a newer program.
"""

from __future__ import annotations

import logging
import sqlite3  # noqa: TID251  # the journal's shell
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.journal import schema
from edge_agent.journal.ballast import make_way
from edge_agent.journal.damage import damage_of, is_damaged
from edge_agent.journal.epoch import next_epoch
from edge_agent.journal.journal import (
    FILE_NAME,
    ForeignJournal,
    Journal,
    JournalDamaged,
)
from edge_agent.journal.memory import LOGS
from edge_agent.journal.memory_rows import READ_ERRORS
from edge_agent.journal.schema import MigrationError, migrate_in_child
from edge_agent.journal.settling import Retention
from edge_agent.journal.space import Limits
from edge_agent.salvage import quarantine
from edge_agent.salvage.damaged_file import DamagedFile, log_is_torn
from edge_agent.salvage.salvage import newest_of

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig
    from edge_agent.journal.memory import Memory

BOOTS_OF_AN_EPOCH: Final = 10_000
"""A boot after a journal that tells nothing has this number, times the epoch: no number twice."""
_TRIES: Final = 3
_log = logging.getLogger(__name__)


def open_journal(config: AgentConfig, boot_id: str, mono_ms: int) -> tuple[Journal, Memory]:
    """The journal and what it remembers; of a new one, the epoch and boot that it begins with.

    Raises JournalError, MigrationError, KeyFileError or OSError.
    """
    path = config.state_dir / FILE_NAME
    make_way(config.state_dir)
    quarantine.tidy(path)
    if path.exists() and log_is_torn(path):
        aside(path, "torn", "its write-ahead log is damaged inside")
    for _ in range(_TRIES):
        try:
            return _open(config, path, boot_id, mono_ms)
        except JournalDamaged as damage:
            aside(path, "start", damage.damage)
        except ForeignJournal as error:
            quarantine.mark(aside(path, "foreign", str(error)), quarantine.DONE)
    return _open(config, path, boot_id, mono_ms)


def aside(path: Path, label: str, reason: str) -> Path:
    """Put the journal aside; where it is by now. Raises OSError."""
    _log.error("%s is put aside, and a new journal is begun: %s", path, reason)
    return quarantine.put_aside(path, label, reason)


def make_current(path: Path, page_size: int) -> None:
    """Make a journal that is missing; migrate an older one. Raises MigrationError, JournalDamaged.

    Damage must not look like the journal of another version.
    """
    if not path.exists():
        migrate_in_child(path, page_size)
        return
    version, applied = _version(path)
    if version == schema.VERSION:
        return
    if tuple(applied) == schema.STEPS:
        raise JournalDamaged(f"{path} is damaged: its version {version} is none of its schema's")
    try:
        migrate_in_child(path, page_size)
    except MigrationError:
        if damage_of(path) is not None:
            raise JournalDamaged(f"{path} is damaged: it cannot be migrated") from None
        raise


def _open(config: AgentConfig, path: Path, boot_id: str, mono_ms: int) -> tuple[Journal, Memory]:
    make_current(path, config.journal.page_size)
    retention = Retention(config.journal.retention_days, config.journal.retention_megabytes)
    limits = Limits.of_megabytes(config.journal.max_megabytes, config.journal.reserve_megabytes)
    journal = Journal(path, retention, config.journal.autocheckpoint_pages, limits)
    try:
        epoch, boot = _before(config)
        memory = journal.load(
            config.gateway, boot_id, mono_ms, lambda: next_epoch(config.state_dir, epoch)
        )
    except BaseException:
        journal.close()
        raise
    if not any(memory.heads[log].size for log in LOGS) and not memory.boot_no:
        begun = memory.heads[LOGS[0]].epoch
        memory = replace(memory, boot_no=boot + 1 if boot >= 0 else begun * BOOTS_OF_AN_EPOCH)
    return journal, memory


def _before(config: AgentConfig) -> tuple[int, int]:
    """The newest epoch and boot of what waits to be read, (-1, -1) where nothing is known."""
    waiting = quarantine.pending(config.state_dir, FILE_NAME)
    if not waiting:
        return -1, -1
    with closing(DamagedFile(waiting[-1] / FILE_NAME)) as file:
        return newest_of(file, config.gateway)


def _version(path: Path) -> tuple[int, list[str]]:
    """The schema's version, and the steps that were applied. Raises JournalDamaged."""
    try:
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=rw", uri=True)) as db:
            version: int = db.execute("PRAGMA user_version").fetchone()[0]
            tables = db.execute(
                "SELECT count(*) FROM sqlite_master WHERE name = '_sqlite_migrations'"
            )
            if not tables.fetchone()[0]:
                return version, []
            rows = db.execute("SELECT name FROM _sqlite_migrations ORDER BY id")
            return version, [row[0] for row in rows]
    except READ_ERRORS as error:
        if is_damaged(error, path):
            raise JournalDamaged(f"{path} is damaged: {error}") from error
        raise MigrationError(f"{path}: {error}; look at the disk") from error
