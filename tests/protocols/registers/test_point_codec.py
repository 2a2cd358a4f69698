"""Bit fields, BCD, texts, doubles, and points that need another point to mean anything."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.registers.codec import (
    Value,
    assemble,
    decode,
    decode_points,
    decode_text,
    disassemble,
    encode,
    encode_text,
    meaning,
)
from protocols.registers.point import ORDERS, Point, point_faults


def point(type_, order="ABCD", **more):
    return Point("p", 1 if type_ == "bit" else 3, 0, type_, order, **more)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("ABCD", (0x0102, 0x0304, 0x0506, 0x0708)),
        ("CDAB", (0x0708, 0x0506, 0x0304, 0x0102)),
        ("BADC", (0x0201, 0x0403, 0x0605, 0x0807)),
        ("DCBA", (0x0807, 0x0605, 0x0403, 0x0201)),
    ],
)
@pytest.mark.parametrize("type_", ["u64", "i64", "f64", "bcd16"])
def test_orders_of_64_bits(order, words, type_):
    """Four words lie in each of the four orders, for every type of 64 bits."""
    made = point(type_, order)
    assert assemble(made, words) == 0x0102030405060708
    assert disassemble(made, 0x0102030405060708) == words


@pytest.mark.parametrize(
    ("made", "words", "raw"),
    [
        (point("u16", bits=(8, 15)), (0xAB12,), 0xAB),  # a byte in the high half
        (point("u16", bits=(0, 7)), (0xAB12,), 0x12),
        (point("u16", bits=(3, 3)), (0x0008,), 1),
        (point("u16", "BADC", bits=(0, 7)), (0xAB12,), 0xAB),
        (point("u32", bits=(16, 31)), (0x1234, 0x5678), 0x1234),
        (point("u32", "CDAB", bits=(16, 31)), (0x1234, 0x5678), 0x5678),
        (point("u48"), (0x1A0B, 0x1C10, 0x2D3B), 0x1A0B1C102D3B),
        (point("text1"), (0x4100,), 0x41),
        (point("text3"), (0x4142, 0x43FF), 0x414243),
        (point("bit"), (1,), 1),
    ],
)
def test_parts_of_registers(made, words, raw):
    """A bit field is its bits alone, an odd text leaves the last byte out."""
    assert assemble(made, words) == raw
    assert assemble(made, disassemble(made, raw)) == raw


def test_fields_of_one_register_are_put_together_by_or():
    """A simulator ORs the fields of one register and each comes back alone."""
    high, low = point("u16", bits=(8, 15)), point("u16", bits=(0, 7))
    (word,) = [a | b for a, b in zip(disassemble(high, 7), disassemble(low, 9), strict=True)]
    assert (assemble(high, [word]), assemble(low, [word])) == (7, 9)


@pytest.mark.parametrize(
    ("made", "raw", "number"),
    [
        (point("bcd4"), 0x9999, 9999),
        (point("bcd12", scale="0.001"), 0x000012431116, 12431.116),
        (point("bcd8", scale="10"), 0x00000012, 120),
        (point("bcd4"), 0x12A4, None),
        (point("bcd16"), 0xFFFF_FFFF_FFFF_FFFF, None),
        (point("f64"), 0x40FE240CA3D70A3D, 123456.79),
        (point("f64"), 0x7FF0000000000000, None),
        (point("f64"), 0xFFF8000000000001, None),
        (point("i64"), -(1 << 63), -(1 << 63)),
        (point("u16", values=((0, "off"), (1, "on"))), 1, 1),
        (point("u16", values=((0, "off"), (1, "on"))), 2, None),
        (point("u16", sentinels=(65535,)), 65535, None),
        (point("text4"), 0x41424344, None),
        (point("bit"), 1, 1),
        (point("f64", scale="1" + "0" * 17), 0x7FE0000000000000, None),  # beyond every float
    ],
)
def test_decode(made, raw, number):
    """BCD, doubles and codes give exact numbers; what is no digit or no code gives none."""
    found = decode(made, raw).number
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    ("made", "raw", "words"),
    [
        (point("text4"), 0x41420000, "AB"),
        (point("text6"), 0x41FF42FFFF20, "AB"),  # Scanner 2000 pads with FF
        (point("text4"), 0x00410042, "AB"),  # one character a register
        (point("text2"), 0x0741, "?A"),
        (point("u16", values=((3, "good"),)), 3, "good"),
        (point("u16", values=((3, "good"),)), 4, "?"),
        (point("u16", flags=((0, "run"), (5, "door"))), 0x21, "run, door"),
        (point("u16", flags=((0, "run"),)), 2, ""),
        (point("u16"), 2, ""),
    ],
)
def test_meaning(made, raw, words):
    """Texts, codes and flags are told in words."""
    assert meaning(made, raw) == words


def test_texts_there_and_back():
    """A text comes back; one that does not fit is refused."""
    made = point("text5")
    assert decode_text(made, encode_text(made, "PC-1")) == "PC-1"
    for text in ("too long", "\u00e4"):
        with pytest.raises(ValueError, match="at most 5 ASCII"):
            encode_text(made, text)


RAW, DIGITS = Point("raw", 3, 0, "i32"), Point("digits", 3, 2, "i16")


@pytest.mark.parametrize(
    ("factor", "told", "raw", "number"),
    [
        ("decimals", 2, 12345, 123.45),
        ("decimals", 0, 12345, 12345),
        ("decimals", -1, 5, 50),
        ("decimals", 19, 5, None),
        ("exponent", -3, 5, 0.005),
        ("exponent", 2, 5, 500),
        ("scale", 4, 5, 20),
        ("scale", 0, 5, None),
        ("scale", None, 5, None),
    ],
)
def test_factors(factor, told, raw, number):
    """Another point scales the value, exactly; without it there is no value."""
    scaled = Point("raw", 3, 0, "i32", factor=factor, factor_point="digits")
    values = decode_points([scaled, DIGITS], [raw, told])
    assert values["raw"].number == number
    assert type(values["raw"].number) is type(number)
    assert list(values) == ["raw", "digits"]
    assert decode(scaled, raw) == Value(None, "")


def test_units_come_from_a_register():
    """The unit is the one that the device tells; an unknown code means no value."""
    made = Point("p", 3, 0, "u16", unit_point="digits", units=((5, "psi"), (3, "kPa")))
    for told, expected in ((5, Value(7, "psi")), (3, Value(7, "kPa")), (4, Value(None, ""))):
        assert decode_points([made, DIGITS], [7, told])["p"] == expected
    assert made.possible_units == ("psi", "kPa")


@given(st.integers(0, 0xFFFF_FFFF_FFFF_FFFF))
def test_bcd_is_decimal_or_nothing(raw):
    """A BCD value has a number exactly where all nibbles are digits, and that number."""
    found = decode(point("bcd16"), raw).number
    digits = f"{raw:016x}"
    assert found == (int(digits) if digits.isdecimal() else None)


@given(st.integers(0, 10**12 - 1), st.sampled_from(ORDERS))
def test_bcd_there_and_back(number, order):
    """Each number of twelve digits survives the wire in each order."""
    made = point("bcd12", order)
    assert decode(made, assemble(made, disassemble(made, encode(made, number)))).number == number


@given(st.integers(-5, 10**5))
def test_what_bcd_cannot_hold_is_refused(number):
    """A simulator never writes a negative BCD, nor one of five digits into four."""
    made = point("bcd4")
    if 0 <= number < 10_000:
        assert decode(made, encode(made, number)).number == number
        return
    with pytest.raises(ValueError, match="outside"):
        encode(made, number)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(ORDERS))
def test_every_double_is_kept(number, order):
    """Each finite float64 comes back to the last bit."""
    made = point("f64", order)
    back = decode(made, assemble(made, disassemble(made, encode(made, number)))).number
    assert struct.pack(">d", back) == struct.pack(">d", number)


@given(
    st.sampled_from(["f32", "f64", "bcd4", "bcd8", "bcd12", "bcd16", "u16", "i64", "u48", "text8"]),
    st.sampled_from(ORDERS),
    st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4),
    st.sampled_from(["1", "0.001", "-7", "1" + "0" * 17]),
)
def test_garbage_is_never_a_number(type_, order, words, scale):
    """Whatever the registers hold, a value is a finite number or none."""
    if type_ == "text8":
        scale = "1"
    made = point(type_, order, scale=scale)
    assert point_faults(made) == []
    number = decode(made, assemble(made, words[: made.words])).number
    assert number is None or math.isfinite(number)


@given(st.integers(0, 0xFFFF), st.sets(st.integers(0, 0xFFFF), min_size=1, max_size=20))
def test_codes_outside_the_table_are_no_value(raw, codes):
    """A code has a value exactly where the table has it."""
    made = point("u16", values=tuple((code, "x") for code in codes))
    assert (decode(made, raw).number is not None) == (raw in codes)


def test_a_coil_is_0_or_1():
    """A word other than 0 or 1 is no coil."""
    with pytest.raises(ValueError, match="2 is"):
        assemble(point("bit"), (2,))


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (Point("p", 3, 0, "bit"), "function 3: must be 1"),
        (Point("p", 1, 0, "u16"), "function 1: must be 3 or 4"),
        (point("u16", bank=16), "bank 16"),
        (point("u16", register_bytes=3), "register_bytes 3"),
        (point("u16", register_bytes=4), "register_bytes 4: a register of four bytes holds no u16"),
        (point("u16", bits=(3,)), "bits: must be [lowest, highest]"),
        (point("u16", bits=(3, 16)), "bits: must be [lowest, highest] within"),
        (point("u16", bits=(3, 2)), "bits:"),
        (point("i16", bits=(0, 3)), "bits:"),
        (point("u16", bits=(1, 2, 3)), "bits: must be [lowest, highest]"),
        (point("u16", values=((70000, "x"),)), "values 70000"),
        (point("u16", values=((1, "x"), (1, "y"))), "values: a code appears twice"),
        (point("u16", values=((1, ""),)), "values: each text"),
        (point("u16", values=tuple((n, "x") for n in range(65))), "values: at most 64"),
        (point("u16", flags=((16, "x"),)), "flags 16"),
        (point("f32", flags=((1, "x"),)), "type f32: only whole numbers"),
        (point("u16", factor="scale"), "factor 'scale'"),
        (point("u16", factor_point="q"), "factor ''"),
        (point("u16", factor="x", factor_point="q"), "factor 'x'"),
        (point("u16", factor="scale", factor_point="p"), "'p': no name of another"),
        (point("u16", unit_point="q"), "unit_point: needs the table"),
        (point("u16", unit_point="q", units=((1, "a b"),)), "units: each must be printable"),
        (point("text4", scale="2"), "type text4: a text has no scale"),
        (point("text33"), "type 'text33'"),
        (point("u16", bits=(0, 7), sentinels=(256,)), "sentinels 256"),
    ],
)
def test_faults(made, fault):
    """Each impossible field of a point is named."""
    assert any(found.startswith(fault) for found in point_faults(made)), point_faults(made)


def test_wide_registers():
    """In the Enron dialect a register carries four bytes; a double takes two registers."""
    assert [point("f32", register_bytes=n).registers for n in (2, 4)] == [2, 1]
    assert [point("f64", register_bytes=n).registers for n in (2, 4)] == [4, 2]
    assert point("text16", register_bytes=4).end == 4
