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

MAX_CHARS: Final = 4000  # of a line that is looked at
MAX_DIGITS: Final = 15
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
    """How a sentence is recognised: fixed pieces, and the names of what stands between them."""

    code: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def fixed(self) -> int:
        """Characters of its own."""
        return sum(map(len, self.pieces))


def spoken(text: str, *, chinese: bool) -> str:
    """The text as a person reads it; several lines, each by itself."""
    return "\n".join(_spoken(line, chinese=chinese, depth=0) for line in text.split("\n"))


def recognise(text: str, *, all_of_them: bool = True) -> Sentence | None:
    """The sentence that the text is, whole; of those that fit, the one that says most itself.

    `all_of_them`: not only those which people read in other words than the recorded ones.
    """
    for form in _forms(all_of_them=all_of_them):
        fields = _fields_of(form, text)
        if fields is not None:
            return Sentence(form.code, fields)
    return None


def _fields_of(form: _Form, text: str) -> dict[str, str] | None:
    """What fills the sentence in, each as short as can be; None where it is another one.

    By one pass and no regular expression: a hostile text must not take minutes.
    """
    first, *others = form.pieces
    if not text.startswith(first):
        return None
    fields, at = {}, len(first)
    for place, (name, piece) in enumerate(zip(form.names, others, strict=True), 1):
        is_last = place == len(others)
        end = len(text) - len(piece) if is_last else text.find(piece, at + 1)
        if end <= at or not text.startswith(piece, end) or not _fits(name, text[at:end]):
            return None
        fields[name] = text[at:end]
        at = end + len(piece)
    return fields if at == len(text) else None


def _fits(name: str, value: str) -> bool:
    """A `key`, a `key2` is one word, `..._ms` a number; the others are anything."""
    if name.startswith("key"):
        return not any(each.isspace() for each in value)
    if name.endswith("_ms"):
        return value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
    return True


def _spoken(text: str, *, chinese: bool, depth: int) -> str:
    """Itself, or behind the field or path that it is about, or two of them one after the other."""
    if depth > MAX_DEPTH or len(text) > MAX_CHARS:
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
        if name.endswith("_ms")
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
        parts = _FIELD.split(template)
        forms.append(_Form(code, tuple(parts[::2]), tuple(parts[1::2])))
    return tuple(sorted(forms, key=lambda form: -form.fixed))


def _table(name: str) -> dict[str, str]:
    table: dict[str, str] = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return table
