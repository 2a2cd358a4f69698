"""Varints and fixed-width fields: what is written is read, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence.bits import BitReader, BitWriter, VarintReader, write_varint
from protocols.evidence.errors import Malformed


def _varints(values: list[int]) -> bytes:
    out = bytearray()
    for value in values:
        write_varint(out, value)
    return bytes(out)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (1 << 14, "808001")],
)
def test_known_varints(value: int, encoded: str) -> None:
    """Varints are LEB128, as in the protocol buffers' documentation (300 is ac 02)."""
    assert _varints([value]).hex() == encoded
    assert VarintReader(bytes.fromhex(encoded)).many(1) == [value]


@given(st.lists(st.integers(0, (1 << 70) - 1)))
def test_varints_round_trip(values: list[int]) -> None:
    """Any row of integers below 2^70 is read as it was written, to the end."""
    reader = VarintReader(_varints(values))
    assert reader.many(len(values)) == values
    reader.end()


@pytest.mark.parametrize("data", ["", "80", "8000", "ff80808080808080808000", "80" * 10 + "01"])
def test_bad_varints_are_refused(data: str) -> None:
    """A varint that ends too early, is too long or is not in its shortest form is Malformed."""
    with pytest.raises(Malformed):
        VarintReader(bytes.fromhex(data)).many(1)


def test_a_reader_bounds_what_it_is_asked() -> None:
    """A count beyond the data costs nothing, a value beyond its limit is refused, as is a rest."""
    reader = VarintReader(bytes([5, 6]))
    with pytest.raises(Malformed, match="too early"):
        reader.many(1 << 40)
    with pytest.raises(Malformed, match="at most 4"):
        reader.one(4, "group")
    with pytest.raises(Malformed, match="after the end"):
        reader.end()
    with pytest.raises(Malformed, match="too early"):
        reader.take(2)
    assert reader.remaining() == bytes([6])


@given(st.lists(st.tuples(st.integers(0, 63), st.lists(st.integers(0, (1 << 66) - 1)))))
def test_fields_round_trip(fields: list[tuple[int, list[int]]]) -> None:
    """Fields of any widths give back the low bits of what was written."""
    writer = BitWriter()
    for width, values in fields:
        writer.write(width, values)
    reader = BitReader(writer.to_bytes())
    for width, values in fields:
        if width:
            assert reader.read(width, len(values)) == [value & (1 << width) - 1 for value in values]
    reader.end()


@pytest.mark.parametrize("data", ["ff", "0000", "000000"])
def test_noise_ends_where_it_should(data: str) -> None:
    """Bits that no field takes are zero and less than a byte; fields beyond the end are refused."""
    reader = BitReader(bytes.fromhex(data))
    with pytest.raises(Malformed, match="too early"):
        reader.read(5, 100)
    reader.read(5, 1)
    with pytest.raises(Malformed, match="after the end"):
        reader.end()
