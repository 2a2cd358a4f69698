"""What a command says, in English and in Chinese (the trade's own terms).

A folder with words has `en.toml` and `zh.toml`, the same keys in both.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

REWORDED: Final = (" ms", "..")  # of recorded English that people read in other words


class Words:
    """One language: ``words("gateway")``; ``words("p.received", time=...)`` fills in."""

    def __init__(self, table: Mapping[str, str], *, chinese: bool = False) -> None:
        self._table = table
        self._chinese = chinese

    def __call__(self, key: str, **values: object) -> str:
        """The words of a key; KeyError where it is missing, since that is a fault of the code."""
        text = self._table[key]
        return (
            text.format(**{name: self._value(one) for name, one in values.items()})
            if values
            else text
        )

    def said(self, text: str) -> str:
        """What was made as English text (a fault, an event's detail), in this language."""
        if not (" " in text if self._chinese else any(mark in text for mark in REWORDED)):
            return text  # without an import, which `status` would notice
        from edge_agent.sentences.spoken import spoken

        return spoken(text, chinese=self._chinese)

    def _value(self, value: object) -> object:
        return self.said(value) if isinstance(value, str) else value

    def get(self, key: str, other: str) -> str:
        """The words of a key that may be missing."""
        return self._table.get(key, other)


def load_words(package: str, *, chinese: bool) -> Words:
    """The words of a folder such as ``edge_agent.verify``, in one language."""
    return Words(load_table(package, "zh" if chinese else "en"), chinese=chinese)


def load_table(package: str, language: str) -> dict[str, str]:
    """All keys of a folder in a language, "en" or "zh", with their words."""
    # by the file itself: `importlib.resources` costs as much as all else that is done here
    place = Path(str(import_module(package).__file__)).with_name(f"{language}.toml")
    table: dict[str, str] = tomllib.loads(place.read_text(encoding="utf-8"))
    return table
