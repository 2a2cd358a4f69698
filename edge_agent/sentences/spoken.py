"""A fault, a failure or an event's detail as a person reads it, in English or Chinese. Pure.

Such texts are made where something fails, deep in the agent; they are recorded in leaves, written
to logs, and cross the control sockets, as English. Whoever shows one to a person finds out here
which sentence it is (its code) and what fills it in, and says it in the language asked for. What
is not recognised is shown as it is. Programs (`--json`) are given the text as it was made.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

MAX_CHARS: Final = 4000  # of a text that is looked at
MAX_DEPTH: Final = 4  # a sentence within a sentence
_PREFIX: Final = re.compile(r"([^\s:]+: |/\S+ )(.+)", re.DOTALL)  # `field: `, or a path
_FIELD: Final = re.compile(r"\{(\w+)\}")
_AND: Final = "; "
_FOLDER: Final = Path(__file__).parent


class Sentence(NamedTuple):
    """Which one it is, and what fills it in."""

    code: str
    fields: dict[str, str]


class _Form(NamedTuple):
    """How a sentence is recognised."""

    code: str
    template: str
    longest: str  # of its fixed pieces
    fixed: int  # characters of all of them


def spoken(text: str, *, chinese: bool) -> str:
    """The text as a person reads it; several lines, each by itself."""
    if len(text) > MAX_CHARS:
        return text
    return "\n".join(_spoken(line, chinese=chinese, depth=0) for line in text.split("\n"))


def recognise(text: str, *, all_of_them: bool = True) -> Sentence | None:
    """The sentence that the text is, whole; of those that fit, the one that says most itself.

    `all_of_them`: not only those which people read in other words than the recorded ones.
    """
    for form in _forms(all_of_them=all_of_them):
        if form.longest in text and (found := _pattern(form.template).fullmatch(text)):
            return Sentence(form.code, found.groupdict())
    return None


def _spoken(text: str, *, chinese: bool, depth: int) -> str:
    """Itself, or behind the field or path that it is about, or two of them one after the other."""
    if depth > MAX_DEPTH:
        return text
    found = recognise(text, all_of_them=chinese)
    if found is not None:
        return _said(found, chinese=chinese, depth=depth)
    below = depth + 1
    first, also, second = text.rpartition(_AND)
    if also and recognise(first, all_of_them=chinese) is not None:
        return _both(first, second, chinese=chinese, depth=below)
    if prefixed := _PREFIX.fullmatch(text):
        head, rest = prefixed.groups()
        told = _spoken(rest, chinese=chinese, depth=below)
        if told != rest:
            return head + told
    return _both(first, second, chinese=chinese, depth=below) if also else text


def _both(first: str, second: str, *, chinese: bool, depth: int) -> str:
    """One after the other; as they are where neither is known."""
    told = [_spoken(each, chinese=chinese, depth=depth) for each in (first, second)]
    is_known = told != [first, second]
    return ("；" if chinese and is_known else _AND).join(told)


def _said(found: Sentence, *, chinese: bool, depth: int) -> str:
    fields = {
        name: _spoken(text, chinese=chinese, depth=depth + 1) for name, text in found.fields.items()
    }
    return _words(chinese=chinese)[found.code].format(**fields, **_seconds(found.fields))


def _seconds(fields: dict[str, str]) -> dict[str, str]:
    """People read seconds: `stale_ms` is `stale_s` too."""
    return {
        f"{name.removesuffix('_ms')}_s": f"{int(text) / 1000:g}"
        for name, text in fields.items()
        if name.endswith("_ms") and text.isascii() and text.isdigit()
    }


@cache
def _words(*, chinese: bool) -> dict[str, str]:
    return _table("zh" if chinese else "en")


@cache
def _forms(*, all_of_them: bool) -> tuple[_Form, ...]:
    """Those with the most words of their own first."""
    known = (_table("en") if all_of_them else {}) | _table("recorded")
    forms = []
    for code, template in known.items():
        pieces = _FIELD.split(template)[::2]
        forms.append(_Form(code, template, max(pieces, key=len), sum(map(len, pieces))))
    return tuple(sorted(forms, key=lambda form: -form.fixed))


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """A `key`, a `key2` is one word; of what else fills it in, nothing is known."""
    parts = []
    for place, part in enumerate(_FIELD.split(template)):
        if place % 2:
            what = r"\S+?" if part.startswith("key") else ".+?"
            parts.append(f"(?P<{part}>{what})")
        else:
            parts.append(re.escape(part))
    return re.compile("".join(parts), re.DOTALL)


def _table(name: str) -> dict[str, str]:
    table: dict[str, str] = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return table
