"""Totals of every shape: tables of registers first, then encode and decode again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.registers.codec import assemble, count, decode_scan, disassemble, split
from protocols.registers.composite import MAX_MODULUS, Composite, Part, composite_faults
from protocols.registers.library import load_profile
from protocols.registers.point import Point
from protocols.registers.point_codec import encode
from protocols.registers.register_map import RegisterMap


def point(name, type_, **more):
    return Point(name, 3, 0, type_, **more)


def f32(number):
    return encode(point("x", "f32"), number)


SHAPES = {
    "integer and fraction": (
        Composite("t", (Part("int"), Part("frac", below="1")), "0.001", "m3"),
        [point("int", "u32"), point("frac", "f32")],
    ),
    "hundreds and remainder": (
        Composite("t", (Part("hundreds", "100"), Part("rest", below="100")), "0.01", "m3"),
        [point("hundreds", "f32"), point("rest", "f32")],
    ),
    "bcd weighted": (
        Composite("t", (Part("a", "100000"), Part("b", "10"), Part("c", "0.001")), "0.001"),
        [point("a", "bcd4"), point("b", "bcd4"), point("c", "bcd4")],
    ),
    "rollovers": (
        Composite("t", (Part("wraps", factor="scale", factor_point="top"), Part("rest")), "0.01"),
        [point("wraps", "u32"), point("rest", "f32"), point("top", "f32")],
    ),
    "decimal digits": (
        Composite("t", (Part("raw", factor="decimals", factor_point="digits"),), "0.0001"),
        [point("raw", "i32"), point("digits", "i16")],
    ),
    "resolution register": (
        Composite("t", (Part("raw", factor="scale", factor_point="res"),), "0.5"),
        [point("raw", "u32"), point("res", "u16")],
    ),
    "exponent register": (
        Composite("t", (Part("raw", factor="exponent", factor_point="res"),), "0.001"),
        [point("raw", "u32"), point("res", "i16")],
    ),
    "overflow word": (
        Composite("t", (Part("low"), Part("over", "4294967296")), "1", wraps_at=str(1 << 48)),
        [point("low", "u32"), point("over", "u16", order="BADC")],
    ),
}


def counted(shape, **raws):
    composite, points = SHAPES[shape]
    return count(composite, {p.name: p for p in points}, raws)


@pytest.mark.parametrize(
    ("shape", "raws", "expected"),  # the float32 nearest to 65535.996 is 2^16 - 2^-8
    [
        ("integer and fraction", {"int": 1234, "frac": f32(0.567)}, 1_234_567),
        ("integer and fraction", {"int": 4_294_967_295, "frac": f32(0.999)}, 4_294_967_295_999),
        ("integer and fraction", {"int": 7, "frac": f32(0.99999)}, 8_000),  # rounded once
        ("hundreds and remainder", {"hundreds": f32(1234), "rest": f32(87.89)}, 12_348_789),
        ("bcd weighted", {"a": 0x1234, "b": 0x5678, "c": 0x9012}, 123_456_789_012),
        ("rollovers", {"wraps": 0, "rest": f32(1.5), "top": f32(65535.996)}, 150),
        ("rollovers", {"wraps": 2, "rest": f32(0.25), "top": f32(65535.996)}, 13_107_224),
        ("decimal digits", {"raw": 123_456, "digits": 2}, 12_345_600),
        ("decimal digits", {"raw": -5, "digits": 0}, -50_000),
        ("decimal digits", {"raw": 10, "digits": 5}, 1),
        ("resolution register", {"raw": 12, "res": 3}, 72),
        ("exponent register", {"raw": 12, "res": -3}, 12),
        ("exponent register", {"raw": 12, "res": 2}, 1_200_000),
        ("overflow word", {"low": 5, "over": 1}, 4_294_967_301),
    ],
)
def test_shapes(shape, raws, expected):
    """Each shape of total gives its exact count."""
    assert counted(shape, **raws) == expected


@pytest.mark.parametrize(
    ("shape", "raws"),
    [
        ("integer and fraction", {"int": 1, "frac": f32(1.0)}),  # torn, or another order
        ("integer and fraction", {"int": 1, "frac": f32(-0.25)}),
        ("integer and fraction", {"int": 1, "frac": 0x7FC00000}),
        ("integer and fraction", {"int": None, "frac": 0}),
        ("hundreds and remainder", {"hundreds": f32(1), "rest": f32(100)}),
        ("bcd weighted", {"a": 0x1234, "b": 0x567A, "c": 0}),
        ("rollovers", {"wraps": 1, "rest": 0, "top": 0}),
        ("rollovers", {"wraps": 1, "rest": 0, "top": 0x7F800000}),
        ("decimal digits", {"raw": 3, "digits": 5}),  # no whole count of this resolution
        ("decimal digits", {"raw": 3, "digits": 19}),
        ("decimal digits", {"raw": 3, "digits": None}),
        ("exponent register", {"raw": 3, "res": -4}),
        ("exponent register", {"raw": 3, "res": 19}),
    ],
)
def test_garbage_is_no_count(shape, raws):
    """A part without a value, out of its bounds, or no whole count: the total has no value."""
    assert counted(shape, **raws) is None


def test_total_begins_again_at_its_modulus():
    """A fraction that is rounded up to the modulus is 0; a count beyond it is no value."""
    composite, points = SHAPES["integer and fraction"]
    composite = replace(composite, wraps_at="100")
    by_name = {p.name: p for p in points}
    assert composite.modulus == 100_000
    assert count(composite, by_name, {"int": 99, "frac": f32(0.9999)}) == 0
    assert count(composite, by_name, {"int": 99, "frac": f32(0.999)}) == 99_999
    assert count(composite, by_name, {"int": 100, "frac": f32(0.0)}) is None


FACTORS = {"rollovers": {"top": 65535.996}, "decimal digits": {"digits": 3}}
FACTORS |= {"resolution register": {"res": 4}, "exponent register": {"res": 1}}
STEPS = {"decimal digits": 10, "resolution register": 8, "exponent register": 10_000}
TOPS = {"hundreds and remainder": 1 << 30, "bcd weighted": 10**12 - 1, "overflow word": 1 << 48}
TOPS |= {"decimal digits": 10**10, "integer and fraction": 10**12}
TOPS["resolution register"] = 8 << 32


@given(st.sampled_from(sorted(SHAPES)), st.integers(0, 10**14))
def test_encode_then_decode(shape, wanted):
    """The parts that a simulator makes of a count give that count again, over the wire."""
    composite, points = SHAPES[shape]
    by_name = {p.name: p for p in points}
    step = STEPS.get(shape, 1)
    counts = wanted % TOPS.get(shape, 10**11) // step * step
    factors = FACTORS.get(shape, {})
    raws = split(composite, by_name, counts, factors)
    raws |= {name: encode(by_name[name], number) for name, number in factors.items()}
    over = {name: assemble(by_name[name], disassemble(by_name[name], raws[name])) for name in raws}
    assert count(composite, by_name, over) == counts


@given(
    st.sampled_from(sorted(SHAPES)),
    st.lists(st.integers(0, 0xFFFF), min_size=6, max_size=6),
)
def test_any_words_are_a_count_or_none(shape, words):
    """No registers crash the decoder or make a count outside the modulus."""
    composite, points = SHAPES[shape]
    raws = {p.name: assemble(p, words[: p.words]) for p in points}
    found = count(composite, {p.name: p for p in points}, raws)
    assert found is None or (isinstance(found, int) and abs(found) < 1 << 63)
    if found is not None and composite.modulus:
        assert 0 <= found < composite.modulus


def test_split_refuses_what_cannot_be_shown():
    """A count beyond the parts, or between two steps, is an error."""
    composite, points = SHAPES["bcd weighted"]
    by_name = {p.name: p for p in points}
    with pytest.raises(ValueError, match="outside"):
        split(composite, by_name, 10**13)
    composite, points = SHAPES["decimal digits"]
    by_name = {p.name: p for p in points}
    with pytest.raises(ValueError, match="cannot show 3 counts"):
        split(composite, by_name, 3, {"digits": 3})
    with pytest.raises(ValueError, match="digits gives no factor"):
        split(composite, by_name, 3, {"digits": 30})


@pytest.mark.parametrize(
    ("profile_id", "counts"),
    [
        ("dewen-dw-bcd", {"vm": 1_234_567, "vb": 123_456_789_012}),
        ("dewen-dw-f64", {"vb": 987_654_321_123}),
        ("flonidan-uniflo1200", {"vb": 123_456_789_012, "vm": 999_999_999_999}),
        ("honghu-hzhh", {"vm": (7 << 32) + 5, "vb": 3}),
        ("yinuo-js-flow", {"vm": 2_147_483_647_999, "vb": 1}),
        ("fuxin-fx", {"vm": 122_856_864_222, "vb": 12_431_116}),
        ("vpinstruments-vpflowscope", {"vb": 4_294_967_295}),
    ],
)
def test_packaged_totals_through_a_scan(profile_id, counts):
    """A scan of a packaged profile's totals, from registers to the counts that a run bills."""
    profile = load_profile(profile_id)
    map_ = RegisterMap.of(profile, list(counts))
    by_name = {p.name: p for p in map_.points}
    raws = {}
    for name, wanted in counts.items():
        raws |= split(profile.composite(name), by_name, wanted)
    values = decode_scan(map_, [raws[p.name] for p in map_.points])
    assert {name: values[name].number for name in counts} == counts
    assert {type(values[name].number) for name in counts} == {int}


