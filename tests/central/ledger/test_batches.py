"""Batches out of the store: what is kept decoded is bounded by its memory, not only by number."""

import pytest

from central.ledger import batches
from central.ledger.batches import BatchReader
from protocols.evidence.leaf import NO_REFERENCE, Kind, Log

WIDE = ((7,) * 300, "x" * 300, b"x" * 300)


@pytest.fixture
def stored(central, made):
    """Four batches of two leaves, each leaf with a large body that packs to almost nothing."""
    gateway = made.Gateway()
    central.register(gateway)
    for _ in range(8):
        gateway.add(Kind.SCAN, "meter", NO_REFERENCE, WIDE)
    central.send(gateway, Log.TELEMETRY, cut=2)
    return gateway.origin(Log.TELEMETRY)


def kept(central, origin):
    """Which batches are given a second time without being read again."""
    reader = BatchReader(central.store)
    first = [reader.batch(origin, start) for start in range(0, 8, 2)]
    before = dict(enumerate(first))
    return [at for at in (3, 2, 1, 0) if reader.batch(origin, 2 * at) is before[at]]


def test_small_batches_stay_decoded(central, stored):
    """A second look costs no decoding."""
    assert kept(central, stored) == [3, 2, 1, 0]


def test_wide_leaves_do_not_fill_the_memory(central, stored, monkeypatch):
    """Few leaves with many items are as bad as many leaves: the oldest batches go."""
    monkeypatch.setattr(batches, "MAX_KEPT_BYTES", 100_000)
    assert kept(central, stored) == [3, 2]


def test_one_batch_stays_however_wide(central, stored, monkeypatch):
    """The one that is being read."""
    monkeypatch.setattr(batches, "MAX_KEPT_BYTES", 1)
    assert kept(central, stored) == [3]
