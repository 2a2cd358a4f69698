"""Profile files: what is read, and that every fault is reported, with where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.registers.profile import ProfileError, ProfileErrors
from protocols.registers.profile_file import parse_profile

HEAD = """format = 1
id = "x-1"
vendor = "V"
model = "M"
kind = "meter"
confidence = "low"
default_points = ["a"]
sources = [{ title = "a manual", url = "https://example.org", note = "page 7" }]
"""
HEAD_KEYS = [line.split()[0] for line in HEAD.splitlines()]
POINT = '[[points]]\nname = "a"\nfunction = 3\naddress = 10\ntype = "u32"\nnote = "n"\n'


def faults_of(text):
    with pytest.raises(ProfileErrors) as caught:
        parse_profile(text, "x.toml")
    assert all(line.startswith("x.toml:") for line in caught.value.messages)
    return list(caught.value.faults)


def test_smallest_profile():
    """A profile needs a head, a source and a point; the rest has defaults."""
    profile = parse_profile(HEAD + POINT, "x.toml")
    point = profile.point("a")
    assert (point.order, point.unit, point.scale, point.kind, point.sentinels) == (
        "ABCD", "", "1", "gauge", (),
    )  # fmt: skip
    assert (profile.max_registers, profile.max_gap, profile.order_point) == (125, 0, None)
    assert profile.notes == {"a": "n"}
    assert profile.sources[0].note == "page 7"
    with pytest.raises(ProfileError, match="it has: a"):
        profile.point("b")


def point(**fields):
    made = {"name": "a", "function": 3, "address": 10, "type": "u32", **fields}
    return "[[points]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in made.items())


def _toml(value):
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "format: missing"),
        ("x = ", "no TOML"),
        ("x = " + "[" * 5000, "no TOML"),
        (" " * 200_001, "longer than"),
        (HEAD.replace("format = 1", "format = 2") + POINT, "format: 2"),
        (HEAD.replace('"x-1"', '"X 1"') + POINT, "id: must be"),
        (HEAD.replace('"V"', "7") + POINT, "vendor: must be str"),
        (HEAD.replace('"V"', '"' + "v" * 501 + '"') + POINT, "vendor: longer"),
        (HEAD.replace('"low"', '"sure"') + POINT, "confidence: must be one of"),
        (HEAD.replace('["a"]', '["b"]') + POINT, "default_points: 'b' is no point"),
        (HEAD.replace('["a"]', "[]") + POINT, "default_points: must name"),
        (HEAD.replace('["a"]', '["a", "a"]') + POINT, "default_points: must name"),
        (HEAD.replace('["a"]', "[3]") + POINT, "default_points: a int is no point"),
        (HEAD.replace("title", "tittle") + POINT, "sources[0].tittle: unknown key"),
        ("sources = []\n" + HEAD.replace("sources", "[bad]\nx") + POINT, "sources: must be 1..16"),
        ("max_gap = 33\n" + HEAD + POINT, "max_gap: must be"),
        ("max_registers = 1\n" + HEAD + POINT, "max_registers: 1 must be 2..125"),
        ("max_registers = 126\n" + HEAD + POINT, "max_registers: 126"),
        ("max_registers = true\n" + HEAD + POINT, "max_registers: must be int"),
        ("colour = 1\n" + HEAD + POINT, "colour: unknown key; known: format"),
        (HEAD, "points: missing"),
        ("points = []\n" + HEAD, "points: must be 1..512"),
        ("points = [7]\n" + HEAD, "points[0]: must be a table"),
        (HEAD + point(function=6), "points[0].function 6"),
        (HEAD + point(address=65535), "points[0].address 65535"),
        (HEAD + point(address=-1), "points[0].address -1"),
        (HEAD + point(address=1.0), "points[0].address: must be int"),
        (HEAD + point(type="f16"), "points[0].type 'f16'"),
        (HEAD + point(order="ABDC"), "points[0].order 'ABDC'"),
        (HEAD + point(kind="x"), "points[0].kind 'x'"),
        (HEAD + point(unit="a b"), "points[0].unit"),
        (HEAD + point(scale="0.0"), "points[0].scale '0.0'"),
        (HEAD + point(scale=1.5), "points[0].scale: must be str"),
        (HEAD + point(name="A"), "points[0].name 'A'"),
        (HEAD + point(sentinels=[2**32]), "points[0].sentinels 4294967296"),
        (HEAD + point(sentinels=[1.5]), "points[0].sentinels: must be integers"),
        (HEAD + point(colour="x"), "points[0].colour: unknown key"),
        (HEAD + POINT + POINT, "points[1]: a appears twice"),
        (HEAD + POINT + point(name="b", address=11), "a and b overlap at 11"),
        (HEAD + POINT + "[link]\nbaud = 9601\n", "link.baud: 9601"),
        (HEAD + POINT + '[link]\nparity = "X"\n', "link.parity"),
        (HEAD + POINT + "[link]\nstop_bits = 3\n", "link.stop_bits"),
        (
            HEAD + POINT + "[expected]\nzz = 5\n",
            "expected.zz: must be one of the points, of type u16",
        ),
        (
            HEAD + POINT + "[expected]\na = 5\n",
            "expected.a: must be one of the points, of type u16",
        ),
        (HEAD + POINT + "[float_order]\n", "float_order.point: missing"),
        (HEAD + POINT + '[float_order]\npoint = "a"\nvalues = {0 = "ABCD"}\n', "of type u16"),
        (HEAD + POINT + '[float_order]\npoint = "z"\nvalues = {0 = "ABCD"}\n', "'z' must be one"),
        (HEAD + POINT + '[float_order]\npoint = "a"\nvalues = {0 = "A"}\n', "values.0: must be"),
        (HEAD + POINT + '[float_order]\npoint = "a"\nvalues = {x = "ABCD"}\n', "'x' must be a"),
        (HEAD + POINT + '[float_order]\npoint = "a"\nvalues = {70000 = "ABCD"}\n', "'70000' must"),
        (HEAD + POINT + '[float_order]\npoint = "a"\nvalues = {}\n', "at least one order"),
    ],
)
def test_faults(text, fault):
    """Each fault names the field and what it must be."""
    assert any(fault in found for found in faults_of(text))


def test_a_faulty_point_is_told_once():
    """Who names a point that has a fault of its own is right: only the fault itself is told."""
    text = 'atomic = [["a"]]\n' + HEAD.replace('["a"]', '["a", "b"]') + point(type="f33")
    faults = faults_of(text)
    assert [fault.split(" ")[0] for fault in faults] == ["points[0].type", "default_points:"]
    assert "'b' is no point" in faults[1]


def test_all_faults_at_once():
    """One reading reports every fault, not only the first."""
    text = HEAD.replace('"low"', '"sure"') + point(function=9) + point(name="B", kind="y")
    found = faults_of("max_gap = -1\n" + text)
    for part in ("confidence", "max_gap", "points[0].function", "points[1].name", "points[1].kind"):
        assert any(part in fault for fault in found), part


def test_overlap_is_found_behind_a_long_value():
    """A value that reaches over two others is reported against both; other functions are free."""
    text = point(type="u64") + point(name="b", address=11, type="u16")
    text += point(name="c", address=13, type="u16")
    text += point(name="d", address=10, function=4)
    found = faults_of(HEAD + text)
    assert found == ["points[1]: a and b overlap at 11", "points[2]: a and c overlap at 13"]


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text):
    """Any text is a profile or ProfileErrors."""
    faults_of(text)


@given(
    st.recursive(
        st.integers() | st.booleans() | st.text("ab\u00e9", max_size=4) | st.floats(),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    ),
    st.sampled_from([*HEAD_KEYS, "max_gap", "link", "float_order", "points"]),
)
def test_no_value_crashes_the_reader(value, key):
    """Any value of any key is reported, never an exception of another kind."""
    lines = [line for line in HEAD.splitlines() if not line.startswith(key)]
    text = f"{key} = {_value(value)}\n" + "\n".join(lines) + "\n"
    text += "" if key == "points" else POINT
    try:
        profile = parse_profile(text, "x.toml")
    except ProfileErrors:
        return
    assert key in ("format", "id", "vendor", "model", "kind", "max_gap")
    assert profile.points


def _value(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _toml(value)