def test_count_unit():
    """A count says what one of it is."""
    assert SHAPES["integer and fraction"][0].count_unit == "0.001m3"
    assert Composite("t", (Part("a"),), unit="m3").count_unit == "m3"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": "T"}, "name 'T'"),
        ({"unit": "a b"}, "unit:"),
        ({"kind": "x"}, "kind 'x'"),
        ({"resolution": "0"}, "resolution:"),
        ({"resolution": "-1"}, "resolution:"),
        ({"wraps_at": "1.0005"}, "wraps_at:"),
        ({"wraps_at": str(MAX_MODULUS)}, "wraps_at:"),
        ({"wraps_at": "-5"}, "wraps_at:"),
        ({"parts": ()}, "parts: must be 1..8"),
        ({"parts": (Part("a"), Part("a"))}, "parts: a point appears twice"),
        ({"parts": (Part("t"),)}, "parts: 't' is no name"),
        ({"parts": (Part("a", "x"),)}, "parts: weight 'x'"),
        ({"parts": (Part("a", below="0"),)}, "parts: below '0'"),
        ({"parts": (Part("a", factor="scale"),)}, "parts: factor 'scale'"),
        ({"parts": (Part("a", factor="x", factor_point="b"),)}, "parts: factor 'x'"),
        ({"parts": (Part("a", factor="scale", factor_point="B"),)}, "parts: 'B' is no name"),
    ],
)
def test_faults(change, fault):
    """Each impossible field of a composite is named."""
    good = Composite("t", (Part("a"),), "0.001", "m3")
    assert composite_faults(good) == []
    assert any(found.startswith(fault) for found in composite_faults(replace(good, **change)))
