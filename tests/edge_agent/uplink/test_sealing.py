"""What may be signed: what was recorded, never across a change of the key, in bounded turns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.journal.journal import Journal
from edge_agent.journal.reader import JournalReader
from edge_agent.keys.keys import Keys
from edge_agent.uplink import sealing
from edge_agent.uplink.sealing import MOST_BYTES, SENT_BYTES, NotRecorded, Sealer, most_bytes
from protocols.evidence.leaf import Log
from protocols.evidence.note import Signer, open_checkpoint
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, KEYS, config_of, new_journal
from tests.edge_agent.test_backlog import fill

NEW = Signer.from_private_bytes(GATEWAY, b"n" * 32)
SCANS = 300


class Rotated(Keys):
    """From leaf 100 on another key signs telemetry, and central does not know it yet."""

    def signer_for(self, log: Log, epoch: int, size: int) -> Signer:
        return NEW if log is Log.TELEMETRY and size > 100 else self.signer

    def boundary(self, log: Log, epoch: int) -> int | None:
        return 100 if log is Log.TELEMETRY else None

    def must_wait(self, log: Log, epoch: int, first: int) -> bool:
        return log is Log.TELEMETRY and first >= 100


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = new_journal(config_of(tmp_path))
    fill(journal, journal.load(GATEWAY, BOOT_ID, 0), SCANS)
    yield journal
    journal.close()


@pytest.fixture
def reader(journal: Journal) -> Iterator[JournalReader]:
    reader = JournalReader(journal.path, GATEWAY)
    yield reader
    reader.close()


def looked_at(sealer: Sealer, reader: JournalReader) -> int:
    """How many calls it takes until all of telemetry is looked at."""
    calls = 1
    while sealer.looks_on(reader.state(Log.TELEMETRY), SCANS):
        calls += 1
    return calls


def test_a_backlog_is_looked_at_in_bounded_steps(
    reader: JournalReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And once: what was looked at is not looked at again."""
    monkeypatch.setattr(sealing, "MOST_VERIFIED", 70)
    sealer = Sealer(reader, KEYS)
    assert looked_at(sealer, reader) == 5
    assert looked_at(sealer, reader) == 1
    sealer.forget(Log.TELEMETRY)
    assert looked_at(sealer, reader) == 5


@pytest.mark.parametrize("seq", [0, 150, SCANS - 1])
def test_rows_that_lead_elsewhere_are_found_before_anything_is_signed(
    journal: Journal, reader: JournalReader, monkeypatch: pytest.MonkeyPatch, seq: int
) -> None:
    """A row and its hash that were both changed, anywhere in the backlog."""
    monkeypatch.setattr(sealing, "MOST_VERIFIED", 70)
    connection = sqlite3.connect(journal.path)
    with connection:
        connection.execute("UPDATE telemetry SET hash = zeroblob(32) WHERE seq = ?", (seq,))
    connection.close()
    with pytest.raises(NotRecorded, match="not the one that was recorded"):
        looked_at(Sealer(reader, KEYS), reader)


def test_a_batch_ends_where_the_key_changes(reader: JournalReader) -> None:
    """Each side is signed by its own key, and the new one waits for billing."""
    keys = Rotated(GATEWAY, KEYS.signer, KEYS.salt_secret)
    sealer = Sealer(reader, keys)
    origin = reader.state(Log.TELEMETRY).origin
    assert [sealer.most(origin, first, 80) for first in (0, 30, 99, 100)] == [80, 70, 1, 80]
    assert [sealer.must_wait(origin, first) for first in (0, 99, 100)] == [False, False, True]
    before, signed = reader.state(Log.TELEMETRY).receipted, []
    while before.size < SCANS:
        most = sealer.most(origin, before.size, 80)
        batch = sealer.seal(reader.cut_on(Log.TELEMETRY, before, most, MOST_BYTES))
        key = KEYS.signer.verifier if batch.after.size <= 100 else NEW.verifier
        open_checkpoint(batch.checkpoint, key)
        signed.append(batch.after.size)
        before = batch.after
    assert signed == [80, 100, 180, 260, 300]
    assert before == reader.state(Log.TELEMETRY).frontier


@pytest.mark.parametrize(
    ("rate", "most"), [(100, 60_000), (150, 90_000), (250_000, SENT_BYTES), (10**8, SENT_BYTES)]
)
def test_a_slow_link_gets_small_batches(rate: int, most: int) -> None:
    """About a minute of the rate each; a leaf always fits."""
    assert most_bytes(rate) == most
