"""The journal's tables, and their migrations by sqlite-utils.

A program of its own (`python -m edge_agent.journal.schema JOURNAL`): sqlite-utils costs 25 MB and
0.2 s of CPU and would stay resident in the agent. It runs to its end before the agent opens the
journal, so there is one writer at any time.
"""

from __future__ import annotations

import hashlib
import sqlite3  # noqa: TID251  # looks at the tables
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.journal.sharing import follow_directory

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

VERSION: Final = 5  # PRAGMA user_version, written by the last migration
STEPS: Final = (
    "m001_two_logs_and_what_they_were_made_from",
    "m002_what_is_remembered_of_each_regulator",
    "m003_orders_of_central",
    "m004_clocks_and_archives_of_devices",
    "m005_hashes_holes_and_digests",
)
"""Names of the migrations: to tell a damaged version from another one without sqlite-utils."""
PAGE_SIZE: Final = (
    512  # bytes, of a new journal: small pages cost the flash least, measured in README.md
)
_TIMEOUT_S: Final = 600
_EARLIER_FORMAT: Final = 3  # exit status of the child
_DIGESTED: Final = (  # tables whose rows say by eight bytes that they are whole
    "gateway",
    "log",
    "run",
    "run_opening",
    "run_state",
    "regulator_state",
    "gas_order",
    "register_map",
    "device_clock",
    "archive_gap",
    "archive_mark",
)


STRUCTURE: Final = "1b3d948f9bbc380da2015e34bef43fd246268a3cb67cbd5493a4f104a882611b"
"""Of all tables: SHA-256 over what SQLite says of their columns, however it is spelt."""


def structure(connection: sqlite3.Connection) -> str:
    """The same of this file. Raises sqlite3.DatabaseError."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).fetchall()
    told = [
        (name, *column)
        for (name,) in tables
        for column in connection.execute("SELECT * FROM pragma_table_info(?)", (name,))
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def damage(connection: sqlite3.Connection) -> str | None:
    """What is wrong with the tables of a file that says it has this version. A flipped bit in a
    name would show only when that table is used, perhaps months later."""
    return None if structure(connection) == STRUCTURE else "its tables are not those of its version"


class MigrationError(Exception):
    """The journal could not be brought to this program's version; says why."""


class EarlierFormat(Exception):  # noqa: N818  # what was found is the name
    """The journal holds leaves that this program cannot read; says the remedy."""


