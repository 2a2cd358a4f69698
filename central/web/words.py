"""The page's words in two languages, from language/en.toml and language/zh.toml."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

LANGUAGES = {"en": "English", "zh": "中文"}
DEFAULT = "en"
MAX_ACCEPTED = 20


class Words:
    """One language: `words("runs.title")`; `words("age.days", n=3)` fills in."""

    def __init__(self, language: str, table: Mapping[str, str]) -> None:
        self.language = language
        self._table = table

    def __call__(self, key: str, **values: object) -> str:
        """The words of a key; KeyError where it is missing, since that is a fault of the code."""
        text = self._table[key]
        return text.format(**values) if values else text

    def get(self, key: str) -> str | None:
        """The words of a key that may be missing."""
        return self._table.get(key)

    def keys(self) -> frozenset[str]:
        """All keys."""
        return frozenset(self._table)


def load_words() -> dict[str, Words]:
    """Both languages."""
    folder = files("central.web") / "language"
    return {
        language: Words(language, _flat(tomllib.loads((folder / f"{language}.toml").read_text())))
        for language in LANGUAGES
    }


def _flat(tables: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {f"{head}.{key}": text for head, table in tables.items() for key, text in table.items()}


def choose_language(asked: str | None, cookie: str | None, accepted: str | None) -> str:
    """What the address asks for, else what the reader chose before, else what the browser prefers.

    `accepted` is an Accept-Language header (RFC 9110, 12.5.4); malformed parts count for nothing.
    """
    for choice in (asked, cookie):
        if choice in LANGUAGES:
            return choice
    preferred: list[tuple[float, int, str]] = []
    for position, part in enumerate((accepted or "").split(",")[:MAX_ACCEPTED]):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and (weight := _weight(parameter)) > 0:
            preferred.append((-weight, position, language))
    return min(preferred)[2] if preferred else DEFAULT


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    if name.strip() != "q":
        return 0.0
    digits = value.strip()
    if not digits.replace(".", "", 1).isascii() or not digits.replace(".", "", 1).isdigit():
        return 0.0
    return min(float(digits), 1.0)
