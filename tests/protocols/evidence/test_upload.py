"""The wire forms of upload and conflict, and central's judgement of single uploads."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence import cbor
from protocols.evidence.batch import encode_batch
from protocols.evidence.errors import EvidenceError, Malformed
from protocols.evidence.leaf import Log, Origin, encode_leaf, leaf_hash
from protocols.evidence.merkle import EMPTY, Hole, hole_of
from protocols.evidence.note import Checkpoint, sign_checkpoint
from protocols.evidence.salt import salt_of
from protocols.evidence.upload import (
    EMPTY_HEAD,
    MAX_HOLES,
    MAX_UPLOAD_BYTES,
    Accepted,
    Conflict,
    Equivocation,
    Head,
    Refused,
    Sealed,
    Upload,
    accept,
    check_receipt,
    countersign,
    decode_conflict,
    decode_upload,
    encode_conflict,
    encode_upload,
    open_leaves,
    parse_unsent,
    seal,
    unsent_text,
)
from tests.protocols.evidence.samples import (
    BILLING,
    CENTRAL,
    GATEWAY,
    SECRET,
    STRANGER,
    TELEMETRY,
    scan_leaves,
    with_failed_polls,
)

LEAVES = with_failed_polls(scan_leaves(rounds=3))
SEALED = seal(TELEMETRY, EMPTY, LEAVES, SECRET, GATEWAY)
UPLOAD = SEALED.upload
DATA = encode_upload(UPLOAD)


def _outcome(data: bytes, head: Head = EMPTY_HEAD) -> object:
    """What central makes of bytes from the network."""
    try:
        upload = decode_upload(data)
    except Malformed as error:
        return error
    return accept(head, upload, GATEWAY.verifier, None)


def test_an_upload_is_accepted() -> None:
    """What the gateway sealed, central reads back leaf by leaf, to the same frontier."""
    assert decode_upload(DATA) == UPLOAD
    assert _outcome(DATA) == Accepted(SEALED.frontier, LEAVES)


def test_any_flipped_bit_is_refused() -> None:
    """Every one-bit change of a real upload is Malformed or Refused: all bits, all fields."""
    for bit in range(8 * len(DATA)):
        flipped = bytearray(DATA)
        flipped[bit // 8] ^= 1 << bit % 8
        outcome = _outcome(bytes(flipped))
        assert isinstance(outcome, Malformed | Refused | Conflict), (bit, outcome)
        # Another `first` is a conflict: nothing is stored, and the gateway is told where to go on.
        assert not isinstance(outcome, Conflict) or outcome.size == 0


def test_any_flipped_bit_of_a_receipt_is_refused() -> None:
    """Every one-bit change of a receipt, and of the checkpoint it is for, is refused."""
    receipt = countersign(UPLOAD.checkpoint, CENTRAL, 1_790_000_000)
    good = check_receipt(UPLOAD.checkpoint, receipt, CENTRAL.verifier)
    assert good == (len(LEAVES), SEALED.frontier.root(), 1_790_000_000)
    for bit in range(8 * len(receipt)):
        flipped = bytearray(receipt)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EvidenceError):
            check_receipt(UPLOAD.checkpoint, bytes(flipped), CENTRAL.verifier)
    text_bits = 8 * (UPLOAD.checkpoint.index(b"\n\n") + 1)
    for bit in range(text_bits):
        flipped = bytearray(UPLOAD.checkpoint)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EvidenceError):
            check_receipt(bytes(flipped), receipt, CENTRAL.verifier)


def test_a_flipped_payload_bit_with_its_hash_made_right_is_refused() -> None:
    """An attacker who corrects the hash still meets the root; same leaves are the same leaves."""
    for bit in range(0, 8 * len(UPLOAD.payload), 3):
        flipped = bytearray(UPLOAD.payload)
        flipped[bit // 8] ^= 1 << bit % 8
        payload = bytes(flipped)
        digest = hashlib.sha256(payload).digest()
        outcome = accept(
            EMPTY_HEAD,
            UPLOAD._replace(payload=payload, payload_sha256=digest),
            GATEWAY.verifier,
            None,
        )
        assert isinstance(outcome, Refused) or outcome == Accepted(SEALED.frontier, LEAVES)


@pytest.mark.parametrize(
    "salts",
    [
        ((0, bytes(16)),),
        (),
        (*UPLOAD.block_salts, (1, bytes(16))),
        ((1, UPLOAD.block_salts[0][1]),),
        UPLOAD.block_salts * 2,
    ],
)
def test_other_salts_are_refused(salts: tuple[tuple[int, bytes], ...]) -> None:
    """A changed, missing, further, misplaced or repeated block salt is refused."""
    outcome = _outcome(encode_upload(UPLOAD._replace(block_salts=salts)))
    assert isinstance(outcome, Refused)
    assert outcome.code == "content"


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"payload_sha256": bytes(32)}, "content", "SHA-256"),
        ({"origin": BILLING}, "content", "checkpoint of"),
        ({"origin": Origin("gw-2", Log.TELEMETRY, 0)}, "content", "checkpoint of"),
        ({"origin": Origin("gw-1", Log.TELEMETRY, 1)}, "content", "checkpoint of"),
        ({"first": 24}, "content", "are read at once"),
        ({"first": 25}, "content", "are read at once"),
        ({"checkpoint": b"x"}, "content", "note"),
        ({"checkpoint": b""}, "content", "note"),
    ],
)
def test_contradictions_are_refused(change: dict[str, object], code: str, reason: str) -> None:
    """Fields that do not belong together are refused with a reason and a remedy."""
    outcome = _outcome(encode_upload(UPLOAD._replace(**change)))
    assert isinstance(outcome, Refused)
    assert outcome.code == code
    assert reason in outcome.reason
    assert outcome.remedy


def test_another_key_is_refused_as_such() -> None:
    """A checkpoint by another key is refused for its signature, not for its content."""
    foreign = seal(TELEMETRY, EMPTY, LEAVES, SECRET, STRANGER).upload
    outcome = accept(EMPTY_HEAD, foreign, GATEWAY.verifier, None)
    assert isinstance(outcome, Refused)
    assert outcome.code == "signature"


def test_leaves_that_the_root_does_not_cover_are_refused() -> None:
    """A well-formed payload of other leaves does not reach the signed root."""
    other = seal(TELEMETRY, EMPTY, scan_leaves(rounds=3, seed=8), SECRET, GATEWAY).upload
    mixed = UPLOAD._replace(payload=other.payload, payload_sha256=other.payload_sha256)
    outcome = accept(EMPTY_HEAD, mixed, GATEWAY.verifier, None)
    assert isinstance(outcome, Refused)
    assert "root differs" in outcome.reason


def test_more_leaves_than_are_read_at_once_are_refused() -> None:
    """A checkpoint far ahead is refused before anything is inflated."""
    note = sign_checkpoint(Checkpoint(TELEMETRY, 65537, bytes(32)), GATEWAY)
    outcome = accept(EMPTY_HEAD, UPLOAD._replace(checkpoint=note), GATEWAY.verifier, None)
    assert isinstance(outcome, Refused)
    assert "are read at once" in outcome.reason


def test_a_stored_upload_sent_again_is_a_conflict() -> None:
    """Central answers a repeated upload with where it stands, whatever else it holds."""
    receipt = countersign(UPLOAD.checkpoint, CENTRAL, 5)
    head = Head(SEALED.frontier, UPLOAD.checkpoint, receipt)
    assert _outcome(DATA, head) == Conflict(len(LEAVES), UPLOAD.checkpoint, receipt)


def test_equivocation_at_the_head() -> None:
    """Another signed root for the head's size is equivocation, with both notes kept."""
    head = Head(SEALED.frontier, UPLOAD.checkpoint, countersign(UPLOAD.checkpoint, CENTRAL, 5))
    forged = seal(TELEMETRY, EMPTY, scan_leaves(rounds=3, seed=8), SECRET, GATEWAY).upload
    outcome = accept(head, forged, GATEWAY.verifier, None)
    assert outcome == Equivocation(UPLOAD.checkpoint, forged.checkpoint)


