"""What `edge-agent verify` says, in English and in Chinese (the trade's own terms)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files


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


def load_words(chinese: bool) -> Words:
    """The words of one language."""
    return Words(load_table("zh" if chinese else "en"))


def load_table(language: str) -> dict[str, str]:
    """All keys of a language, "en" or "zh", with their words."""
    text = (files("edge_agent.verify") / f"{language}.toml").read_text(encoding="utf-8")
    table: dict[str, str] = tomllib.loads(text)
    return table
