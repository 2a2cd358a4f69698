"""pymodbus's opinion on values: golden registers, all types and orders, a codec that is wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.bus_tools.second_opinion import opinions_on, second_opinion
from protocols.registers.point import ORDERS, TYPE_WORDS, Point
from protocols.registers.point_codec import assemble


@pytest.mark.parametrize(
    ("kind", "order", "words", "number"),
    [
        # 123456.789 as instruments print it in their manuals, in both orders
        ("f32", "ABCD", (0x47F1, 0x2065), 123456.7890625),
        ("f32", "CDAB", (0x2065, 0x47F1), 123456.7890625),
        ("i16", "ABCD", (0xFFFE,), -2),
        ("u32", "CDAB", (0x0001, 0x0002), 0x20001),
        ("u64", "CDAB", (4, 3, 2, 1), 0x1000200030004),
        ("f64", "ABCD", (0x3FF8, 0, 0, 0), 1.5),
        ("f32", "ABCD", (0x7FC0, 0), None),
    ],
)
def test_values(kind, order, words, number):
    """What pymodbus makes of registers, in front of any scale."""
    point = Point("x", 3, 0, kind, order, scale="0.1", sentinels=(7,))
    opinion = second_opinion(point, words, assemble(point, words))
    assert opinion is not None
    if number is None or kind != "f32":
        assert opinion.number == number
    else:
        assert math.isclose(opinion.number or 0, number, rel_tol=1e-6)
    assert opinion.agrees


@given(data=st.data(), order=st.sampled_from(ORDERS), kind=st.sampled_from(sorted(TYPE_WORDS)))
def test_both_decoders_agree(data, order, kind):
    """On all types that pymodbus has, in its two orders, whatever the words; elsewhere None."""
    point = Point("x", 3, 0, kind, order)
    size = TYPE_WORDS[kind]
    words = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=size, max_size=size))
    raw = assemble(point, words) if kind != "bit" else None
    opinion = second_opinion(point, words, raw)
    has_type = kind in ("u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64")
    assert (opinion is not None) == (has_type and order in ("ABCD", "CDAB"))
    assert opinion is None or opinion.agrees


def test_a_wrong_codec_is_found():
    """One that forgets the order of the words does not agree; nor one that has lost the value."""
    point = Point("x", 3, 0, "u32", "CDAB")
    opinion = second_opinion(point, (1, 2), 0x10002)
    assert opinion == (0x20001, 0x10002)
    assert not opinion.agrees
    assert second_opinion(point, (1, 2), None) == (0x20001, None)


def test_words_without_a_point():
    """Each type in both word orders; one order where there is one word."""
    told = opinions_on((0x47F1, 0x2065), ("f32", "u32", "i32"))
    assert [one[:2] for one in told] == [
        (kind, order) for kind in ("f32", "u32", "i32") for order in ("ABCD", "CDAB")
    ]
    assert all(one.opinion.agrees for one in told)
    assert [one.opinion.number for one in opinions_on((0xFFFF,), ("u16", "i16"))] == [65535, -1]
    assert opinions_on((1, 2, 3), ()) == ()


def test_a_field_of_bits_is_cut_out_of_the_register():
    """As the codec does: the high byte, the low nibble."""
    for bits, number in (((8, 15), 0xAB), ((0, 3), 0xD), ((5, 5), 0)):
        point = Point("x", 3, 0, "u16", bits=bits)
        assert second_opinion(point, (0xABCD,), assemble(point, (0xABCD,))) == (number, number)


def test_no_opinion_on_words_that_are_not_the_points():
    """None, whatever the codec had."""
    assert second_opinion(Point("x", 3, 0, "u32"), (5,), 5) is None
