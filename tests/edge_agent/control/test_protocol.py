"""Lines of the control sockets: every request comes back, everything else is refused."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.protocol import (
    BadRequest,
    Call,
    ClockRequest,
    ReadRequest,
    Request,
    WriteRequest,
    encode_request,
    parse_request,
)

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", fullmatch=True)
TEXTS = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" \u3000"),
    min_size=1, max_size=200,
).filter(str.strip)  # fmt: skip
VALUES = st.from_regex(r"-?[0-9]{1,9}(\.[0-9]{1,6})?", fullmatch=True)
PASSWORDS = st.from_regex(r"[ -~]{0,32}", fullmatch=True)
REQUESTS = st.one_of(
    st.builds(ReadRequest, NAMES, st.lists(NAMES, max_size=64).map(tuple)),
    st.builds(WriteRequest, NAMES, NAMES, VALUES, TEXTS, TEXTS, PASSWORDS),
    st.builds(ClockRequest, NAMES, TEXTS, TEXTS, PASSWORDS),
)


@given(REQUESTS)
def test_a_request_comes_back(request_: Request) -> None:
    """One line, and the same request out of it."""
    line = encode_request(request_)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert parse_request(line[:-1]) == request_


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([], "no JSON object"),
        ({}, "do: must name"),
        ({"do": "scan all"}, "do: must name"),
        ({"do": "read"}, "device: must be"),
        ({"do": "read", "device": "a b"}, "device: must be"),
        ({"do": "read", "device": "d", "points": "vm"}, "points: a list"),
        ({"do": "read", "device": "d", "points": ["x"] * 65}, "points: a list"),
        ({"do": "read", "device": "d", "points": [7]}, "point: must be"),
        ({"do": "read", "device": "d", "more": 1}, "more: not known"),
        ({"do": "write", "device": "d", "point": "p", "value": 7}, "value: must be"),
        ({"do": "write", "device": "d", "point": "p", "value": "7"}, "who: must be"),
        ({"do": "clock", "device": "d", "who": "  ", "reason": "r"}, "who: must be"),
        ({"do": "clock", "device": "d", "who": "w", "reason": "a\nb"}, "reason: must be"),
        ({"do": "clock", "device": "d", "who": "w", "reason": "r" * 201}, "reason: must be"),
        (
            {"do": "clock", "device": "d", "who": "w", "reason": "r", "password": 7},
            "password: must",
        ),
    ],
)
def test_what_is_no_request_is_said(told: object, why: str) -> None:
    """With the field, before any device is asked."""
    with pytest.raises(BadRequest, match=why):
        parse_request(json.dumps(told).encode())


@pytest.mark.parametrize("hidden", ["\ud800", "\x9b31m", "\x85", "\u2028", "\u202e", "\x7f"])
def test_who_and_why_are_printable(hidden: str) -> None:
    """A lone surrogate fits no leaf, and no name may steer a terminal or turn its line round."""
    told = {"do": "clock", "device": "d", "who": "w", "reason": f"r{hidden}"}
    with pytest.raises(BadRequest, match="reason: must be printable"):
        parse_request(json.dumps(told).encode())


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_refused(line: bytes) -> None:
    """Nothing else comes out of the parser."""
    with contextlib.suppress(BadRequest):
        parse_request(line)


def test_a_call_takes_what_its_route_asks_for() -> None:
    """Names, words and whole numbers; anything else is told by field."""
    call = parse_request(b'{"do": "take", "bus": "line-1", "seconds": 60, "who": "Li Wei"}')
    assert isinstance(call, Call)
    assert (call.do, call.name("bus"), call.integer("seconds", 1, 600)) == ("take", "line-1", 60)
    assert call.text("who") == "Li Wei"
    assert call.text("reason", "") == ""
    assert parse_request(encode_request(call)[:-1]) == call
    for key, wrong in (("bus", "a b"), ("who", "\x1b[2J"), ("seconds", True), ("seconds", 601)):
        bad = call._replace(fields={**call.fields, key: wrong})
        with pytest.raises(BadRequest, match=key):
            (bad.name("bus"), bad.text("who"), bad.integer("seconds", 1, 600))
