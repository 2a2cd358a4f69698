"""After a long outage the backlog is streamed, in bounded turns; memory does not grow with it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import pytest

from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.journal import Journal
from edge_agent.journal.memory import Memory, Settled
from edge_agent.journal.reader import JournalReader
from edge_agent.journal.rows import SENT_LEAVES
from edge_agent.uplink.transport import Answer, Transport
from edge_agent.uplink.uplink import Uplink
from protocols.evidence.leaf import Kind, Log
from protocols.evidence.upload import countersign, decode_upload
from protocols.metering.instant import Instant
from tests.edge_agent.gateway import (
    BOOT_ID,
    GATEWAY,
    KEYS,
    RECEIPTS,
    UTC_MS,
    config_of,
    new_journal,
)

SALTS = Salts(GATEWAY, KEYS.salt_secret)
COMMIT = 8192
MEGABYTE = 1_000_000


class Receipts(Transport):
    """A central that gives a receipt for whatever comes; `order`: what came, in leaves."""

    def __init__(self) -> None:
        self.bytes_out = self.bytes_in = 0
        self.order: list[tuple[Log, int]] = []

    def post(self, path: str, body: bytes, unsent: str | None = None) -> Answer:
        upload = decode_upload(body)
        self.order.append((upload.origin.log, upload.first))
        return Answer(200, "text/plain", countersign(upload.checkpoint, RECEIPTS, 1_790_000_000))

    def close(self) -> None:
        """There is nothing to close."""


def fill(journal: Journal, memory: Memory, scans: int) -> Memory:
    """Small scans, and a billing leaf for each hundred of them, as an outage leaves them."""
    for first in range(0, scans, COMMIT):
        draft = Draft(memory, SALTS)
        for at in range(first, min(first + COMMIT, scans)):
            instant = Instant(0, 10_000 * at, UTC_MS + 10_000 * at, 2)
            draft.append(Kind.SCAN, "M1", (at, 2 * at, 7), instant)
            if not at % 100:
                draft.append(Kind.EVENT, "", ("tick", None, at, "test", ""), instant)
        tick = draft.tick()
        journal.commit(tick)
        memory = tick.after
    return memory


class Outcome(NamedTuple):
    """Of sending a backlog: the most that was allocated at once in bytes, the longest turn in s."""

    peak: int
    longest_s: float
    order: list[tuple[Log, int]]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = new_journal(config_of(tmp_path))
    yield journal
    journal.close()


def send(journal: Journal, scans: int, *, traced: bool) -> Outcome:
    """Record, then let the uplink turn until all has its receipt."""
    memory = fill(journal, journal.load(GATEWAY, BOOT_ID, 0), scans)

    def settle(settled: Settled, _timeout_s: float) -> bool:
        journal.commit(Draft(memory, SALTS).tick(), (settled,))
        return True

    central = Receipts()
    reader = JournalReader(journal.path, GATEWAY)
    now = [0.0]
    uplink = Uplink(
        *(reader, central, KEYS, RECEIPTS.verifier, settle, 300.0, lambda: now[0], lambda: 0.0)
    )
    longest_s = 0.0
    if traced:
        tracemalloc.start()
    try:
        for _ in range(scans):
            begun = perf_counter()
            wait_s = uplink.turn()
            longest_s = max(longest_s, perf_counter() - begun)
            if wait_s > 0 and uplink.exchange.pending() == 0:
                break
            now[0] += wait_s
        peak = tracemalloc.get_traced_memory()[1] if traced else 0
    finally:
        tracemalloc.stop()
    assert uplink.exchange.pending() == 0
    reader.close()
    return Outcome(peak, longest_s, central.order)


def test_a_backlog_is_streamed(journal: Journal) -> None:
    """Batch after batch, billing first."""
    outcome = send(journal, 10_000, traced=False)
    starts = {log: [at for one, at in outcome.order if one is log] for log in Log}
    assert starts[Log.TELEMETRY] == list(range(0, 10_000, SENT_LEAVES))
    billing = starts[Log.BILLING]
    assert outcome.order[: len(billing)] == [(Log.BILLING, at) for at in billing]
    assert billing == sorted({*billing, 0})


@pytest.mark.long
def test_ninety_days(journal: Journal, tmp_path: Path) -> None:
    """Ten times as many need the same memory and the same turns; the figures are printed."""
    few = send(journal, 12_288, traced=True)
    other = tmp_path / "other"
    other.mkdir()
    larger = new_journal(config_of(other))
    many = send(larger, 122_880, traced=True)
    larger.close()
    print(
        f"12,288 and 122,880 leaves: peak {few.peak / MEGABYTE:.1f} and "
        f"{many.peak / MEGABYTE:.1f} MB"
    )
    print(f"longest turn {few.longest_s:.2f} and {many.longest_s:.2f} s, traced")
    assert few.peak < 40 * MEGABYTE
    assert many.peak < 1.2 * few.peak + 2 * MEGABYTE
    assert many.longest_s < 5 * max(few.longest_s, 0.5)
