"""Changes of gateway.toml that keep its comments and its order. Pure.

The lines are edited as a person would; then both texts are read as TOML, and they must differ in
just what was wanted. A file that is written in another way is left alone, and says so.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

MAX_LINES: Final = 20_000
_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?")
_SIMPLE: Final = re.compile(r'(?:"[^"\\]*"|[^"\'#\[\{]*?)(\s*#.*)?')


class Number(NamedTuple):
    """A decimal as it shall be written, such as 123.450."""

    text: str


Plain = bool | int | str | Number
Toml = Plain | Mapping[str, Plain]


class CannotEdit(Exception):  # noqa: N818 - what was found is the name
    """The file is not written in a way that can be edited here; says what to change by hand."""


class Edit(NamedTuple):
    """``key = value`` in the table ``[table]``, or in the one of ``[[table]]`` that ``name`` tells.

    `name`: its own name's key and value, such as ("id", "R1"); None for a table of its own.
    """

    table: str
    name: tuple[str, str] | None
    key: str
    value: Toml

    def __str__(self) -> str:
        where = f"[[{self.table}]] {self.name[1]}" if self.name else f"[{self.table}]"
        return f"{where}: {self.key} = {toml_value(self.value)}"


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with all of it changed. Raises CannotEdit."""
    for edit in edits:
        before = _parsed(text, edit)
        lines = text.split("\n")
        if len(lines) > MAX_LINES:
            raise CannotEdit(f"the file has more than {MAX_LINES} lines")
        text = "\n".join(_edit(lines, edit))
        if _parsed(text, edit) != _wanted(before, edit):
            raise _cannot(edit)
    return text


def toml_value(value: Toml) -> str:
    """As it is written in a line."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return f"{value}"
        case str():
            return json.dumps(value, ensure_ascii=False)  # a basic string for printable text
        case Number(text):
            return text
        case _:
            inner = ", ".join(f"{key} = {toml_value(one)}" for key, one in value.items())
            return "{ " + inner + " }"


def _edit(lines: list[str], edit: Edit) -> list[str]:
    block = _block(lines, edit)
    if block is None:
        if edit.name is not None:
            raise _cannot(edit)
        more = [] if not lines or not lines[-1].strip() else [""]
        line = f"{edit.key} = {toml_value(edit.value)}"
        return [*lines[: len(lines) - (lines[-1:] == [""])], *more, f"[{edit.table}]", line, ""]
    begin, end = block
    new = f"{edit.key} = {toml_value(edit.value)}"
    without = _without_subtable(lines, end, f"{edit.table}.{edit.key}")
    for at in range(begin + 1, end):
        match = re.match(rf"(\s*{re.escape(edit.key)}\s*=\s*)(.*)", lines[at])
        if match is not None:
            simple = _SIMPLE.fullmatch(match[2])
            remark = (simple[1] or "") if simple is not None else ""
            return [*lines[:at], f"{new}{remark}", *without[at + 1 :]]
    after = begin + 1
    if edit.name is not None:
        after = 1 + next(at for at in range(begin, end) if _names(lines[at], edit.name))
    return [*lines[:after], new, *without[after:]]


def _block(lines: list[str], edit: Edit) -> tuple[int, int] | None:
    """From the table's header to before the next one, sub-tables excluded."""
    brackets = "[" if edit.name is None else "[["
    headers = [
        (at, match[1], match[2])
        for at, line in enumerate(lines)
        if (match := _HEADER.fullmatch(line)) is not None
    ]
    ends = ([at for at, *_ in headers] + [len(lines)])[1:]
    for (begin, opens, table), end in zip(headers, ends, strict=True):
        if (opens, table) != (brackets, edit.table):
            continue
        if edit.name is None or any(_names(lines[at], edit.name) for at in range(begin, end)):
            return begin, end
    return None


def _names(line: str, name: tuple[str, str]) -> bool:
    key, value = name
    return re.match(rf'\s*{re.escape(key)}\s*=\s*"{re.escape(value)}"', line) is not None


def _without_subtable(lines: list[str], end: int, table: str) -> list[str]:
    """A sub-table of that name among those that follow the block goes: the line replaces it.

    The list keeps its length up to `end`.
    """
    at = end
    while at < len(lines):
        match = _HEADER.fullmatch(lines[at])
        assert match is not None  # `end` is a header's place, or the end
        after = next(
            (n for n in range(at + 1, len(lines)) if _HEADER.fullmatch(lines[n])), len(lines)
        )
        if not match[2].startswith(table.partition(".")[0] + "."):
            break
        if match[2] == table:
            return [*lines[:at], *lines[after:]]
        at = after
    return lines


def _wanted(table: dict[str, Any], edit: Edit) -> dict[str, Any]:
    wanted = copy.deepcopy(table)
    value = tomllib.loads(f"x = {toml_value(edit.value)}")["x"]
    if edit.name is None:
        wanted.setdefault(edit.table, {})[edit.key] = value
        return wanted
    key, name = edit.name
    for one in wanted.get(edit.table, []):
        if isinstance(one, dict) and one.get(key) == name:
            one[edit.key] = value
            return wanted
    raise _cannot(edit)


def _parsed(text: str, edit: Edit) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _cannot(edit) from error


def _cannot(edit: Edit) -> CannotEdit:
    return CannotEdit(f"gateway.toml cannot be changed by this program: change it by hand: {edit}")


def commented_out(text: str, tables: Sequence[tuple[str, tuple[str, str]]], remark: str) -> str:
    """The text with whole tables of ``[[table]]`` as comments, sub-tables too.

    Raises CannotEdit.
    """
    for table, name in tables:
        edit = Edit(table, name, "", "")
        wanted = copy.deepcopy(_parsed(text, edit))
        key, value = name
        wanted[table] = [one for one in wanted.get(table, []) if one.get(key) != value]
        if not wanted[table]:
            del wanted[table]
        lines = text.split("\n")
        block = _block(lines, edit)
        if block is None:
            raise _by_hand(table, value)
        begin, end = block
        while end < len(lines) and (match := _HEADER.fullmatch(lines[end])) is not None:
            if not match[2].startswith(f"{table}."):
                break
            after = (n for n in range(end + 1, len(lines)) if _HEADER.fullmatch(lines[n]))
            end = next(after, len(lines))
        gone = [f"# {line}" if line.strip() else line for line in lines[begin:end]]
        text = "\n".join([*lines[:begin], f"# {remark}", *gone, *lines[end:]])
        if _parsed(text, edit) != wanted:
            raise _by_hand(table, value)
    return text


def _by_hand(table: str, name: str) -> CannotEdit:
    return CannotEdit(f"[[{table}]] {name} cannot be taken out by this program: do it by hand")