def test_equivocation_at_an_earlier_size() -> None:
    """The same for an earlier size whose checkpoint central still holds; without it, conflict."""
    more = seal(TELEMETRY, EMPTY, scan_leaves(rounds=4), SECRET, GATEWAY)
    head = Head(more.frontier, more.upload.checkpoint, b"receipt")
    forged = seal(TELEMETRY, EMPTY, scan_leaves(rounds=3, seed=8), SECRET, GATEWAY).upload
    stored = seal(TELEMETRY, EMPTY, scan_leaves(rounds=3), SECRET, GATEWAY).upload.checkpoint
    outcome = accept(head, forged, GATEWAY.verifier, stored)
    assert outcome == Equivocation(stored, forged.checkpoint)
    assert isinstance(accept(head, forged, GATEWAY.verifier, None), Conflict)


def test_a_stored_checkpoint_of_another_size_is_a_bug_and_no_equivocation() -> None:
    """A caller that looks up the wrong checkpoint crashes, and accuses nobody."""
    other = seal(TELEMETRY, EMPTY, LEAVES[:8], SECRET, GATEWAY).upload.checkpoint
    with pytest.raises(ValueError, match="stored checkpoint"):
        accept(EMPTY_HEAD, UPLOAD, GATEWAY.verifier, other)


