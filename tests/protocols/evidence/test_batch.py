"""The payload: leaves in, the same leaves out; hostile payloads end in Malformed."""

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.evidence import cbor
from protocols.evidence.batch import MAX_INFLATED_BYTES, decode_batch, encode_batch
from protocols.evidence.bits import write_varint
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import Kind, Leaf, Log, Origin, Was
from protocols.evidence.salt import BLOCK, block_salt, salt_of
from tests.protocols.evidence.samples import (
    BILLING,
    MAP_HASH,
    SECRET,
    TELEMETRY,
    leaf_lists,
    scan_leaves,
    with_failed_polls,
)


def _salts(leaves: list[Leaf], origin: Origin) -> dict[int, bytes]:
    blocks = {leaf.seq // BLOCK for leaf in leaves}
    return {block: block_salt(SECRET, origin, block) for block in blocks}


def _again(leaves: list[Leaf]) -> list[Leaf]:
    origin = leaves[0].origin()
    payload = encode_batch(leaves)
    return decode_batch(payload, origin, [leaf.seq for leaf in leaves], _salts(leaves, origin))


@given(leaf_lists(Log.BILLING))
def test_round_trip_of_any_leaves(leaves: list[Leaf]) -> None:
    """Nested bodies, nulls, texts, bytes and integers at the limits come back, salts included."""
    assert _again(leaves) == leaves


@given(leaf_lists(Log.TELEMETRY))
def test_round_trip_of_any_scans(leaves: list[Leaf]) -> None:
    """The same for the other log."""
    assert _again(leaves) == leaves


@pytest.mark.parametrize("kind", ["display", "noisy"])
def test_round_trip_of_real_scans(kind: str) -> None:
    """Five minutes of eight meters, some polls failed, across the edge of a salt block."""
    leaves = with_failed_polls(scan_leaves(kind, rounds=30, start=BLOCK - 100))
    assert _again(leaves) == leaves


@pytest.mark.parametrize("zeros", range(185, 200))
def test_a_register_that_reads_zero_for_a_while_comes_back(zeros: int) -> None:
    """Two 32-bit registers in step, one reads 0 and comes back: what is sealed can be opened."""
    rng = random.Random(5)
    top = (1 << 32) - 1
    rows = [(half, 2 * half) for half in (rng.randrange(1 << 30, 1 << 31) for _ in range(500))]
    rows += [(top, 0)] * zeros + [(top, top)] * 3
    first = scan_leaves("display", rounds=1)[0]
    leaves = [
        first._replace(seq=seq, body=row, salt=salt_of(SECRET, TELEMETRY, seq))
        for seq, row in enumerate(rows)
    ]
    assert _again(leaves) == leaves


@pytest.mark.parametrize(("kind", "limit"), [("display", 0.50), ("noisy", 1.65)])
def test_bytes_a_value(kind: str, limit: float) -> None:
    """A five-minute payload of eight runs and twelve fields stays below its figure."""
    leaves = scan_leaves(kind, rounds=30)
    assert len(encode_batch(leaves)) / (12 * len(leaves)) < limit


def test_subject_and_reference_are_not_sent_twice() -> None:
    """A body that repeats its subject and its configuration's hash carries them once."""
    base = scan_leaves(rounds=1)[0]
    name, digest = "a run with a long name", bytes(range(100, 132))
    leaf = base._replace(kind=Kind.INTERVAL, subject=name, reference=digest, body=(name, digest, 5))
    payload = encode_batch([leaf])
    inflated = zlib.decompress(payload[1 + payload[0] :], -15)
    assert inflated.count(name.encode()) == 1
    assert inflated.count(digest) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda leaves: [],
        lambda leaves: [*leaves[:3], leaves[2], *leaves[4:]],
        lambda leaves: [*leaves[:3], leaves[3]._replace(kind=Kind.EVENT), *leaves[4:]],
        lambda leaves: [*leaves[:3], leaves[3]._replace(gateway="gw-2"), *leaves[4:]],
        lambda leaves: [*leaves[:3], leaves[3]._replace(epoch=1), *leaves[4:]],
        lambda leaves: leaves[::-1],
    ],
)
def test_only_rising_leaves_of_one_log_are_a_batch(change: object) -> None:
    """Nothing, a leaf twice, another log, gateway or epoch, or another order is refused."""
    with pytest.raises(Malformed, match="batch"):
        encode_batch(change(scan_leaves(rounds=1)))


