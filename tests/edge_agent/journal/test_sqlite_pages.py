"""Rows out of pages: everything that SQLite gives, whatever is damaged above them."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.journal.sqlite_pages import (
    FRAME_HEADER,
    Pages,
    ReadAt,
    Record,
    checksum,
    is_torn_inside,
    read_record,
    wal_frames,
)


def reader(data: bytes) -> ReadAt:
    return lambda offset, count: data[offset : offset + count]


def pages_of(path: Path, change: bytes | None = None) -> Pages:
    data = path.read_bytes() if change is None else change
    wal_path = path.with_name(f"{path.name}-wal")
    wal = wal_path.read_bytes() if wal_path.exists() else b""
    return Pages(reader(data), len(data), reader(wal), len(wal))


def all_records(pages: Pages) -> list[Record]:
    return [record for page in range(1, pages.last + 1) for record in pages.records(page)]


@pytest.fixture(params=[512, 1024, 4096])
def database(tmp_path: Path, request: pytest.FixtureRequest) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    connection.execute(f"PRAGMA page_size = {request.param}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, a, b, c)")
    return connection


def rows_of(seed: int, count: int) -> list[tuple[object, ...]]:
    seeded = random.Random(seed)
    kinds = (
        lambda: None,
        lambda: seeded.choice((0, 1, -1, 127, 128, -(1 << 15), 1 << 23, 1 << 40, -(1 << 63))),
        lambda: seeded.random(),
        lambda: "text ü " * seeded.randrange(3),
        lambda: seeded.randbytes(seeded.choice((0, 1, 32, 200, 480, 481, 5000, 70_000))),
    )
    return [tuple(seeded.choice(kinds)() for _ in range(3)) for _ in range(count)]


@pytest.mark.parametrize("checkpointed", [False, True])
def test_every_row_is_read(
    database: sqlite3.Connection, tmp_path: Path, checkpointed: bool
) -> None:
    """Of any type and length, from the file or its log, whether it fits a page or not."""
    rows = rows_of(1, 60)
    database.executemany("INSERT INTO t (a, b, c) VALUES (?, ?, ?)", rows)
    if checkpointed:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found = {record[1:] for record in all_records(pages_of(tmp_path / "some.db"))}
    assert set(rows) <= found


def test_without_header_schema_and_inner_pages(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    """Where SQLite reaches nothing at all."""
    rows = [(seq, b"x" * 40, str(seq)) for seq in range(500)]
    database.executemany("INSERT INTO t (a, b, c) VALUES (?, ?, ?)", rows)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "some.db"
    size = pages_of(path).size
    data = bytearray(path.read_bytes())
    for start in range(0, len(data), size):
        head = start + (100 if start == 0 else 0)
        if data[head] == 0x05:  # an inner page of a table
            data[start : start + size] = bytes(size)
    data[:100] = bytes(100)
    found = {record[1:] for record in all_records(pages_of(path, bytes(data)))}
    assert set(rows) <= found


def test_without_a_header_where_most_pages_hold_long_content(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    """Pages that only go on with a row say as much of the page's size as those that begin one."""
    seeded = random.Random(4)
    size = database.execute("PRAGMA page_size").fetchone()[0]
    rows = [(seq, seeded.randbytes(3 * size), str(seq)) for seq in range(50)]
    database.executemany("INSERT INTO t (a, b, c) VALUES (?, ?, ?)", rows)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "some.db"
    pages = pages_of(path, bytes(100) + path.read_bytes()[100:])
    assert pages.size == size
    assert set(rows) <= {record[1:] for record in all_records(pages)}


def test_nonsense_is_no_row(tmp_path: Path, database: sqlite3.Connection) -> None:
    """Whatever the bytes are, reading ends, and what it gives is a row as it stands there."""
    database.executemany("INSERT INTO t (a, b, c) VALUES (?, ?, ?)", rows_of(2, 30))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = (tmp_path / "some.db").read_bytes()
    seeded = random.Random(3)
    for _ in range(60):
        changed = bytearray(data)
        for _ in range(seeded.randrange(1, 400)):
            changed[seeded.randrange(len(changed))] = seeded.randrange(256)
        all_records(pages_of(tmp_path / "some.db", bytes(changed)))


@given(st.binary(max_size=80))
def test_any_payload(data: bytes) -> None:
    """It is a row or one of three errors."""
    with contextlib.suppress(ValueError, IndexError):
        read_record(data)


def test_the_checksum_of_the_documents() -> None:
    """s0 += x0 + s1, s1 += x1 + s0 over pairs of words (section 4.2)."""
    assert checksum(">", (0, 0), bytes((0, 0, 0, 1, 0, 0, 0, 2))) == (1, 3)
    assert checksum("<", (1, 3), bytes((1, 0, 0, 0, 2, 0, 0, 0))) == (5, 10)


