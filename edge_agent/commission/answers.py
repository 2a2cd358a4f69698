"""Answers of a commissioning: by key, as texts; read from TOML or a table of sites, and written.

A key is a path: ("site", "zone"), ("bus", "line-1", "port"). In TOML that is `[site] zone` and
`[bus.line-1] port`; in the head of a table of sites `site.zone` and `bus.line-1.port`. Answers have
the names of gateway.toml's settings wherever one becomes such a setting.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from edge_agent.config.file import bulk_fault

Key = tuple[str, ...]
Answers = Mapping[Key, str]

MAX_BYTES: Final = 1_000_000
MAX_ANSWERS: Final = 5_000
MAX_CHARS: Final = 1_000
WIZARD: Final = "wizard"
"""The table of answers that steer the wizard and belong into no configuration."""
SECRETS: Final = frozenset({("central", "token")})
"""Never written anywhere."""
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


class AnswersError(ValueError):
    """Answers that cannot be read; says which and the remedy."""


def dotted(key: Key) -> str:
    """As a person names it: `run.R1.qmax_m3_h`."""
    return ".".join(key)


def parse_answers(data: bytes, name: str) -> dict[Key, str]:
    """The answers of a TOML file, called `name`. Raises AnswersError."""
    try:
        table = tomllib.loads(_text(data, name), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        if isinstance(error, AnswersError):
            raise
        raise AnswersError(f"{name}: no TOML: {error}; mend the line") from error
    fault = bulk_fault(table)
    if fault is not None:
        raise AnswersError(f"{name}: {fault}")
    answers: dict[Key, str] = {}
    for key, value in _leaves(table, ()):
        if len(answers) >= MAX_ANSWERS:
            raise AnswersError(f"{name}: more than {MAX_ANSWERS} answers; one site a file")
        answers[key] = _answer(value, name, key)
    return answers


def parse_row(data: bytes, name: str, row: str) -> dict[Key, str]:
    """The answers of one row of a table of sites (CSV): its first column is what `row` names.

    A cell that is empty answers nothing. Raises AnswersError.
    """
    text = _text(data.removeprefix(b"\xef\xbb\xbf"), name)
    first = text.partition("\n")[0]  # spreadsheets of decimal commas part columns by semicolons
    lines = csv.reader(
        io.StringIO(text), delimiter=";" if ";" in first and "," not in first else ","
    )
    try:
        head = next(lines, [])
        found = [line for line in lines if line and line[0].strip() == row]
    except csv.Error as error:
        raise AnswersError(f"{name}: no CSV: {error}; mend the line") from error
    if len(found) != 1:
        raise AnswersError(f"{name}: {len(found)} rows begin with {row[:60]!r}; there must be one")
    answers: dict[Key, str] = {}
    for title, cell in zip(head[1:], found[0][1:], strict=False):
        if cell.strip():
            key = _key(title.strip())
            answers[key] = _answer(cell.strip(), name, key)
    return answers


def answers_text(answers: Answers, *, progress: bool) -> str:
    """The TOML text that `parse_answers` reads, without secrets; `progress`: with what steers the
    wizard."""
    tables: dict[Key, list[str]] = {}
    for key, value in answers.items():
        if key not in SECRETS and (progress or key[0] != WIZARD):
            line = f"{_quoted(key[-1])} = {json.dumps(value, ensure_ascii=False)}"
            tables.setdefault(key[:-1], []).append(line)
    parts = []
    for head, lines in tables.items():
        parts.append("\n".join([f"[{'.'.join(map(_quoted, head))}]", *lines]) + "\n")
    return "\n".join(parts)


def names_of(answers: Answers, kind: str) -> tuple[str, ...]:
    """The buses, devices, runs or gases that are answered for, in their order."""
    return tuple(dict.fromkeys(key[1] for key in answers if key[0] == kind and len(key) == 3))


def table_of(answers: Answers, *path: str) -> dict[str, str]:
    """All answers of one table, by the last part of their keys."""
    at = len(path)
    return {
        key[at]: value for key, value in answers.items() if len(key) == at + 1 and key[:at] == path
    }


def _text(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        raise AnswersError(f"{name}: longer than {MAX_BYTES} bytes; one site a file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AnswersError(f"{name}: no UTF-8: {error}; save it as UTF-8") from error


def _leaves(table: Mapping[str, Any], path: Key) -> Iterator[tuple[Key, Any]]:
    """A composition of a gas is one answer."""
    for name, value in table.items():
        is_composition = name == "composition" and path[:1] == ("gas",) and len(path) > 1
        if isinstance(value, dict) and not is_composition:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _answer(value: Any, name: str, key: Key) -> str:
    where = f"{name}: {dotted(key)}"
    if not 2 <= len(key) <= 3:
        raise AnswersError(f"{where}: no question is called so; write it under its table")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        value = ", ".join(f"{part} {share}" for part, share in value.items())
    if not isinstance(value, str | int | Decimal):
        raise AnswersError(f"{where}: is a list; write a text, a number, or true or false")
    text = str(value)
    if len(text) > MAX_CHARS or not text.isprintable():
        raise AnswersError(f"{where}: must be at most {MAX_CHARS} characters of one line")
    return text


def _key(title: str) -> Key:
    """`bus.line-1.port`; the name between may have dots itself."""
    first, _, rest = title.partition(".")
    middle, _, last = rest.rpartition(".")
    return (first, middle, last) if middle else (first, last)


def _quoted(part: str) -> str:
    if _BARE.fullmatch(part):
        return part
    return json.dumps(part, ensure_ascii=False).replace("\x7f", "\\u007f")