LEAVES = with_failed_polls(scan_leaves(rounds=2))
PAYLOAD = encode_batch(LEAVES)
SALTS = _salts(LEAVES, TELEMETRY)


@pytest.mark.parametrize("count", [0, -1, 15, 17, 65537])
def test_another_count_is_refused(count: int) -> None:
    """The number of leaves is what the checkpoint says, or the batch is Malformed."""
    with pytest.raises(Malformed):
        decode_batch(PAYLOAD, TELEMETRY, range(count), SALTS)


def test_another_log_is_refused() -> None:
    """Scans do not belong to the billing log."""
    with pytest.raises(Malformed, match="does not belong"):
        decode_batch(PAYLOAD, BILLING, range(len(LEAVES)), SALTS)


def test_a_missing_block_salt_is_refused() -> None:
    """A leaf whose block has no salt cannot be put together."""
    with pytest.raises(Malformed, match="no salt"):
        decode_batch(PAYLOAD, TELEMETRY, range(len(LEAVES)), {})


SHAPE = (0, 1, (0,))
GROUP = (0, "m", MAP_HASH, 0, 0, 0)
TAIL = bytes([0, 0, 0]) * 2 + bytes([10, 20, 30, 0])  # three columns of one row, no repeats


def _rest(tables: cbor.Item, order: bytes = b"\x01", tail: bytes = TAIL) -> bytes:
    header = cbor.encode(tables)
    out = bytearray()
    write_varint(out, len(header))
    return bytes(out) + header + order + tail


def _payload(rest: bytes, noise: bytes = b"") -> bytes:
    out = bytearray()
    write_varint(out, len(noise))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return bytes(out) + noise + packer.compress(rest) + packer.flush()


def test_a_bomb_is_not_inflated() -> None:
    """A payload that would inflate beyond the bound is refused at the bound."""
    bomb = _payload(bytes(MAX_INFLATED_BYTES + 1))
    assert len(bomb) < 20_000
    with pytest.raises(Malformed, match="inflates to more"):
        decode_batch(bomb, TELEMETRY, range(16), SALTS)


def test_few_bytes_do_not_become_very_many_items() -> None:
    """A long body of nulls, said once and used by many leaves, is refused before it is built."""
    tables = (((0, 1, (None,) * 16_000),), (GROUP,))
    payload = _payload(_rest(tables, order=b"\x01" * 200, tail=b""))
    assert len(payload) < 1_000
    with pytest.raises(Malformed, match="items"):
        decode_batch(payload, TELEMETRY, range(200), SALTS)


def test_what_could_not_be_read_is_not_written() -> None:
    """A batch of more items than are read, or a leaf of more integers, is its maker's error."""
    leaf = scan_leaves(rounds=1)[0]
    wide = [leaf._replace(seq=seq, body=(None,) * 16_000) for seq in range(200)]
    with pytest.raises(Malformed, match="seal fewer leaves"):
        encode_batch(wide)
    with pytest.raises(Malformed, match="integers"):
        encode_batch([leaf._replace(body=(0,) * 16_385)])


def test_very_many_forms_are_read_in_time() -> None:
    """Leaves that share nothing cost what they are, not the square of it."""
    leaf = scan_leaves(rounds=1)[0]
    leaves = [
        leaf._replace(kind=Kind.EVENT, seq=seq, subject=f"{seq}", body=(f"code {seq}", None))
        for seq in range(6_000)
    ]
    salts = {block: bytes(16) for block in range(6)}
    got = decode_batch(encode_batch(leaves), BILLING, range(len(leaves)), salts)
    assert [one.body for one in got] == [one.body for one in leaves]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "too early"),
        (PAYLOAD[:-1], "does not end"),
        (PAYLOAD + b"\x00", "does not end"),
        (b"\x00" + b"\xff\xff", "does not inflate"),
        (b"\xff\xff\x7f" + PAYLOAD, "too early"),
        (bytes(4 * 1024 * 1024 + 1), "at most"),
    ],
)
def test_damaged_streams_are_refused(payload: bytes, reason: str) -> None:
    """A cut, lengthened or oversized payload is Malformed."""
    with pytest.raises(Malformed, match=reason):
        decode_batch(payload, TELEMETRY, range(len(LEAVES)), SALTS)