def test_a_forged_checkpoint_is_no_equivocation() -> None:
    """Nobody but the key's holder can make central believe in equivocation."""
    head = Head(SEALED.frontier, UPLOAD.checkpoint, b"receipt")
    forged = seal(TELEMETRY, EMPTY, scan_leaves(rounds=3, seed=8), SECRET, STRANGER).upload
    outcome = accept(head, forged, GATEWAY.verifier, None)
    assert isinstance(outcome, Refused)
    assert outcome.code == "signature"


@pytest.mark.parametrize(
    "fields",
    [
        (1, *DATA[:0], "x"),
        (1, str(TELEMETRY), -1, (), b"", bytes(32), b"", ()),
        (1, str(TELEMETRY), 0, (), b"", bytes(31), b"", ()),
        (1, str(TELEMETRY), 0, (), "", bytes(32), b"", ()),
        (1, str(TELEMETRY), 0, ((0, bytes(15)),), b"", bytes(32), b"", ()),
        (1, str(TELEMETRY), 0, (0, bytes(16)), b"", bytes(32), b"", ()),
        (1, "gas-evidence/gw-1/other/0", 0, (), b"", bytes(32), b"", ()),
        (1, str(TELEMETRY), 0, (), b"", bytes(32), b"", (), 0),
        (1, str(TELEMETRY), 0, (), b"", bytes(32), b""),
        (0, str(TELEMETRY), 0, (), b"", bytes(32), b"", ()),
        (1, str(TELEMETRY), 0, (), b"", bytes(32), b"", (7,)),
        (1, str(TELEMETRY), 0, (), b"", bytes(32), b"", ((0, 1, ("a" * 32,)),)),
        (2, str(TELEMETRY), 0, (), b"", bytes(32), b"", ()),
        (None, str(TELEMETRY), 0, (), b"", bytes(32), b"", ()),
    ],
)
def test_other_forms_of_an_upload_are_refused(fields: cbor.Item) -> None:
    """Another version, field, type or length is Malformed."""
    with pytest.raises(Malformed):
        decode_upload(cbor.encode(fields))


def test_an_upload_has_a_bound() -> None:
    """An upload beyond the bound is neither written nor read."""
    big = UPLOAD._replace(payload=bytes(MAX_UPLOAD_BYTES))
    with pytest.raises(Malformed, match="at most"):
        encode_upload(big)
    with pytest.raises(Malformed, match="at most"):
        decode_upload(bytes(MAX_UPLOAD_BYTES + 1))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_upload_or_malformed(data: bytes) -> None:
    """Noise is Malformed; never another error."""
    with pytest.raises(Malformed):
        decode_upload(data)


@given(st.integers(0, 1 << 47), st.binary(max_size=300), st.binary(max_size=300))
def test_conflict_round_trip(size: int, checkpoint: bytes, receipt: bytes) -> None:
    """A conflict is read as it was written."""
    conflict = Conflict(size, checkpoint, receipt)
    assert decode_conflict(encode_conflict(conflict)) == conflict


@pytest.mark.parametrize(
    "fields", [(1, -1, b"", b""), (0, 0, b"", b""), (1, 0, b""), (1, 0, "", b"")]
)
def test_other_forms_of_a_conflict_are_refused(fields: cbor.Item) -> None:
    """Another version, field or type is Malformed."""
    with pytest.raises(Malformed):
        decode_conflict(cbor.encode(fields))


@pytest.mark.parametrize(
    ("origin", "leaves", "secret"),
    [
        (TELEMETRY, LEAVES[1:], SECRET),
        (TELEMETRY, [], SECRET),
        (BILLING, LEAVES, SECRET),
        (TELEMETRY, LEAVES, bytes(32)),
    ],
)
def test_seal_refuses_what_does_not_follow(origin: Origin, leaves: object, secret: bytes) -> None:
    """A gap, nothing, another log or another salt secret is the gateway's own error."""
    with pytest.raises(Malformed, match=r"seal|where 0 belongs"):
        seal(origin, EMPTY, leaves, secret, GATEWAY)


def test_a_bomb_of_leaves_is_refused() -> None:
    """A small payload that stands for very many bytes of leaves is refused while hashing."""
    text = "x" * 60_000
    leaf = LEAVES[0]._replace(body=(text,))
    leaves = [leaf._replace(seq=seq, salt=bytes(16)) for seq in range(1_200)]
    payload = encode_batch(leaves)
    note = sign_checkpoint(Checkpoint(TELEMETRY, len(leaves), bytes(32)), GATEWAY)
    digest = hashlib.sha256(payload).digest()
    salts = ((0, bytes(16)), (1, bytes(16)))
    outcome = accept(
        EMPTY_HEAD, Upload(TELEMETRY, 0, salts, payload, digest, note), GATEWAY.verifier, None
    )
    assert isinstance(outcome, Refused)
    assert "more bytes" in outcome.reason


