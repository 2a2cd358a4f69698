"""Batches out of the store: what is kept decoded is bounded by its memory, not only by number."""

import pytest
from sqlalchemy import select, update

from central.ledger import batches
from central.ledger.batches import BatchReader
from central.ledger.rebuild import rebuild
from central.store.ledger_tables import alarm, cursor
from central.store.log_tables import batch
from protocols.evidence.leaf import NO_REFERENCE, Kind, Log
from protocols.evidence.upload import decode_upload

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


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_damaged_batch_stops_only_its_log(central, made, at):
    """A bit of a stored upload flips: an alarm names it, its log waits, all other logs go on."""
    sick, well = made.Gateway("gw-1"), made.Gateway("gw-2")
    for gateway in (sick, well):
        gateway.configure(made.config("R1"))
        for _ in range(6):
            gateway.poll()
        gateway.stop()
        central.register(gateway)
        central.send(gateway, Log.BILLING, cut=3)
        central.send(gateway, Log.TELEMETRY)
    with central.store.writer.begin() as conn:
        where = (batch.c.gateway == "gw-1", batch.c.log == "billing", batch.c.first == 3)
        stored = bytearray(conn.execute(select(batch.c.upload).where(*where)).scalar_one())
        payload = decode_upload(bytes(stored)).payload
        stored[bytes(stored).index(payload) + int(at * len(payload))] ^= 4
        conn.execute(update(batch).where(*where).values(upload=bytes(stored)))
    central.catch_up()
    with central.store.engine.connect() as conn:
        reached = {
            (gateway, log): seq
            for gateway, log, seq in conn.execute(
                select(cursor.c.gateway, cursor.c.log, cursor.c.next_seq)
            ).all()
        }
        (told,) = conn.execute(select(alarm)).all()
    assert reached["gw-1", "billing"] == 3
    assert reached["gw-2", "billing"] == len(well.leaves[Log.BILLING])
    assert reached["gw-1", "telemetry"] == len(sick.leaves[Log.TELEMETRY])
    assert (told.gateway, told.code, told.seq) == ("gw-1", "batch-damaged", 3)
    assert "restore it from a backup" in told.detail
    assert rebuild(central.store).alarms == 1


def test_leaves_are_found_by_their_seq(central, made):
    """Some of a batch may be missing: a range gives those that are held, across batches."""
    gateway = made.Gateway()
    central.register(gateway)
    for _ in range(20):
        gateway.add(Kind.SCAN, "meter", NO_REFERENCE, (1,))
    gateway.evicted[Log.TELEMETRY] = {3, 4, 5, 9, 10, 17, 18, 19}
    central.send(gateway, Log.TELEMETRY, cut=5)
    origin, reader = gateway.origin(Log.TELEMETRY), BatchReader(central.store)
    held = [seq for seq in range(20) if seq not in gateway.evicted[Log.TELEMETRY]]
    for first in range(21):
        for end in range(first, 22):
            found = [leaf.seq for leaf in reader.leaves(origin, first, end)]
            assert found == [seq for seq in held if first <= seq < end]
    assert reader.batch(origin, 0).holes == ((3, 5),)
    assert reader.batch(origin, 15).leaves[-1].seq == 16
