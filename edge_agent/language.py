"""What a command says, in English and in Chinese (the trade's own terms).

A folder with words has `en.toml` and `zh.toml`, the same keys in both.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path


class Words:
    """One language: ``words("gateway")``; ``words("p.received", time=...)`` fills in."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = table

    def __call__(self, key: str, **values: object) -> str:
        """The words of a key; KeyError where it is missing, since that is a fault of the code."""
        text = self._table[key]
        return text.format(**values) if values else text

    def get(self, key: str, other: str) -> str:
        """The words of a key that may be missing."""
        return self._table.get(key, other)


def load_words(package: str, *, chinese: bool) -> Words:
    """The words of a folder such as ``edge_agent.verify``, in one language."""
    return Words(load_table(package, "zh" if chinese else "en"))


def load_table(package: str, language: str) -> dict[str, str]:
    """All keys of a folder in a language, "en" or "zh", with their words."""
    # by the file itself: `importlib.resources` costs as much as all else that is done here
    place = Path(str(import_module(package).__file__)).with_name(f"{language}.toml")
    table: dict[str, str] = tomllib.loads(place.read_text(encoding="utf-8"))
    return table
