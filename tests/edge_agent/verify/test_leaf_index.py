"""Leaves by epoch and seq: across uploads, holes and re-appended leaves."""

import pytest

from edge_agent.verify import leaf_index
from edge_agent.verify.leaf_index import ABSENT, HASHES_ONLY, Batch, LeafIndex
from protocols.evidence.errors import NotHeld
from protocols.evidence.leaf import Log, Was, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, hole_of
from protocols.evidence.salt import salt_of
from protocols.evidence.upload import encode_upload, seal
from tests.protocols.evidence.samples import GATEWAY, SECRET, TELEMETRY, scan_leaves

LEAVES = scan_leaves(rounds=5)  # forty


def index_of(*batches: tuple[int, bytes]) -> LeafIndex:
    """An index over uploads of epoch 0 that end at these sizes."""
    index = LeafIndex(lambda _part, offset: batches[offset][1])
    first = 0
    for offset, (size, _) in enumerate(batches):
        index.add(Log.TELEMETRY, 0, Batch(first, size, "p", offset))
        first = size
    return index


def sealed(first: int, end: int, gone: range = range(0)) -> bytes:
    hashes = [leaf_hash(encode_leaf(leaf)) for leaf in LEAVES]
    held = [leaf for leaf in LEAVES[first:end] if leaf.seq not in gone]
    holes = (hole_of(gone.start, hashes[gone.start : gone.stop]),) if gone else ()
    return encode_upload(
        seal(TELEMETRY, EMPTY.extend(hashes[:first]), held, SECRET, GATEWAY, holes).upload
    )


def test_a_range_over_several_uploads() -> None:
    """In order, with their seqs."""
    index = index_of((15, sealed(0, 15)), (40, sealed(15, 40)))
    assert list(index.scans(0, 10, 20)) == [(leaf.seq, leaf) for leaf in LEAVES[10:20]]
    assert list(index.scans(0, 10, 10)) == []


def test_what_is_not_there_is_told_apart() -> None:
    """Outside of the export, of another epoch, or only a hash."""
    index = index_of((15, sealed(0, 15)), (40, sealed(15, 40, range(20, 23))))
    for epoch, first, end, why in (
        (0, 35, 41, ABSENT), (1, 0, 2, ABSENT), (0, 18, 25, HASHES_ONLY),
    ):  # fmt: skip
        with pytest.raises(NotHeld, match=why):
            list(index.scans(epoch, first, end))
    assert len(list(index.scans(0, 23, 40))) == 17


def test_a_scan_that_was_repeated_is_found_by_its_first_number() -> None:
    """Half of the range in the old epoch's log, half of it re-appended in the new one."""
    origin = TELEMETRY._replace(epoch=1)
    again = [
        leaf._replace(
            epoch=1, seq=seq, salt=salt_of(SECRET, origin, seq), was=Was(0, leaf.seq, b"h" * 32)
        )
        for seq, leaf in enumerate(LEAVES[15:30])
    ]
    new = encode_upload(seal(origin, EMPTY, again, SECRET, GATEWAY).upload)
    old = sealed(0, 15)
    index = LeafIndex(lambda part, _offset: new if part == "new" else old)
    index.add(Log.TELEMETRY, 0, Batch(0, 15, "old", 0))
    index.add(Log.TELEMETRY, 1, Batch(0, 15, "new", 0))
    for leaf in again:
        index.repeats(leaf)
    index.repeats(LEAVES[0])
    found = list(index.scans(0, 10, 28))
    assert [seq for seq, _ in found] == list(range(10, 28))
    assert [leaf.body for _, leaf in found] == [leaf.body for leaf in LEAVES[10:28]]
    with pytest.raises(NotHeld):
        list(index.scans(0, 28, 31))


def test_few_uploads_are_kept_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that a long export takes is bounded; what was dropped is read again."""
    reads: list[int] = []
    uploads = [sealed(0, 15), sealed(15, 40)]
    monkeypatch.setattr(leaf_index, "MAX_KEPT_LEAVES", 30)

    def read(_part: str, offset: int) -> bytes:
        reads.append(offset)
        return uploads[offset]

    index = LeafIndex(read)
    index.add(Log.TELEMETRY, 0, Batch(0, 15, "p", 0))
    index.add(Log.TELEMETRY, 0, Batch(15, 40, "p", 1))
    for at in (0, 1, 16, 2, 3):
        assert next(index.scans(0, at, at + 1))[0] == at
    assert reads == [0, 1, 0]


def test_a_billing_leafs_hash() -> None:
    """None where it is not held."""
    index = index_of((15, sealed(0, 15)))
    assert index.billing_hash(0, 3) is None
    index.add(Log.BILLING, 0, Batch(0, 15, "p", 0))
    assert index.billing_hash(0, 3) == leaf_hash(encode_leaf(LEAVES[3]))
    assert index.billing_hash(0, 15) is None