def test_a_payload_written_by_hand_is_read() -> None:
    """The documented layout, put together byte by byte, is a leaf."""
    leaves = decode_batch(_payload(_rest(((SHAPE,), (GROUP,)))), TELEMETRY, range(1), SALTS)
    assert [(leaf.mono_ms, leaf.utc_ms, leaf.body) for leaf in leaves] == [(5, 10, (15,))]
    again = _rest(((SHAPE,), (GROUP,)), tail=TAIL[:-1] + bytes([1, 0, 2, 7]) + MAP_HASH)
    repeated = decode_batch(_payload(again), TELEMETRY, range(1), SALTS)
    assert repeated == [leaves[0]._replace(was=Was(2, 7, MAP_HASH))]


@pytest.mark.parametrize(
    "rest",
    [
        _rest(((SHAPE,), (GROUP,), ())),
        _rest(7),
        _rest(((SHAPE,), ())),
        _rest(((), ())),
        _rest(((SHAPE, SHAPE), (GROUP,))),
        _rest(((SHAPE,), (GROUP, GROUP))),
        _rest((((10, 1, (0,)),), (GROUP,))),
        _rest((((1, 1, (0,)),), (GROUP,))),
        _rest((((0, 2, (0,)),), (GROUP,))),
        _rest((((0, 1, (3,)),), (GROUP,))),
        _rest((((0, 1, (-1,)),), (GROUP,))),
        _rest((((0, 1, 0),), (GROUP,))),
        _rest((((0, 1, (0,) * 16385),), (GROUP,))),
        _rest(((SHAPE,), ((1, "m", MAP_HASH, 0, 0, 0),))),
        _rest(((SHAPE,), ((0, b"m", MAP_HASH, 0, 0, 0),))),
        _rest(((SHAPE,), ((0, "m", MAP_HASH[1:], 0, 0, 0),))),
        _rest(((SHAPE,), ((0, "m", MAP_HASH, 0, 0),))),
        _rest(((SHAPE,), (GROUP,)), order=b"\x00"),
        _rest(((SHAPE,), (GROUP,)), order=b"\x02"),
        _rest(((SHAPE,), (GROUP,)), tail=TAIL + b"\x00"),
        _rest(((SHAPE,), (GROUP,)), tail=TAIL[:-1]),
        _rest(((SHAPE,), (GROUP,)), tail=TAIL[:-1] + bytes([2])),
        _rest(((SHAPE,), (GROUP,)), tail=TAIL[:-1] + bytes([1, 1, 0, 7]) + MAP_HASH),
        _rest(((SHAPE,), (GROUP,)), tail=TAIL[:-1] + bytes([1, 0, 0, 7]) + MAP_HASH[1:]),
        _rest(((SHAPE,), (GROUP,)), tail=TAIL[:-1] + b"\1\0\xff\xff\xff\xff\x0f\7" + MAP_HASH),
        b"\xff\xff\xff\x7f",
    ],
)
def test_other_headers_are_refused(rest: bytes) -> None:
    """Tables that contradict themselves, the log or the data are Malformed."""
    with pytest.raises(Malformed):
        decode_batch(_payload(rest), TELEMETRY, range(1), SALTS)


def test_noise_that_nobody_asked_for_is_refused() -> None:
    """Packed bits that no column takes are Malformed."""
    with pytest.raises(Malformed, match="noise after the end"):
        decode_batch(_payload(_rest(((SHAPE,), (GROUP,))), b"\x00"), TELEMETRY, range(1), SALTS)


@settings(max_examples=300)
@given(st.integers(0, len(PAYLOAD) - 1), st.binary(min_size=1, max_size=3))
def test_damaged_payloads_are_leaves_or_malformed(at: int, patch: bytes) -> None:
    """Bytes overwritten anywhere end in leaves or in Malformed; never in another error."""
    damaged = PAYLOAD[:at] + patch + PAYLOAD[at + len(patch) :]
    try:
        leaves = decode_batch(damaged, TELEMETRY, range(len(LEAVES)), SALTS)
    except Malformed:
        return
    assert len(leaves) == len(LEAVES)


@settings(max_examples=300)
@given(st.binary(max_size=120))
def test_any_inflated_stream_is_leaves_or_malformed(rest: bytes) -> None:
    """The same for what deflate would hide: arbitrary bytes after a good header."""
    stream = _rest(((SHAPE,), (GROUP,)), tail=rest)
    try:
        decode_batch(_payload(stream), TELEMETRY, range(1), SALTS)
    except Malformed:
        return
