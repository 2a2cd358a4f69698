"""Both roles against each other, over a link that loses, repeats and reorders."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.evidence.errors import BadSignature, EvidenceError, Fork, Malformed, NotHeld
from protocols.evidence.leaf import Leaf, Log, Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY
from protocols.evidence.note import KeyType, Signer, unverified_checkpoint
from protocols.evidence.upload import (
    EMPTY_HEAD,
    Accepted,
    Conflict,
    Equivocation,
    Head,
    Receipt,
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
    STRANGER,
    TELEMETRY,
    scan_leaves,
)

LEAVES = scan_leaves(rounds=8)
HASHES = [leaf_hash(encode_leaf(leaf)) for leaf in LEAVES]


@dataclass
class Central:
    """Central with one log: its head, what it stored, and the checkpoints by size."""

    head: Head = EMPTY_HEAD
    leaves: list[Leaf] = field(default_factory=list)
    checkpoints: dict[int, bytes] = field(default_factory=dict)
    clock_s: int = 1_790_000_000

    def receive(self, data: bytes) -> bytes | Conflict | Refused | Equivocation:
        """Judge an upload, store it if it extends the log, and answer."""
        upload = decode_upload(data)
        size = unverified_checkpoint(upload.checkpoint).size
        outcome = accept(self.head, upload, GATEWAY.verifier, self.checkpoints.get(size))
        if not isinstance(outcome, Accepted):
            return outcome
        self.clock_s += 1
        self.leaves += outcome.leaves
        receipt = countersign(upload.checkpoint, CENTRAL, self.clock_s)
        self.head = Head(outcome.frontier, upload.checkpoint, receipt)
        self.checkpoints[outcome.frontier.size] = upload.checkpoint
        return receipt


@dataclass
class Gateway:
    """A gateway whose journal holds ``LEAVES[:written]`` and knows what was receipted."""

    written: int = 0
    receipted: int = 0
    go_on: int = 0

    def root_at(self, size: int) -> bytes | None:
        return EMPTY.extend(HASHES[:size]).root() if size <= self.written else None

    def cut(self, count: int) -> bytes | None:
        """The next upload of at most ``count`` leaves."""
        leaves = LEAVES[self.go_on : min(self.go_on + count, self.written)]
        if not leaves:
            return None
        frontier = EMPTY.extend(HASHES[: self.go_on])
        return encode_upload(seal(TELEMETRY, frontier, leaves, SECRET, GATEWAY).upload)

    def hear(self, data: bytes, answer: bytes | Conflict) -> None:
        """Verify an answer to the upload ``data``; only then may anything count as stored."""
        if isinstance(answer, bytes):
            checkpoint = decode_upload(data).checkpoint
            receipt = check_receipt(checkpoint, answer, CENTRAL.verifier)
        else:
            again = decode_conflict(encode_conflict(answer))
            receipt = check_conflict(
                again, TELEMETRY, self.root_at, GATEWAY.verifier, CENTRAL.verifier
            )
        assert receipt.root == self.root_at(receipt.size)
        self.go_on = receipt.size
        self.receipted = max(self.receipted, receipt.size)


steps = st.lists(
    st.tuples(
        st.integers(0, 9),  # leaves written
        st.integers(1, 20),  # leaves a batch: cut anew each time
        st.sampled_from(["well", "request lost", "answer lost", "repeated", "old one again"]),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(steps)
def test_whatever_the_link_does_the_logs_agree(script: list[tuple[int, int, str]]) -> None:
    """Lost, repeated, late and re-cut batches leave the same log on both sides, receipted."""
    gateway, central = Gateway(), Central()
    sent: list[bytes] = []
    for written, count, fate in [*script, (0, 64, "well"), (0, 64, "well"), (0, 64, "well")]:
        gateway.written = min(len(LEAVES), gateway.written + written)
        data = gateway.cut(count)
        if data is None:
            continue
        if fate == "old one again" and sent:
            central.receive(sent[len(sent) // 2])  # its answer reaches nobody
        sent.append(data)
        if fate == "request lost":
            continue
        answer = central.receive(data)
        if fate == "answer lost":
            continue
        if fate == "repeated":
            answer = central.receive(data)
        assert isinstance(answer, bytes | Conflict)
        gateway.hear(data, answer)
        assert gateway.receipted <= len(central.leaves)
    assert central.leaves == LEAVES[: gateway.written]
    assert gateway.receipted == gateway.written
    assert central.head.frontier == EMPTY.extend(HASHES[: gateway.written])


def _stored(size: int) -> Central:
    gateway, central = Gateway(written=size), Central()
    data = gateway.cut(size)
    assert data is not None
    assert isinstance(central.receive(data), bytes)
    return central


def _conflict(central: Central) -> Conflict:
    return Conflict(central.head.frontier.size, central.head.checkpoint, central.head.receipt)


def test_after_a_lost_answer_the_conflict_is_the_receipt() -> None:
    """The 409 answer carries the very receipt that was lost, and work goes on behind it."""
    central, gateway = _stored(20), Gateway(written=30)
    data = gateway.cut(25)
    assert data is not None
    answer = central.receive(data)
    assert isinstance(answer, Conflict)
    gateway.hear(data, answer)
    assert (gateway.receipted, gateway.go_on) == (20, 20)
    rest = gateway.cut(64)
    assert rest is not None
    gateway.hear(rest, central.receive(rest))
    assert gateway.receipted == 30


def test_an_empty_central_is_told_apart_from_a_lie() -> None:
    """Size 0 carries no checkpoint and no receipt; with either it is Malformed."""
    receipt = check_conflict(
        Conflict(0, b"", b""), TELEMETRY, lambda _: None, GATEWAY.verifier, CENTRAL.verifier
    )
    assert receipt == Receipt(0, EMPTY.root(), 0)
    for lie in (Conflict(0, b"x", b""), Conflict(0, b"", b"x")):
        with pytest.raises(Malformed):
            check_conflict(lie, TELEMETRY, lambda _: None, GATEWAY.verifier, CENTRAL.verifier)


def test_a_central_that_was_rolled_back_is_seen() -> None:
    """An older size with its good receipt tells where central stands, below what was receipted."""
    gateway = Gateway(written=30, receipted=30)
    answer = _conflict(_stored(16))
    receipt = check_conflict(answer, TELEMETRY, gateway.root_at, GATEWAY.verifier, CENTRAL.verifier)
    assert receipt.size == 16 < gateway.receipted


def test_a_central_ahead_of_us_means_our_state_is_old() -> None:
    """A size beyond our log, signed by our key: an old disk image was started again."""
    gateway = Gateway(written=10)
    with pytest.raises(NotHeld, match="20 leaves"):
        check_conflict(
            _conflict(_stored(20)), TELEMETRY, gateway.root_at, GATEWAY.verifier, CENTRAL.verifier
        )


def test_a_fork_is_seen_by_the_gateway() -> None:
    """Another root at a size that we know, signed by our key: somebody else writes our log."""
    with pytest.raises(Fork, match="another tree"):
        check_conflict(
            _conflict(_stored(20)),
            TELEMETRY,
            lambda size: bytes(32),
            GATEWAY.verifier,
            CENTRAL.verifier,
        )


@pytest.mark.parametrize(
    ("origin", "own", "receipts", "error"),
    [
        (Origin("gw-1", Log.TELEMETRY, 1), GATEWAY, CENTRAL, Malformed),
        (Origin("gw-1", Log.BILLING, 0), GATEWAY, CENTRAL, Malformed),
        (TELEMETRY, STRANGER, CENTRAL, BadSignature),
        (
            TELEMETRY,
            GATEWAY,
            Signer.from_private_bytes("central", bytes(32), KeyType.COSIGNATURE),
            BadSignature,
        ),
    ],
)
def test_a_conflict_of_another_log_or_key_is_refused(
    origin: Origin, own: Signer, receipts: Signer, error: type[EvidenceError]
) -> None:
    """A 409 answer counts only with our checkpoint of this log and central's receipt for it."""
    with pytest.raises(error):
        check_conflict(
            _conflict(_stored(8)),
            origin,
            Gateway(written=9).root_at,
            own.verifier,
            receipts.verifier,
        )


