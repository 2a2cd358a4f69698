"""10,000 one-bit mutations each of a batch, checkpoints, receipts and 409 answers: none accepted.

Leaves and proofs have theirs in `test_proof.py` and beside the verifier. What is flipped is drawn
by a fixed seed where there are more bits than that.
"""

import random
from collections.abc import Iterator, Sequence

import pytest

from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.leaf import Log, Origin
from protocols.evidence.merkle import EMPTY
from protocols.evidence.note import Checkpoint, open_checkpoint, sign_checkpoint
from protocols.evidence.upload import (
    EMPTY_HEAD,
    Accepted,
    Conflict,
    Refused,
    accept,
    check_conflict,
    check_receipt,
    countersign,
    decode_conflict,
    decode_upload,
    encode_conflict,
    encode_upload,
    seal,
)
from tests.protocols.evidence.samples import (
    CENTRAL,
    GATEWAY,
    SECRET,
    TELEMETRY,
    scan_leaves,
    with_failed_polls,
)

MUTATIONS = 10_000


def flipped(data: bytes, bits: Sequence[int]) -> Iterator[bytes]:
    """The data with one of these bits the other way."""
    for bit in bits:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def some_bits(data: bytes, count: int) -> Sequence[int]:
    """As many bits of the data, or all where it has no more."""
    size = 8 * len(data)
    return range(size) if size <= count else random.Random(size).sample(range(size), count)


def checkpoints() -> Iterator[tuple[Origin, int, bytes]]:
    """Different ones, until all their bits are the mutations asked for."""
    size, left = 0, MUTATIONS
    while left > 0:
        size += 1
        origin = Origin("gw-1", Log.BILLING if size % 2 else Log.TELEMETRY, size % 3)
        root = EMPTY.extend(bytes([size, n & 255]) * 16 for n in range(size)).root()
        note = sign_checkpoint(Checkpoint(origin, size, root), GATEWAY)
        yield origin, size, note
        left -= 8 * len(note)


def test_no_mutated_batch_is_accepted() -> None:
    """Whatever bit is changed on the way, central stores nothing."""
    leaves = with_failed_polls(scan_leaves("noisy", rounds=24))
    data = encode_upload(seal(TELEMETRY, EMPTY, leaves, SECRET, GATEWAY).upload)
    bits = some_bits(data, MUTATIONS)
    assert len(bits) == MUTATIONS
    for changed in flipped(data, bits):
        try:
            outcome = accept(EMPTY_HEAD, decode_upload(changed), GATEWAY.verifier, None)
        except Malformed:
            continue
        assert not isinstance(outcome, Accepted)
        assert isinstance(outcome, Refused) or outcome == Conflict(0, b"", b"")


def test_no_mutated_checkpoint_is_accepted() -> None:
    """Every bit of every checkpoint, signature line included."""
    tried = 0
    for _, _, note in checkpoints():
        for changed in flipped(note, range(8 * len(note))):
            with pytest.raises(EvidenceError):
                open_checkpoint(changed, GATEWAY.verifier)
            tried += 1
    assert tried >= MUTATIONS


def test_no_mutated_receipt_is_accepted() -> None:
    """A changed receipt lets nothing be pruned; nor does a good one for a changed checkpoint."""
    tried = 0
    for _, size, note in checkpoints():
        receipt = countersign(note, CENTRAL, 1_790_000_000 + size)
        assert check_receipt(note, receipt, CENTRAL.verifier).size == size
        for changed in flipped(receipt, range(8 * len(receipt))):
            with pytest.raises(EvidenceError):
                check_receipt(note, changed, CENTRAL.verifier)
            tried += 1
        text = 8 * (note.index(b"\n\n") + 1)
        for changed in flipped(note, some_bits(note[: text // 8], 600)):
            with pytest.raises(EvidenceError):
                check_receipt(changed, receipt, CENTRAL.verifier)
            tried += 1
    assert tried >= MUTATIONS


def test_no_mutated_conflict_is_accepted() -> None:
    """A gateway goes nowhere on a 409 answer of which a bit was changed."""
    tried = 0
    for origin, size, note in checkpoints():
        root = open_checkpoint(note, GATEWAY.verifier).root
        data = encode_conflict(Conflict(size, note, countersign(note, CENTRAL, 1_790_000_000)))
        for changed in flipped(data, range(8 * len(data))):
            with pytest.raises(EvidenceError):
                check_conflict(
                    decode_conflict(changed), origin, {size: root}.get,
                    GATEWAY.verifier, CENTRAL.verifier,
                )  # fmt: skip
            tried += 1
    assert tried >= MUTATIONS
