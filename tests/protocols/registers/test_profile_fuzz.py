"""The checker against files that people and editors break: always a profile or a list of faults."""

import re
import tomllib
from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.registers.codec import assemble, decode_scan
from protocols.registers.library import load_profile
from protocols.registers.point import MAX_SCAN_WORDS
from protocols.registers.profile import ProfileErrors
from protocols.registers.profile_file import parse_profile
from protocols.registers.register_map import RegisterMap
from tests.protocols.registers.test_profile_schema import FULL

TOKENS = re.findall(r'"[^"\n]*"|[A-Za-z_0-9]+|[ \n]+|\S', FULL)
STRANGE = ["-1", "9" * 5000, "1e999", "nan", '"' + "x" * 600 + '"', "true", "[]", "{}", '"\\u0000"']
STRANGE += [
    "0x7fffffffffffffffffff",
    "0x" + "f" * 5000,
    "-0x1",
    "1979-05-27",
    "[[",
    "]]",
    "''",
    "=",
    ",",
    "[1,[2]]",
    "65536",
]
VALUES = re.findall(r'(?<== )("[^"\n]*"|-?\d+|true|\[[^\[\]\n]*\])', FULL)


def checked(text):
    """What the checker says: a profile, or faults that each have a text and a possible line."""
    try:
        return parse_profile(text, "x.toml")
    except ProfileErrors as error:
        found = error
    assert found.faults
    assert all(fault.strip() for fault in found.faults)
    assert all(0 <= line <= text.count("\n") + 1 for line in found.lines)
    return None


@st.composite
def broken_texts(draw):
    """The full profile with some of its tokens lost, doubled, or replaced by others."""
    tokens = list(TOKENS)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(tokens) - 1))
        tokens[at] = draw(st.sampled_from(["", tokens[at] * 2, *STRANGE]) | st.sampled_from(TOKENS))
    return "".join(tokens)


@st.composite
def wrong_values(draw):
    """The full profile, sound TOML, with values that are not what their keys want."""
    text = FULL
    for _ in range(draw(st.integers(1, 4))):
        old = draw(st.sampled_from(VALUES))
        text = text.replace(f"= {old}", f"= {draw(st.sampled_from([*STRANGE, *VALUES]))}", 1)
    return text


@given(broken_texts())
@settings(max_examples=150)
def test_broken_files(text):
    """Lost, doubled and strange tokens never crash or hang the checker."""
    checked(text)


@given(wrong_values())
@settings(max_examples=150)
def test_wrong_values(text):
    """Values of any other kind never crash the checker."""
    checked(text)


@given(st.data())
@settings(max_examples=100)
def test_lost_and_doubled_lines(data):
    """Lines lost, doubled or moved never crash the checker."""
    lines = FULL.splitlines()
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(lines) - 1))
        to = data.draw(st.integers(0, len(lines) - 1))
        lines[to : to + data.draw(st.integers(0, 1))] = [lines[at]]
    checked("\n".join(lines))


@given(
    st.recursive(st.none(), lambda inner: st.lists(inner, min_size=1, max_size=2), max_leaves=50)
)
def test_deep_values(nest):
    """Nesting of any depth is a fault, never a crash."""
    checked(f"points = {str(nest).replace('None', '1')}\n{FULL}")
    checked("x = " + "[" * 20_000 + "]" * 20_000)


def test_nesting_of_every_depth():
    """Around the depth at which the TOML reader gives up, nothing else gives up by a crash."""
    for depth in range(10, 1000, 5):
        checked("x = " + "[" * depth + "]" * depth)
        checked("x = " + "{a = " * depth + "1" + "}" * depth)


def test_a_sound_profile_is_still_sound():
    """What is mutated above is a profile when nothing is changed."""
    assert tomllib.loads(FULL)
    assert checked(FULL) is not None


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=64), st.data())
@settings(max_examples=50)
def test_any_registers_decode(words, data):
    """Whatever the registers of an instrument hold, each value is a finite number or none."""
    profile_id = data.draw(
        st.sampled_from(["flonidan-uniflo1200", "fci-st100", "honghu-hzhh", "abb-266-modbus"])
    )
    profile = load_profile(profile_id)
    names = [p.name for p in profile.points if p.words <= MAX_SCAN_WORDS]
    map_ = RegisterMap.of(profile, [*names, *(one.name for one in profile.composites)])
    held = cycle(words)
    raws = [assemble(point, [next(held) for _ in range(point.words)]) for point in map_.points]
    values = decode_scan(map_, raws)
    assert list(values) == [p.name for p in map_.points] + [c.name for c in map_.composites]
    for number, _unit in values.values():
        assert number is None or abs(number) < float("inf")
