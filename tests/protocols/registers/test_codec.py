"""Registers to values and back: the manual's bytes first, then tables, then properties."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.frames import rtu_frame, split_rtu
from protocols.registers.codec import Value, assemble, decode, decode_scan, disassemble, encode
from protocols.registers.library import load_profile
from protocols.registers.point import FLOATS
from protocols.registers.profile import ORDERS, TYPE_WORDS, Point, raw_limits
from protocols.registers.register_map import RegisterMap

# Rosemount 3095FB manual 00809-0100-4738: differential pressure 100.25 in each float format
CAPTURED = [
    (0, "42 C8 80 00"),
    (1, "80 00 42 C8"),
    (2, "00 80 C8 42"),
    (3, "C8 42 00 80"),
]


def point(type_="f32", order="ABCD", **more):
    return Point("p", 3, 0, type_, order, **more)


@pytest.mark.parametrize(("float_format", "data"), CAPTURED)
def test_captured_frames_of_the_manual(float_format, data):
    """Each printed answer of the manual reads 100.25 in the order that its float format names."""
    profile = load_profile("rosemount-3095fb")
    order = profile.orders[float_format]
    map_ = RegisterMap.of(profile, ["diff_pressure"], order)
    unit, pdu = split_rtu(rtu_frame(1, bytes.fromhex("04 04" + data)))
    registers = struct.unpack(">2H", pdu[2:])
    raw = assemble(map_.points[0], registers)
    assert (unit, decode(map_.points[0], raw)) == (1, Value(100.25, "inH2O"))
    assert disassemble(map_.points[0], raw) == registers


@pytest.mark.parametrize(
    ("type_", "order", "registers", "raw"),
    [
        ("u16", "ABCD", (0x1234,), 0x1234),
        ("u16", "CDAB", (0x1234,), 0x1234),
        ("u16", "BADC", (0x1234,), 0x3412),
        ("i16", "ABCD", (0xFFFD,), -3),
        ("i16", "DCBA", (0xFDFF,), -3),
        ("u32", "ABCD", (0x1234, 0x5678), 0x12345678),
        ("u32", "CDAB", (0x5678, 0x1234), 0x12345678),
        ("u32", "DCBA", (0x7856, 0x3412), 0x12345678),
        ("u32", "BADC", (0x3412, 0x7856), 0x12345678),
        ("i32", "ABCD", (0x8000, 0x0000), -(2**31)),
        ("i32", "CDAB", (0xFFFF, 0x7FFF), 2**31 - 1),
        ("u64", "ABCD", (1, 2, 3, 4), 0x0001_0002_0003_0004),
        ("u64", "CDAB", (4, 3, 2, 1), 0x0001_0002_0003_0004),
        ("u64", "DCBA", (0x0400, 0x0300, 0x0200, 0x0100), 0x0001_0002_0003_0004),
        ("f32", "ABCD", (0x3F80, 0x0000), 0x3F800000),
    ],
)
def test_orders(type_, order, registers, raw):
    """Words and bytes are put in place for each type and order, and back."""
    assert assemble(point(type_, order), registers) == raw
    assert disassemble(point(type_, order), raw) == registers


@pytest.mark.parametrize(
    ("made", "raw", "number"),
    [
        (point("f32"), 0x7FC00000, None),  # NaN: Keller's faulty channel
        (point("f32"), 0x7F800001, None),  # signalling NaN
        (point("f32"), 0x7F800000, None),  # Keller's overflow
        (point("f32"), 0xFF800000, None),  # Keller's underflow
        (point("f32"), 0x80000000, -0.0),
        (point("f32"), 0x00000001, 2.0**-149),
        (point("f32", scale="0.5"), 0x3F800000, 0.5),
        (point("u32"), 4_294_967_295, 4_294_967_295),
        (point("i32", scale="0.01"), 101_325, 1013.25),
        (point("u16", scale="10"), 7, 70),
        (point("u16", scale="0.1"), 3, 0.3),  # 3 * 0.1 in floats is 0.30000000000000004
        (point("u16", sentinels=(65535,)), 65535, None),
        (point("u16"), None, None),
    ],
)
def test_decode(made, raw, number):
    """A raw integer gives the exact scaled value, or None where the device says 'no value'."""
    value = decode(made, raw).number
    assert value == number
    assert type(value) is type(number)


def test_keller_integer_limits_are_no_value():
    """The INT32 limits of the Keller are over- and underflow, never a pressure."""
    p1 = load_profile("keller-33x").point("p1_i32")
    assert decode(p1, 101_325) == Value(1013.25, "mbar")
    assert decode(p1, 2**31 - 1) == Value(None, "mbar")
    assert decode(p1, -(2**31)) == Value(None, "mbar")


@pytest.mark.parametrize(
    ("made", "registers"),
    [
        (point("u32"), (1,)),
        (point("u32"), (1, 2, 3)),
        (point("u32"), (1, 65536)),
        (point("u32"), (-1, 1)),
        (point("u32", "BADC"), (1, 65536)),
        (point("u32", "DCBA"), (-1, 1)),
    ],
)
def test_assemble_refuses_what_is_no_value(made, registers):
    """Too few, too many or impossible registers are an error, never a number."""
    with pytest.raises(ValueError, match="p: "):
        assemble(made, registers)


@pytest.mark.parametrize(
    ("type_", "raw"), [("u16", 65536), ("u16", -1), ("i16", 2**15), ("f32", -1)]
)
def test_raw_outside_its_type_is_refused(type_, raw):
    """A raw integer that its type cannot hold is refused by decoder and simulator alike."""
    with pytest.raises(ValueError, match="outside"):
        decode(point(type_), raw)
    with pytest.raises(ValueError, match="outside"):
        disassemble(point(type_), raw)


@pytest.mark.parametrize(
    ("made", "number", "raw"),
    [
        (point("i32", scale="0.01"), 1013.25, 101_325),
        (point("f32"), 100.25, 0x42C88000),
        (point("f32"), math.inf, 0x7F800000),
        (point("f32"), None, 0x7FC00000),
        (point("i32", sentinels=(-(2**31),)), None, -(2**31)),
    ],
)
def test_encode(made, number, raw):
    """Simulators get the raw integer nearest to a number, and the device's word for 'no value'."""
    assert encode(made, number) == raw


