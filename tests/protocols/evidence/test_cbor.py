"""Deterministic CBOR: the examples of RFC 8949, appendices A and F, then properties."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols.evidence import cbor
from protocols.evidence.errors import Malformed
from tests.protocols.evidence.samples import items

# RFC 8949, appendix A: the values of our subset.
VECTORS: list[tuple[str, cbor.Item]] = [
    ("00", 0), ("01", 1), ("0a", 10), ("17", 23), ("1818", 24), ("1819", 25), ("1864", 100),
    ("1903e8", 1000), ("1a000f4240", 1_000_000), ("1b000000e8d4a51000", 1_000_000_000_000),
    ("1bffffffffffffffff", 18446744073709551615),
    ("20", -1), ("29", -10), ("3863", -100), ("3903e7", -1000), ("3b7fffffffffffffff", -(1 << 63)),
    ("40", b""), ("4401020304", b"\x01\x02\x03\x04"), ("60", ""), ("6161", "a"),
    ("6449455446", "IETF"), ("62225c", '"\\'), ("62c3bc", "\u00fc"), ("63e6b0b4", "\u6c34"),
    ("64f0908591", "\U00010151"), ("80", ()), ("83010203", (1, 2, 3)),
    ("8301820203820405", (1, (2, 3), (4, 5))), ("f6", None),
    ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", tuple(range(1, 26))),
]  # fmt: skip

REFUSED = [
    # appendix A: well-formed, but outside the subset
    "c249010000000000000000", "3bffffffffffffffff", "c349010000000000000000",
    "f90000", "f93c00", "fa47c35000", "fb3ff199999999999a", "f97e00", "f4", "f5", "f7", "f0",
    "f818", "f8ff", "c074323031332d30332d32315432303a30343a30305a", "c11a514b67b0", "d74401020304",
    "d818456449455446", "a0", "a201020304", "826161a161626163", "5f42010243030405ff",
    "7f657374726561646d696e67ff", "9fff", "9f018202039f0405ffff", "bf61610161629f0203ffff",
    # the same numbers and lengths, not in their shortest form
    "1800", "1817", "190000", "190018", "1900ff", "1a00000000", "1a0000ffff", "1b0000000000000000",
    "1b00000000ffffffff", "3800", "5800", "580161", "7801" + "61", "9801f6", "9a00000000",
    # appendix F.1: not well-formed
    "", "18", "19", "1a", "1b", "1901", "1a0102", "1b01020304050607", "38", "58", "78", "98",
    "9a01ff00", "41", "61", "5affffffff00", "5bffffffffffffffff010203", "7affffffff00",
    "7b7fffffffffffffff010203", "81", "818181818181818181", "8200", "5f", "9f", "1c", "1d", "1e",
    "3c", "5c", "7d", "9e", "bc", "dd", "fe", "ff", "1f", "3f", "df", "9bffffffffffffffff",
    # text that is not UTF-8, bytes after the end, deeper than read
    "61ff", "63eda080", "0000", "80f6", "81" * 9 + "00",
]  # fmt: skip


@pytest.mark.parametrize(("encoded", "value"), VECTORS)
def test_examples_of_the_rfc(encoded: str, value: cbor.Item) -> None:
    """Each example of appendix A in our subset is written and read as printed there."""
    assert cbor.encode(value).hex() == encoded
    assert cbor.decode(bytes.fromhex(encoded), "example", 100, 100) == value


@pytest.mark.parametrize("encoded", REFUSED)
def test_everything_else_is_refused(encoded: str) -> None:
    """Other types, other spellings and damaged items are Malformed, and never something else."""
    with pytest.raises(Malformed, match=r"^example: "):
        cbor.decode(bytes.fromhex(encoded), "example", 100, 100)


def test_limits_are_exact() -> None:
    """Bytes, items and depth are read up to their limit and not beyond."""
    data = cbor.encode((1, (2, 3)))
    assert cbor.decode(data, "x", len(data), 5) == (1, (2, 3))
    with pytest.raises(Malformed, match="at most"):
        cbor.decode(data, "x", len(data) - 1, 5)
    with pytest.raises(Malformed, match="too many items"):
        cbor.decode(data, "x", len(data), 4)
    with pytest.raises(Malformed, match="too many items"):
        cbor.decode(bytes.fromhex("9a00100000"), "x", 100, 5)
    assert cbor.decode(bytes.fromhex("81" * 8 + "00"), "x", 100, 100)


@pytest.mark.parametrize("value", [1.0, True, {}, [], {1: 2}, (1, (2.5,)), 1 << 64, -(1 << 63) - 1])
def test_values_outside_the_subset_are_refused_before_they_are_written(value: object) -> None:
    """A float, bool, map, list or wider integer in a record is an error of its maker."""
    with pytest.raises(Malformed):
        cbor.check_item(value, "body", 100)


def test_a_lone_surrogate_is_not_text() -> None:
    """Text that UTF-8 cannot carry is refused where it is made."""
    with pytest.raises(Malformed, match="surrogate"):
        cbor.check_item("\ud800", "body", 100)


@given(items)
def test_round_trip(value: cbor.Item) -> None:
    """Whatever passes the check is read back as it was written."""
    cbor.check_item(value, "value", 1000)
    assert cbor.decode(cbor.encode(value), "value", 10_000, 1000) == value


@given(st.binary(max_size=40))
@example(b"\xc2\x41\x05")
@example(b"\xd9\xd9\xf7\x00")
def test_one_value_has_one_encoding(data: bytes) -> None:
    """Bytes that are read at all are the bytes that would be written."""
    try:
        value = cbor.decode(data, "noise", 100, 100)
    except Malformed:
        return
    assert cbor.encode(value) == data
