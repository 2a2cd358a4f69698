"""Lines of keys: in each way that TOML lets one write them."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.registers.toml_lines import KeyLines

TEXT = '''# a comment [with] brackets = and "quotes"
id = "x"   # = [
"quoted key" = 'it''s'
note = """
[points] not = a header
"""
raw = \'\'\'
also = not a key\'\'\'
nested.key = { a = 1, b = [2, 3] }
names = [
    "a", # comment, with ]
    "b]",

    "c",
]

[link]
baud = 9600

[[points]]
name = "p"
values = { 0 = "off", 1 = "on" }

[[points]]

name = "q"

[[points.more]]
deep = 1
[a.b]
c = 2
'''.replace("'it''s'", "'its'")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("id: must be", 2),
        ("note: longer", 4),
        ("raw", 7),
        ("nested.key.b: x", 9),
        ("nested.key.b[1]", 9),
        ("names[0]: x", 11),
        ("names[2]", 14),
        ("names: x", 10),
        ("link.baud: 9600", 18),
        ("link.missing: x", 17),
        ("points[0].name: x", 21),
        ("points[0].values.1: x", 22),
        ("points[0].order 'X': x", 20),
        ("points[1].name", 26),
        ("points[1]: overlap", 24),
        ("points[1].more[0].deep", 29),
        ("points[9].name", 20),
        ("a.b.c", 31),
        ("nowhere", 0),
        ("", 0),
        ("[[", 0),
    ],
)
def test_lines(path, line):
    """A fault is told the line of its key, or of the nearest table above it."""
    tomllib.loads(TEXT)
    assert KeyLines(TEXT).of(path) == line


keys = st.text("ab-_", min_size=1, max_size=3)
plain = st.integers() | st.booleans() | st.text('a"\\[]{}#=\n', max_size=5)


def _written(value):
    if isinstance(value, list):
        return "[" + ",\n".join(map(_written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return str(value).lower()


@given(
    st.dictionaries(
        keys,
        st.recursive(
            plain,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
            max_leaves=6,
        ),
        max_size=5,
    )
)
def test_every_top_key_is_found(table):
    """Whatever the values are, each key is found on the line where it was written."""
    lines, text = {}, ""
    for key, value in table.items():
        lines[key] = text.count("\n") + 1
        text += f"{key} = {_written(value)}\n"
    assert tomllib.loads(text) == table
    found = KeyLines(text)
    assert {key: found.of(key) for key in table} == lines