@pytest.mark.parametrize(
    ("made", "number"),
    [(point("u16"), 65536), (point("u16"), None), (point("u16"), math.nan), (point("f32"), 1e39)],
)
def test_encode_refuses(made, number):
    """What the type cannot hold is an error."""
    with pytest.raises(ValueError, match="p: "):
        encode(made, number)


def test_decode_scan():
    """A scan becomes values by name in the map's order; another length is refused."""
    map_ = RegisterMap.of(load_profile("sick-flowsic500"), ["resolution_vm", "vm", "flow_actual"])
    values = decode_scan(map_, (-3, 123456, None))
    assert values == {
        "resolution_vm": Value(-3, ""),
        "vm": Value(123456, "count"),
        "flow_actual": Value(None, "m3/h"),
    }
    assert list(values) == ["resolution_vm", "vm", "flow_actual"]
    with pytest.raises(ValueError, match="2 values, its map 3"):
        decode_scan(map_, (1, 2))


@st.composite
def points_and_raws(draw):
    made = point(draw(st.sampled_from(sorted(TYPE_WORDS))), draw(st.sampled_from(ORDERS)))
    if made.type == "bit":
        made = point("bit")
    low, high = raw_limits(made.type)
    return made, draw(st.integers(low, high))


@given(points_and_raws())
def test_registers_round_trip(case):
    """Raw to registers and back loses nothing, in all types and orders, NaN patterns included."""
    made, raw = case
    registers = disassemble(made, raw)
    assert len(registers) == made.words
    assert assemble(made, registers) == raw


@given(points_and_raws(), st.sampled_from(["1", "10", "0.01", "-2.5", "0.000001"]))
def test_values_round_trip(case, scale):
    """What decodes to a number encodes to the raw integer that it came from."""
    made, raw = case
    scaled = Point("p", made.function, 0, made.type, made.order, scale=scale)
    number = decode(scaled, raw).number
    if made.words == 4 or (made.type in FLOATS and scale != "1"):
        return  # a float has 53 bits; a scaled float32 is rounded on both ways
    if number is None:
        assert made.type in FLOATS or made.type[:3] in ("bcd", "tex")
        return
    assert encode(scaled, number) == raw


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.sampled_from(ORDERS))
def test_every_float32_is_kept(number, order):
    """Each finite float32 comes back to the last bit."""
    made = point("f32", order)
    back = decode(made, assemble(made, disassemble(made, encode(made, number)))).number
    assert struct.pack(">f", back) == struct.pack(">f", number)