def test_any_flipped_bit_of_a_conflict_is_refused() -> None:
    """Every one-bit change of a 409 answer is refused."""
    data = encode_conflict(_conflict(_stored(8)))
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EvidenceError):
            check_conflict(
                decode_conflict(bytes(flipped)),
                TELEMETRY,
                Gateway(written=9).root_at,
                GATEWAY.verifier,
                CENTRAL.verifier,
            )


def test_a_receipt_for_another_checkpoint_is_refused() -> None:
    """Central's receipt for another size, root or log is not one for what we sent."""
    first = seal(TELEMETRY, EMPTY, LEAVES[:8], SECRET, GATEWAY).upload.checkpoint
    second = seal(TELEMETRY, EMPTY, LEAVES[:9], SECRET, GATEWAY).upload.checkpoint
    receipt = countersign(first, CENTRAL, 7)
    assert check_receipt(first, receipt, CENTRAL.verifier).time_s == 7
    with pytest.raises(BadSignature):
        check_receipt(second, receipt, CENTRAL.verifier)


def test_a_receipt_by_another_key_is_refused() -> None:
    """Only the pinned receipt key makes receipts; the gateway's own key does not either."""
    checkpoint = seal(TELEMETRY, EMPTY, LEAVES[:8], SECRET, GATEWAY).upload.checkpoint
    for seed in (bytes([1]) * 32, bytes(32)):
        forger = Signer.from_private_bytes("central", seed, KeyType.COSIGNATURE)
        with pytest.raises(BadSignature):
            check_receipt(checkpoint, countersign(checkpoint, forger, 7), CENTRAL.verifier)


def test_a_forged_branch_behind_the_head_is_refused() -> None:
    """A batch that starts at the head but was sealed on another history misses the root."""
    central = _stored(16)
    other = scan_leaves(rounds=3, seed=8)
    frontier = EMPTY.extend(leaf_hash(encode_leaf(leaf)) for leaf in other[:16])
    forged = seal(TELEMETRY, frontier, other[16:], SECRET, GATEWAY).upload
    outcome = central.receive(encode_upload(forged))
    assert isinstance(outcome, Refused)
    assert "root differs" in outcome.reason
    assert central.leaves == LEAVES[:16]
