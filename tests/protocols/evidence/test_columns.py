"""Columns: any integers round trip, and what a display shows becomes small integers."""

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence.bits import BitReader, BitWriter, VarintReader
from protocols.evidence.columns import read_columns, write_columns
from protocols.evidence.errors import Malformed
from protocols.evidence.prediction import Mode

numbers = st.one_of(
    st.integers(-(1 << 63), (1 << 64) - 1), st.integers(0, 0xFFFF_FFFF), st.integers(-9, 9)
)
floats = st.floats(width=32, allow_nan=True).map(
    lambda value: struct.unpack(">I", struct.pack(">f", value))[0]
)
shown = st.integers(-99_999, 99_999).map(
    lambda digits: struct.unpack(">I", struct.pack(">f", digits / 100))[0]
)


def _write(columns: Sequence[Sequence[int]], lengths: Sequence[int]) -> tuple[bytes, bytes]:
    rest, noise = bytearray(), BitWriter()
    write_columns(columns, lengths, rest, noise)
    return bytes(rest), noise.to_bytes()


def _read(count: int, lengths: Sequence[int], rest: bytes, noise: bytes) -> list[list[int]]:
    small, bits = VarintReader(rest), BitReader(noise)
    columns = read_columns(count, lengths, small, bits)
    small.end()
    bits.end()
    return columns


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[int]], list[int]]:
    """One to six columns of mixed contents, and the lengths of their groups."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    rows = sum(lengths)
    kinds = draw(st.lists(st.sampled_from([numbers, floats, shown]), min_size=1, max_size=6))
    return [draw(st.lists(kind, min_size=rows, max_size=rows)) for kind in kinds], lengths


@given(tables())
def test_round_trip(table: tuple[list[list[int]], list[int]]) -> None:
    """Any columns come back as they were: wide integers, any float, what a display shows."""
    columns, lengths = table
    assert _read(len(columns), lengths, *_write(columns, lengths)) == columns


@pytest.mark.parametrize(
    "special", [0x7FC0_0000, 0x7F80_0000, 0xFF80_0000, 0x7F80_0001, 0x8000_0000]
)
def test_special_floats_survive_among_displayed_ones(special: int) -> None:
    """NaN with any payload, infinities and -0.0 in a column of a display come back bit for bit."""
    pattern = struct.unpack(">I", struct.pack(">f", 4.217))[0]
    columns = [[pattern, special, pattern, pattern]]
    assert _read(1, [4], *_write(columns, [4])) == columns


def test_displayed_values_cost_little() -> None:
    """What moves in steps of a display costs about a byte, not four, and a constant no bits."""
    patterns = [
        struct.unpack(">I", struct.pack(">f", round(4.2 + 0.001 * (n % 5), 3)))[0]
        for n in range(60)
    ]
    rest, noise = _write([patterns, [17] * 60], [60])
    assert len(rest) <= 4 + 60 + 60 + 4
    assert len(noise) <= 16


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (bytes([Mode.RATIO * 8, Mode.RATIO * 8, 0, 0, 1, 0, 5, 5]), "circle"),
        (bytes([Mode.OFFSET * 8, 0, 0, 0, 0, 5, 5]), "circle"),
        (bytes([Mode.OFFSET * 8, 0, 0, 0, 2, 5, 5]), "other column"),
        (bytes([9 * 8, 0, 0, 0, 5, 5]), "unknown form"),
        (bytes([0, 0, 64, 0, 5, 5]), "bits of noise"),
        (bytes([0, 0, 8, 0, 5, 5]), "noise ends"),
        (bytes([0, 0, 0, 0, 5]), "too early"),
        (bytes([0, 0]), "too early"),
        (bytes([7, 0, 0, 0]) + b"\xff" * 8 + b"\x7f\x00", "out of range"),
    ],
)
def test_hostile_plans_are_refused(rest: bytes, reason: str) -> None:
    """Circles, unknown forms, other columns that are none and short streams are Malformed."""
    with pytest.raises(Malformed, match=reason):
        _read(2, [1], rest, b"")


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_no_bytes_do_harm(rest: bytes, noise: bytes) -> None:
    """Any bytes are columns within 64 bits, or Malformed; never another error."""
    try:
        columns = _read(3, [2, 1], rest, noise)
    except Malformed:
        return
    assert all(-(1 << 63) <= value < 1 << 64 for column in columns for value in column)
