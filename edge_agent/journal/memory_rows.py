"""Rows of what the journal remembers, each with a digest: a flipped bit is never taken for truth.

The digest is not a signature; it tells a damaged row from a whole one. SQLite's own checks find
one flipped bit in ten.
"""

from __future__ import annotations

import hashlib
import sqlite3  # noqa: TID251  # rows of the journal, on its own connection
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from protocols.evidence import cbor

Value: TypeAlias = "int | str | bytes | None"
DIGEST_BYTES: Final = 8

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": (
        "id", "gateway", "boot_id", "boot_no", "clock_offset_ms", "clock_state", "configuration",
        "order_number", "running", "remembered",
    ),
    "log": (
        "log", "epoch", "size", "frontier", "last_mono_ms", "receipted_size",
        "receipted_frontier", "checkpoint", "receipt",
    ),
    "run": ("run", "configuration", "active"),
    "run_opening": ("run", "opening"),
    "run_state": ("run", "state"),
    "regulator_state": ("regulator", "state"),
    "gas_order": ("number", "note", "gas", "state", "file_hash"),
    "register_map": ("serial", "hash"),
    "device_clock": ("serial", "offset_ms", "drifts"),
    "archive_gap": ("seq", "run", "serial", "start_utc_ms", "end_utc_ms", "taken"),
    "archive_mark": ("serial", "archive", "device_s"),
    "opening": ("id", "old_epoch", "stage", "moved_gaps", "repeated"),
}  # fmt: skip
"""Every table that is remembered, with its columns but the digest."""

_NAMES: Final = {table: ", ".join(columns) for table, columns in COLUMNS.items()}
SELECT: Final = {table: f"SELECT {_NAMES[table]}, digest FROM {table}" for table in COLUMNS}  # noqa: S608  # names from above
# in place: a replaced row would be another page, and the index's page with it
_PUT: Final = {
    table: f"INSERT INTO {table} ({_NAMES[table]}, digest) "  # noqa: S608
    f"VALUES ({', '.join('?' * (len(columns) + 1))}) ON CONFLICT DO UPDATE SET "
    f"{', '.join(f'{name} = excluded.{name}' for name in (*columns[1:], 'digest'))}"
    for table, columns in COLUMNS.items()
}


READ_ERRORS: Final = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged file raises: SQLite's own message may be no text any more."""


class DamagedRow(ValueError):  # noqa: N818  # what was found is the name
    """A remembered row is not as it was stored, or is missing."""


def digest(table: str, row: Sequence[Value]) -> bytes:
    """Of a row's columns as SQLite gives them back."""
    return hashlib.sha256(cbor.encode((table, *row))).digest()[:DIGEST_BYTES]


def is_whole(table: str, row: Sequence[Value]) -> bool:
    """Whether the digest, its last column, is that of the row."""
    *values, stored = row
    return stored == digest(table, values)


def put(connection: sqlite3.Connection, table: str, rows: Iterable[Sequence[Value]]) -> None:
    """Insert or replace whole rows; booleans and enums become integers."""
    plain = (tuple(int(v) if isinstance(v, int) else v for v in row) for row in rows)
    connection.executemany(_PUT[table], ((*row, digest(table, row)) for row in plain))


def take(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    """All rows, without their digests. Raises DamagedRow."""
    rows = connection.execute(SELECT[table]).fetchall()
    for row in rows:
        if not is_whole(table, row):
            raise DamagedRow(f"a row of {table} is damaged: its digest does not fit")
    return [row[:-1] for row in rows]


def renew_log_digests(connection: sqlite3.Connection) -> None:
    """Of both log rows, which several statements of a transaction may have changed."""
    connection.executemany(
        "UPDATE log SET digest = ? WHERE log = ?",
        [
            (digest("log", row[:-1]), row[0])
            for row in connection.execute(SELECT["log"]).fetchall()
            if not is_whole("log", row)
        ],
    )