def log_of(database: sqlite3.Connection, tmp_path: Path, commits: int) -> bytes:
    for _ in range(commits):
        database.execute("INSERT INTO t (a) VALUES (?)", (b"y" * 700,))
    return (tmp_path / "some.db-wal").read_bytes()


def frames_with(data: bytes, at: int, bit: int) -> bool:
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return is_torn_inside(wal_frames(reader(bytes(changed)), len(changed))[1])


def test_a_flipped_bit_before_the_last_transaction_is_seen(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    """Anywhere but in the log's own header, whose damage says nothing of what lies behind."""
    data = log_of(database, tmp_path, 9)
    page_size, frames = wal_frames(reader(data), len(data))
    assert all(frame.follows for frame in frames)
    assert not is_torn_inside(frames)
    commits = [at for at, frame in enumerate(frames) if frame.is_commit]
    last = 32 + (commits[-2] + 1) * (24 + page_size)  # where the last transaction begins
    seeded = random.Random(4)
    for _ in range(150):
        at = seeded.randrange(32, last)
        assert frames_with(data, at, seeded.randrange(8)), at


def test_a_frame_with_a_damaged_number_is_read_and_bounded(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    """Its rows are whole; there are no more pages than there can be."""
    data = bytearray(log_of(database, tmp_path, 9))
    page_size, frames = wal_frames(reader(bytes(data)), len(data))
    before = {record[1:] for record in all_records(pages_of(tmp_path / "some.db"))}
    data[frames[-2].offset - 24] ^= 0x40
    pages = Pages(reader(b""), 0, reader(bytes(data)), len(data))
    assert pages.last <= 2 * len(frames)
    assert page_size == pages.size
    assert before <= {record[1:] for record in all_records(pages)}


def test_a_frame_that_the_disk_does_not_give(database: sqlite3.Connection, tmp_path: Path) -> None:
    """It is a damaged one; those behind it are read."""
    data = log_of(database, tmp_path, 5)
    size, whole = wal_frames(reader(data), len(data))
    for lost in whole[:-1]:
        begin = lost.offset - FRAME_HEADER

        def read(offset: int, count: int, begin: int = begin) -> bytes:
            is_lost = offset < begin + FRAME_HEADER + size and begin < offset + count
            return b"" if is_lost and count > 8 else data[offset : offset + count]

        _, frames = wal_frames(read, len(data))
        assert len(frames) == len(whole)
        assert next(frame for frame in frames if not frame.follows).offset == lost.offset


def test_a_torn_end_is_no_damage(database: sqlite3.Connection, tmp_path: Path) -> None:
    """A power cut may leave any part of the last transaction: SQLite rightly drops it."""
    data = log_of(database, tmp_path, 9)
    page_size, frames = wal_frames(reader(data), len(data))
    commits = [at for at, frame in enumerate(frames) if frame.is_commit]
    last = 32 + (commits[-2] + 1) * (24 + page_size)
    for at in range(last, len(data), 151):
        cut = data[:at]
        assert not is_torn_inside(wal_frames(reader(cut), len(cut))[1])
        torn = data[:at] + bytes(min(512, len(data) - at)) + data[at + 512 :]
        assert not is_torn_inside(wal_frames(reader(torn), len(torn))[1])


def test_what_an_older_torn_end_left_is_no_damage(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    """Frames behind the end of today's, from a transaction that a power cut tore before."""
    data = log_of(database, tmp_path, 6)
    page_size, before = wal_frames(reader(data), len(data))
    database.executemany("INSERT INTO t (a) VALUES (?)", [(b"z" * 3000,)] * 4)
    database.execute("BEGIN")
    database.executemany("INSERT INTO t (a) VALUES (?)", [(b"z" * 3000,)] * 9)
    database.execute("COMMIT")
    longer = (tmp_path / "some.db-wal").read_bytes()
    _, frames = wal_frames(reader(longer), len(longer))
    begin = max(at for at, each in enumerate(frames[:-1]) if each.is_commit) + 1
    older = longer[32 + (begin + 1) * (24 + page_size) :]  # right salts, but not of this place
    assert len(older) > 3 * page_size
    end = 32 + len(before) * (24 + page_size)
    left = data[:end] + older
    assert not is_torn_inside(wal_frames(reader(left), len(left))[1])


@pytest.mark.parametrize("data", [b"", b"\x37\x7f\x06\x82", bytes(64)])
def test_a_log_without_a_header_has_no_frames(data: bytes) -> None:
    assert wal_frames(reader(data), len(data)) == (0, [])