def migrate_in_child(journal: Path, page_size: int = PAGE_SIZE) -> None:
    """Create (with pages of so many bytes) or bring up to date. Raises MigrationError."""
    try:
        result = subprocess.run(
            # -P: not what lies in the folder where root happens to be
            [sys.executable, "-P", "-m", "edge_agent.journal.schema", str(journal), str(page_size)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MigrationError(f"{journal}: not done within {_TIMEOUT_S} s") from error
    if result.returncode == _EARLIER_FORMAT:
        raise MigrationError(f"{journal}: {result.stderr.strip()}")
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["no message"]
        raise MigrationError(
            f"{journal}: {lines[-1]}; free disk space, or put the file aside and keep it"
        )
    follow_directory(journal)


def migrations() -> Migrations:
    """All steps, in order; a released step is never changed."""
    from sqlite_utils import Migrations

    steps = Migrations("journal")

    @steps()
    def m001_two_logs_and_what_they_were_made_from(db: Database) -> None:
        _create_logs(db)
        _create_memory(db)
        db.execute("PRAGMA user_version = 1")

    @steps()
    def m002_what_is_remembered_of_each_regulator(db: Database) -> None:
        db.table("regulator_state").create(
            {"regulator": str, "state": bytes}, pk="regulator", not_null={"state"}, strict=True
        )
        db.execute("PRAGMA user_version = 2")

    @steps()
    def m003_orders_of_central(db: Database) -> None:
        db.table("gateway").add_column("order_number", int, not_null_default=0)
        db.table("gas_order").create(
            {"number": int, "note": bytes, "gas": bytes, "state": str, "file_hash": bytes},
            pk="number",
            not_null={"note", "gas", "state", "file_hash"},
            strict=True,
        )
        db.execute("PRAGMA user_version = 3")

    @steps()
    def m004_clocks_and_archives_of_devices(db: Database) -> None:
        _create_devices(db)
        db.execute("PRAGMA user_version = 4")

    @steps()
    def m005_hashes_holes_and_digests(db: Database) -> None:
        _refuse_earlier_leaves(db)
        _create_hashed_logs(db)
        # the part of run_state that an open interval does not change
        db.table("run_opening").create(
            {"run": str, "opening": bytes}, pk="run", not_null={"opening"}, strict=True
        )
        for table in _DIGESTED:
            db.table(table).add_column("digest", bytes, not_null_default=b"")
        db.table("gateway").add_column("running", int, not_null_default=0)
        db.table("gateway").add_column("remembered", bytes, not_null_default=b"")
        _create_opening(db)
        db.execute("PRAGMA user_version = 5")

    return steps


def _refuse_earlier_leaves(db: Database) -> None:
    """Leaves of format 0: neither central nor this program reads them."""
    for table in ("billing", "telemetry", "batch"):
        if db.table(table).count:
            raise EarlierFormat(
                "it holds leaves of the format before version 1; let the program that wrote it "
                "send what has no receipt, then move the file and its -wal aside and keep both: "
                "this program begins a new journal, in a new epoch"
            )


def _create_hashed_logs(db: Database) -> None:
    """Each row with its leaf hash, which is its checksum; holes, where only hashes are left."""
    for log in ("billing", "telemetry"):
        db.table(log).drop()
        db.table(log).create(
            {"seq": int, "hash": bytes, "leaf": bytes},  # the hash first: read without the leaf
            pk="seq",
            not_null={"hash", "leaf"},
            strict=True,
        )
    db.table("hole").create(
        {
            "log": str,
            "epoch": int,
            "first": int,
            "end": int,
            "hashes": bytes,  # of each leaf, or (fewer) of the perfect subtrees
        },
        pk=("log", "epoch", "first"),
        not_null={"end", "hashes"},
        strict=True,
    )


def _create_opening(db: Database) -> None:
    """A new epoch that is being opened, and the leaves that are to be appended again in it."""
    db.table("opening").create(
        {
            "id": int,
            "old_epoch": int,
            "stage": str,
            "moved_gaps": bytes,
            "repeated": int,
            "digest": bytes,
        },
        pk="id",
        not_null={"stage", "moved_gaps", "repeated", "digest"},
        strict=True,
    )
    for log in ("billing", "telemetry"):
        db.table(f"old_{log}").create(  # as `billing` and `telemetry`, whose place they change with
            {"seq": int, "hash": bytes, "leaf": bytes},
            pk="seq",
            not_null={"hash", "leaf"},
            strict=True,
        )
    db.table("survivor").create(
        {"log": str, "epoch": int, "seq": int, "hash": bytes, "leaf": bytes},
        pk=("log", "epoch", "seq"),
        not_null={"hash", "leaf"},
        strict=True,
    )


def _create_logs(db: Database) -> None:
    db.table("log").create(
        {
            "log": str,
            "epoch": int,
            "size": int,
            "frontier": bytes,
            "last_mono_ms": int,  # of the newest leaf, or scan; an earlier one later: another boot
            "receipted_size": int,
            "receipted_frontier": bytes,
            "checkpoint": bytes,
            "receipt": bytes,
        },
        pk="log",
        not_null={"epoch", "size", "frontier", "receipted_size", "receipted_frontier"},
        strict=True,
    )
    for log in ("billing", "telemetry"):
        db.table(log).create({"seq": int, "leaf": bytes}, pk="seq", not_null={"leaf"}, strict=True)
    db.table("batch").create(
        {
            "log": str,
            "epoch": int,
            "first": int,
            "size": int,  # of the tree after it
            "receipt_time_s": int,
            "frontier": bytes,  # of the tree before it
            "checkpoint": bytes,
            "receipt": bytes,
            "upload": bytes,  # last: what comes before it is read without its pages
        },
        pk=("log", "epoch", "first"),
        not_null={"size", "receipt_time_s", "frontier", "checkpoint", "receipt", "upload"},
        strict=True,
    )
    db.table("batch").create_index(["log", "receipt_time_s"])  # the oldest are pruned first


def _create_memory(db: Database) -> None:
    db.table("gateway").create(
        {
            "id": int,
            "gateway": str,
            "boot_id": str,
            "boot_no": int,
            "clock_offset_ms": int,
            "clock_state": int,
            "configuration": bytes,
        },
        pk="id",
        not_null={"gateway", "boot_id", "boot_no", "clock_state"},
        strict=True,
    )
    db.table("run").create(
        {"run": str, "configuration": bytes, "active": int},
        pk="run",
        not_null={"configuration", "active"},
        strict=True,
    )
    # apart from the configuration: it is written with every tick
    db.table("run_state").create(
        {"run": str, "state": bytes}, pk="run", not_null={"state"}, strict=True
    )
    db.table("register_map").create(
        {"serial": str, "hash": bytes}, pk=("serial", "hash"), strict=True
    )


def _create_devices(db: Database) -> None:
    db.table("device_clock").create(
        {"serial": str, "offset_ms": int, "drifts": int},
        pk="serial",
        not_null={"offset_ms", "drifts"},
        strict=True,
    )
    db.table("archive_gap").create(
        {
            "seq": int,
            "run": str,
            "serial": str,
            "start_utc_ms": int,
            "end_utc_ms": int,
            "taken": int,
        },
        pk="seq",
        not_null={"run", "serial", "start_utc_ms", "end_utc_ms", "taken"},
        strict=True,
    )
    db.table("archive_mark").create(
        {"serial": str, "archive": str, "device_s": int},
        pk=("serial", "archive"),
        not_null={"device_s"},
        strict=True,
    )


def migrate(journal: Path, page_size: int = PAGE_SIZE) -> None:
    """Apply what is missing, in this process. Raises EarlierFormat."""
    from sqlite_utils import Database

    db = Database(journal)
    try:
        db.execute(f"PRAGMA page_size = {int(page_size)}")  # of a file that is there it stays
        db.execute("PRAGMA synchronous = FULL")
        db.enable_wal()
        migrations().apply(db)
    finally:
        db.close()


def main(arguments: list[str]) -> int:
    """JOURNAL [PAGE_SIZE]. The exit status."""
    try:
        migrate(Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else PAGE_SIZE)
    except EarlierFormat as error:
        sys.stderr.write(f"{error}\n")
        return _EARLIER_FORMAT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
