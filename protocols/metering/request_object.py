"""Strict reading of a request: one JSON object, of which every member is a number or is refused.

JSON as Python reads it takes the last of two equal names, NaN and Infinity, true for 1, and a
number of four hundred digits for infinity. Each of these could become a wrong figure in a bill, so
each is a fault that names its field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

MAX_BYTES: Final = 64 * 1024
MAX_BRACKETS: Final = 10  # a request has two objects and no list
MAX_TEXT: Final = 500  # characters of a fault; a request's own words may be in it


class RequestError(ValueError):
    """What is wrong with a request, and the field it is in ("" where there is none)."""

    def __init__(self, error: str, field: str) -> None:
        super().__init__(error)
        self.error, self.field = error[:MAX_TEXT], field[:MAX_TEXT]


class _Pairs(NamedTuple):
    """The members of a JSON object as they were written, doubled names and all."""

    members: list[tuple[str, object]]


def read_object(line: bytes) -> dict[str, object]:
    """The members of the one object on the line. Raises RequestError."""
    if len(line) > MAX_BYTES:
        raise RequestError(f"a line longer than {MAX_BYTES} bytes", "")
    if line.count(b"{") + line.count(b"[") > MAX_BRACKETS:
        raise RequestError(f"more than {MAX_BRACKETS} objects and lists within each other", "")
    try:
        value = json.loads(
            line.decode("utf-8"),
            object_pairs_hook=_Pairs,
            parse_int=float,
        )
    except UnicodeDecodeError:
        raise RequestError("the line is not UTF-8", "") from None
    except json.JSONDecodeError as error:
        line_no = f"line {error.lineno}, " if error.lineno > 1 else ""
        where = f"{line_no}column {error.colno}"
        raise RequestError(f"malformed JSON: {error.msg} at {where}", "") from None
    if not isinstance(value, _Pairs):
        raise RequestError("a JSON object belongs on the line", "")
    return _members(value, "")


def number(fields: Mapping[str, object], name: str) -> float:
    """A finite number, or RequestError."""
    value = fields[name]
    if not isinstance(value, float):
        raise RequestError(f"{name} is {_kind(value)}, not a number", name)
    if not math.isfinite(value):
        raise RequestError(f"{name} is {value}, not a finite number", name)
    return value


def text(fields: Mapping[str, object], name: str) -> str:
    """A text, or RequestError."""
    value = fields[name]
    if not isinstance(value, str):
        raise RequestError(f"{name} is {_kind(value)}, not a text", name)
    return value


def members(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A JSON object inside the request, or RequestError."""
    value = fields[name]
    if not isinstance(value, dict):
        raise RequestError(f"{name} is {_kind(value)}, not an object", name)
    return value


def choice(fields: Mapping[str, object], name: str, words: Iterable[str]) -> str:
    """One of the words, in any case, or RequestError."""
    word = text(fields, name).strip().lower()
    known = list(words)
    if word not in known:
        raise RequestError(f"{name} is {word[:40]!r}; one of {', '.join(known)}", name)
    return word


def renamed(fields: Mapping[str, object], name_of: Callable[[str], str]) -> dict[str, object]:
    """The fields by their own names; a name and its alias together are a doubled field."""
    found: dict[str, object] = {}
    for given, value in fields.items():
        name = name_of(given)
        if name in found:
            raise RequestError(f"{name} is given twice", name)
        found[name] = value
    return found


def _members(pairs: _Pairs, path: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs.members:
        if name in found:
            raise RequestError(f"{path}{name} is given twice", f"{path}{name}")
        found[name] = _members(value, f"{path}{name}.") if isinstance(value, _Pairs) else value
    return found


def _kind(value: object) -> str:
    """What JSON calls the value's type."""
    if value is None:
        return "null"
    kinds = {bool: "a boolean", str: "a text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "a number")