@pytest.mark.parametrize("counts", [(0, 0), (3, 480), (10**15 - 1, 0)])
def test_unsent_text_is_read_back(counts):
    """What waits at the gateway travels as two plain numbers."""
    assert parse_unsent(unsent_text(*counts)) == counts


@pytest.mark.parametrize(
    "text", ["", "3", "3 480 ", "03 1", "-1 2", "1  2", "1 2\n", "9" * 16 + " 1"]
)
def test_any_other_unsent_text_says_nothing(text):
    """A header is a claim of no weight: what is not the exact form is taken for none."""
    assert parse_unsent(text) is None


def _with_holes(*ranges: tuple[int, int]) -> Sealed:
    """The same leaves as `SEALED`, some of them only as hashes."""
    hashes = [leaf_hash(encode_leaf(leaf)) for leaf in LEAVES]
    holes = [hole_of(first, hashes[first:end]) for first, end in ranges]
    held = [leaf for leaf in LEAVES if not any(a <= leaf.seq < b for a, b in ranges)]
    return seal(TELEMETRY, EMPTY, held, SECRET, GATEWAY, holes)


@pytest.mark.parametrize(
    "ranges", [((0, 24),), ((0, 3),), ((21, 24),), ((4, 9),), ((0, 1), (2, 3), (11, 24))]
)
def test_holes_lead_to_the_same_root(ranges: tuple[tuple[int, int], ...]) -> None:
    """What was evicted travels as hashes: the same checkpoint, and the leaves that are held."""
    sealed = _with_holes(*ranges)
    assert sealed.upload.checkpoint == UPLOAD.checkpoint
    upload = decode_upload(encode_upload(sealed.upload))
    outcome = accept(EMPTY_HEAD, upload, GATEWAY.verifier, None)
    assert isinstance(outcome, Accepted)
    assert outcome.frontier == SEALED.frontier
    assert outcome.leaves == open_leaves(upload, 24)
    assert outcome.leaves == [
        leaf for leaf in LEAVES if not any(a <= leaf.seq < b for a, b in ranges)
    ]
    assert [(hole.first, hole.end) for hole in outcome.holes] == list(ranges)


def test_any_flipped_bit_of_an_upload_with_holes_is_refused() -> None:
    """Hashes in place of leaves are held by the signed root as the leaves are."""
    data = encode_upload(_with_holes((2, 9)).upload)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        outcome = _outcome(bytes(flipped))
        assert isinstance(outcome, Malformed | Refused | Conflict), (bit, outcome)
        assert not isinstance(outcome, Conflict) or outcome.size == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda holes: (holes[0], holes[0]),
        lambda holes: (holes[0]._replace(end=25),),
        lambda holes: (holes[0]._replace(hashes=holes[0].hashes[1:]),),
        lambda holes: (holes[0]._replace(hashes=(*holes[0].hashes, bytes(32))),),
        lambda holes: (Hole(2, 3, (bytes(32),)), Hole(3, 9, (bytes(32),) * 4)),
        lambda holes: (Hole(24, 26, (bytes(32),)),),
        lambda holes: tuple(Hole(2 * n, 2 * n + 1, (bytes(32),)) for n in range(MAX_HOLES + 1)),
        lambda holes: (),
    ],
)
def test_holes_that_do_not_fit_are_refused(change: Callable[[object], object]) -> None:
    """Doubled, overlapping, touching, too many, outside or missing holes store nothing."""
    upload = _with_holes((2, 9)).upload
    data = encode_upload(upload._replace(holes=change(upload.holes)))
    assert isinstance(_outcome(data), Malformed | Refused)


def test_a_long_hole_between_leaves_costs_no_work() -> None:
    """A gap of a billion leaves is a few dozen hashes; its blocks need no salts."""
    size = 24 + (1 << 30)
    hole = Hole(24, size, tuple(bytes([n]) * 32 for n in range(len(_splits(24, size)))))
    after = LEAVES[0]._replace(seq=size, salt=salt_of(SECRET, TELEMETRY, size))
    sealed = seal(TELEMETRY, EMPTY, [*LEAVES, after], SECRET, GATEWAY, [hole])
    outcome = _outcome(encode_upload(sealed.upload))
    assert outcome == Accepted(sealed.frontier, [*LEAVES, after], (hole,))
    assert len(encode_upload(sealed.upload)) < 6_000


def _splits(first: int, end: int) -> list[tuple[int, int]]:
    return Hole(first, end, ()).subtrees()
