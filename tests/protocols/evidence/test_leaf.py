"""Leaves: one spelling, every field in its limits."""

import pytest
from hypothesis import given

from protocols.evidence.cbor import encode
from protocols.evidence.errors import Malformed
from protocols.evidence.leaf import (
    MAX_LEAF_BYTES,
    NO_REFERENCE,
    Kind,
    Leaf,
    Log,
    Origin,
    Was,
    decode_leaf,
    encode_leaf,
    leaf_hash,
    parse_origin,
)
from tests.protocols.evidence.samples import leaf_lists, scan_leaves

LEAF = scan_leaves(rounds=1)[3]._replace(epoch=3)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("gas-evidence/gw-1/billing/0", Origin("gw-1", Log.BILLING, 0)),
        ("gas-evidence/a/telemetry/12", Origin("a", Log.TELEMETRY, 12)),
        ("gas-evidence/0.x-y/billing/2147483647", Origin("0.x-y", Log.BILLING, (1 << 31) - 1)),
    ],
)
def test_origin_text(text: str, origin: Origin) -> None:
    """An origin is written and read as one line."""
    assert str(origin) == text
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "", "gas-evidence/gw-1/billing", "gas-evidence/gw-1/billing/0/", "gas-evidence//billing/0",
        "gas-evidence/gw-1/billing/00", "gas-evidence/gw-1/billing/+1",
        "gas-evidence/gw-1/billing/-1", "gas-evidence/gw-1/billing/",
        "gas-evidence/gw-1/Billing/0", "gas-evidence/gw-1/alarm/0", "gas-evidence/GW/billing/0",
        "gas-evidence/-a/billing/0", "gas-evidence/gw 1/billing/0", "gas-evidence/gw-1/billing/0\n",
        "gas-evidence/gw-1\n/billing/0", "gas-evidence/gw-1/billing/\u0661",
        "gas-evidence/gw-1/billing/2147483648", "gas-evidence/" + "a" * 64 + "/billing/0",
        "gas-Evidence/gw-1/billing/0", " gas-evidence/gw-1/billing/0",
    ],
)  # fmt: skip
def test_origin_has_one_spelling(text: str) -> None:
    """Any other spelling of an origin is Malformed."""
    with pytest.raises(Malformed):
        parse_origin(text)


def test_kinds_know_their_log() -> None:
    """Scans are telemetry, everything else is billing."""
    assert {kind for kind in Kind if kind.log is Log.TELEMETRY} == {Kind.SCAN}


@given(leaf_lists(Log.BILLING))
def test_round_trip(leaves: list[Leaf]) -> None:
    """Any leaf within the limits is read back as it was written."""
    for leaf in leaves:
        assert decode_leaf(encode_leaf(leaf)) == leaf


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gateway", "GW"), ("gateway", ""), ("epoch", -1), ("epoch", 1 << 31), ("seq", -1),
        ("seq", 1 << 48), ("seq", True), ("subject", "x" * 129), ("subject", 7),
        ("reference", b""), ("reference", b"x" * 31), ("boot_no", -1), ("boot_no", None),
        ("mono_ms", -1), ("mono_ms", 1 << 53), ("mono_ms", 1.5), ("utc_ms", -1),
        ("utc_ms", 1 << 53), ("clock_state", 256), ("quality", 256), ("quality", -1),
        ("salt", b"x" * 15), ("salt", "x" * 16), ("body", None), ("body", (1.5,)),
        ("body", (True,)), ("body", ({},)), ("body", (1 << 64,)), ("body", ((((((1,),),),),),)),
        ("body", (0,) * 16_384), ("was", (0, 1)), ("was", ()), ("was", 5),
        ("was", Was(0, 1, bytes(31))), ("was", Was(3, 1, bytes(32))),
        ("was", Was(-1, 1, bytes(32))),
        ("was", Was(0, -1, b"x" * 32)), ("was", Was(0, 1 << 48, b"x" * 32)),
    ],
)  # fmt: skip
def test_fields_out_of_range_are_refused(field: str, value: object) -> None:
    """A field of the wrong type or range is Malformed when written, and when read."""
    fields = LEAF._asdict() | {field: value}
    with pytest.raises(Malformed):
        encode_leaf(Leaf(**fields))
    try:
        raw = encode((1, int(fields.pop("kind")), *fields.values()))
    except ValueError:
        return  # not even CBOR
    with pytest.raises(Malformed):
        decode_leaf(raw)


def test_a_body_is_a_tuple() -> None:
    """A list, which CBOR could not tell from a tuple, is not taken for one."""
    with pytest.raises(Malformed, match="body"):
        encode_leaf(LEAF._replace(body=[1, 2]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        (0, 0, *LEAF[1:]), (2, 0, *LEAF[1:]), (1, len(Kind), *LEAF[1:]), (1, -1, *LEAF[1:]),
        (1, None, *LEAF[1:]), (1, 0, *LEAF[1:], None), (1, 0, *LEAF[1:-1]), (), 0, ("1",),
    ],
)  # fmt: skip
def test_other_arrays_are_refused(fields: object) -> None:
    """Another version, kind or number of fields is Malformed."""
    with pytest.raises(Malformed):
        decode_leaf(encode(fields))  # type: ignore[arg-type]


def test_a_leaf_too_long_is_refused_by_its_maker() -> None:
    """What could not be read is not written."""
    with pytest.raises(Malformed, match="bytes"):
        encode_leaf(LEAF._replace(body=("x" * MAX_LEAF_BYTES,)))


def test_any_flipped_bit_changes_the_leaf_or_is_refused() -> None:
    """No two different byte strings are the same leaf."""
    data = encode_leaf(LEAF)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            leaf = decode_leaf(bytes(flipped))
        except Malformed:
            continue
        assert leaf != LEAF
        assert leaf_hash(bytes(flipped)) != leaf_hash(data)


def test_no_reference_is_zeros() -> None:
    """A leaf without a reference carries 32 zero bytes."""
    leaf = LEAF._replace(reference=NO_REFERENCE)
    assert decode_leaf(encode_leaf(leaf)).reference == bytes(32)
