"""What is found in a damaged journal: ranges, leaves, batches."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.salvage.finds import Finds, Place, Ranges, is_whole_batch, merged
from protocols.evidence.leaf import Kind, Leaf, Log, Was, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY
from protocols.evidence.upload import countersign, encode_upload, seal
from tests.edge_agent.gateway import KEYS, RECEIPTS

SALT = bytes(16)
HASH = bytes(32)


def leaf_of(kind: Kind, seq: int, subject: str = "R1", was: Was | None = None) -> Leaf:
    return Leaf(kind, "gw-1", 2, seq, subject, HASH, 3, 40 + seq, None, 0, 0, (), SALT, was)


def record_of(leaf: Leaf) -> tuple[bytes | None, ...]:
    data = encode_leaf(leaf)
    return (None, leaf_hash(data), data)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6))), st.integers(0, 45))
def test_ranges_are_a_set(parts: list[tuple[int, int]], first: int) -> None:
    """In any order, overlapping or not."""
    ranges, members = Ranges(), set()
    for start, count in parts:
        ranges.add(start, start + count)
        members |= set(range(start, start + count))
    missing = {seq for a, b in ranges.missing(first, 50) for seq in range(a, b)}
    assert missing == set(range(first, 50)) - members
    assert ranges.end == max(members, default=-1) + 1
    assert ranges.first == min(members, default=0)


def test_what_is_scattered_is_told_together() -> None:
    """No more leaves than are allowed, and no lost leaf untold."""
    ranges = [(0, 1), (4, 6), (9, 10), (20, 25)]
    assert merged(ranges, 9) == [(0, 1, 1), (4, 6, 2), (9, 10, 1), (20, 25, 5)]
    assert merged(ranges, 2) == [(0, 1, 1), (4, 25, 8)]


def test_a_leaf_is_known_by_its_hash() -> None:
    """Of this gateway, and whole; its place is where it was recorded first."""
    finds = Finds("gw-1")
    leaf = leaf_of(Kind.EVENT, 7, was=Was(0, 5, HASH))
    found = finds.leaf(record_of(leaf))
    assert found is not None
    assert (found.place, found.leaf) == (Place(0, 5), leaf)
    _, hashed, data = record_of(leaf)
    assert data is not None
    flipped = data[:-40] + bytes((data[-40] ^ 1,)) + data[-39:]
    assert finds.leaf((None, hashed, flipped)) is None
    assert finds.leaf((None, leaf_hash(b"\x80"), b"\x80")) is None
    assert finds.leaf((None, "text", data)) is None
    assert finds.leaf((1, 2)) is None
    assert Finds("gw-2").leaf(record_of(leaf)) is None


def test_the_newest_of_each_run() -> None:
    """By place, in whatever order the pages come."""
    finds = Finds("gw-1")
    for seq in (4, 9, 6):
        found = finds.leaf(record_of(leaf_of(Kind.INTERVAL, seq)))
        assert found is not None
        finds.take(found)
    assert finds.intervals["R1"][0] == Place(2, 9)
    assert finds.newest == (-1, 0), "no scan: nothing is said of when polls were stored"
    scan = finds.leaf(record_of(leaf_of(Kind.SCAN, 5)))
    assert scan is not None
    finds.take(scan)
    assert finds.newest == (3, 45)
    assert list(finds.own[Log.BILLING, 2].missing(4, 10)) == [(5, 6), (7, 9)]


def test_a_batch_is_whole_if_it_leads_to_its_root() -> None:
    """Any other first, size, frontier, payload or checkpoint does not."""
    origin = leaf_of(Kind.EVENT, 0).origin()
    from protocols.evidence.salt import salt_of

    leaves = [
        leaf_of(Kind.EVENT, seq)._replace(salt=salt_of(KEYS.salt_secret, origin, seq))
        for seq in range(5)
    ]
    first = seal(origin, EMPTY, leaves[:2], KEYS.salt_secret, KEYS.signer)
    sealed = seal(origin, first.frontier, leaves[2:], KEYS.salt_secret, KEYS.signer)
    checkpoint = sealed.upload.checkpoint
    receipt = countersign(checkpoint, RECEIPTS, 1)
    frontier = first.frontier.to_bytes()
    upload = encode_upload(sealed.upload)
    row = ("billing", 2, 2, 5, 1, frontier, checkpoint, receipt, upload)
    assert is_whole_batch(row)
    for at, other in (
        (0, "telemetry"), (1, 1), (2, 3), (3, 4), (5, frontier[:-1] + b"\x00"), (5, b""),
        (6, b"no checkpoint"), (8, upload[:-1]), (8, None),
    ):  # fmt: skip
        assert not is_whole_batch((*row[:at], other, *row[at + 1 :]))
    assert not is_whole_batch(row[:8])
    finds = Finds("gw-1")
    finds.note_batch(row, 7)
    finds.note_batch(("billing", 2, "x", 5, 1, b"", b"", b"", b""), 7)
    assert [each[1:] for each in finds.newest_sealed(Log.BILLING, 3)] == [(2, 2, 5, 7)]
    assert replace(finds).sealed == finds.sealed
