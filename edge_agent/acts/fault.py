"""Why an act cannot be done: a key of the words with what fills them in, so that it is told in the
language of whoever acts; as English where somebody writes it to a log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.language import load_words

if TYPE_CHECKING:
    from edge_agent.language import Words


class Fault(Exception):  # noqa: N818 - what was found is the name
    """Says what, where, and the remedy."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self._key = key
        self._values = values

    def told(self, words: Words) -> str:
        """In the language of the words."""
        return words(f"fault.{self._key}", **self._values)

    def __str__(self) -> str:
        return self.told(load_words("edge_agent.acts", chinese=False))


class NotDone(Fault):
    """The act cannot be done as it was asked for."""


class BadFigure(Fault):
    """No such figure."""
