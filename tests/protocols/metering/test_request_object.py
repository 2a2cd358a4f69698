"""One JSON object, strictly: what JSON lets pass and a bill must not."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.request_object import (
    MAX_BYTES,
    MAX_TEXT,
    RequestError,
    choice,
    members,
    number,
    read_object,
    renamed,
    text,
)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"", "malformed JSON"),
        (b"   ", "malformed JSON"),
        (b"{", "malformed JSON"),
        (b"{'a': 1}", "malformed JSON"),
        (b'{"a": 1} {"b": 2}', "malformed JSON: Extra data"),
        (b'{"a": 1,}', "malformed JSON"),
        (b'{"a": 01}', "malformed JSON"),
        (b'{"a": 1e}', "malformed JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "malformed JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[1]", "a JSON object belongs on the line"),
        (b"1", "a JSON object belongs on the line"),
        (b"NaN", "a JSON object belongs on the line"),
        (b"null", "a JSON object belongs on the line"),
        (b'"a"', "a JSON object belongs on the line"),
        (b"[" * 60_000, "more than 10 objects and lists"),
        (b'{"a":' * 11 + b"1" + b"}" * 11, "more than 10 objects and lists"),
        (b'{"a": 1}'.ljust(MAX_BYTES + 1), "longer than 65536 bytes"),
    ],
)
def test_no_object(line: bytes, error: str) -> None:
    """What is no JSON object, or no line of a bounded size, is one fault of no field."""
    with pytest.raises(RequestError) as fault:
        read_object(line)
    assert error in fault.value.error
    assert fault.value.field == ""


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "a.b"),
        (b'{"a": 1, "\\u0061": 2}', "a"),
    ],
)
def test_a_doubled_name(line: bytes, field: str) -> None:
    """Two members of one name are a fault, on whatever level, however the name is written."""
    with pytest.raises(RequestError, match="given twice") as fault:
        read_object(line)
    assert fault.value.field == field


@pytest.mark.parametrize(
    "written",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400, "9" * 5000, "true",
     "false", "null", '"1"', '"NaN"', "[1]", '{"x": 1}'],
)  # fmt: skip
def test_no_number(written: str) -> None:
    """A token, a text, a boolean and a number beyond all doubles are no numbers; each is named."""
    fields = read_object(f'{{"T_K": {written}}}'.encode())
    with pytest.raises(RequestError, match="T_K is") as fault:
        number(fields, "T_K")
    assert fault.value.field == "T_K"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_itself(value: float) -> None:
    """Every finite double that is written with all its digits is read as that double."""
    assert number(read_object(json.dumps({"a": value}).encode()), "a") == value


def test_a_whole_number_is_a_number() -> None:
    """An integer is as good as a decimal, and too many digits are rounded, as in any decimal."""
    assert number(read_object(b'{"a": 0}'), "a") == 0.0
    assert number(read_object(b'{"a": 9007199254740993}'), "a") == 9007199254740992.0


def test_other_kinds() -> None:
    """A text, an object and a word of a list are each refused where another kind stands."""
    fields = read_object(b'{"t": "AbC", "o": {"x": 1}, "n": 1, "u": null, "l": []}')
    assert text(fields, "t") == "AbC"
    assert members(fields, "o") == {"x": 1.0}
    assert choice(fields, "t", ("abc", "d")) == "abc"
    for read, name, told in (
        (text, "n", "a number"), (text, "u", "null"), (members, "t", "a text"),
        (members, "l", "a list"), (text, "o", "an object"),
    ):  # fmt: skip
        with pytest.raises(RequestError, match=f"{name} is {told}, not") as fault:
            read(fields, name)
        assert fault.value.field == name
    with pytest.raises(RequestError, match="one of d, e"):
        choice(fields, "t", ("d", "e"))


def test_a_name_and_its_alias() -> None:
    """An alias is read as the name it means; both together are a doubled field."""
    alias = {"b": "a"}
    assert renamed({"b": 1.0, "c": 2.0}, lambda name: alias.get(name, name)) == {"a": 1.0, "c": 2.0}
    with pytest.raises(RequestError, match="a is given twice"):
        renamed({"a": 1.0, "b": 1.0}, lambda name: alias.get(name, name))


def test_a_fault_is_bounded() -> None:
    """The request's own words in a fault cannot make the answer long."""
    name = "x" * 60_000
    with pytest.raises(RequestError) as fault:
        number(read_object(f'{{"{name}": null}}'.encode()), name)
    assert len(fault.value.error) == MAX_TEXT
    assert len(fault.value.field) == MAX_TEXT


@given(st.binary(max_size=200))
def test_any_bytes(line: bytes) -> None:
    """Whatever is on the line, it is an object or a fault, never another exception."""
    with contextlib.suppress(RequestError):
        assert isinstance(read_object(line), dict)
