"""What the script of a commissioning asks: questions to the person, looks at the world. Pure.

The script is a generator: it yields a step and is sent the answer (a text) or what was seen. So it
is run again from its beginning for each question, which makes going back, resuming and a file of
answers the same thing: other answers.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, NamedTuple

from edge_agent.commission.answers import Key

NONE: Final = "-"
"""The answer for "there is none", where that is allowed."""
AGAIN: Final = "again"
"""The answer that forgets what was seen, so that it is looked at anew."""
GO_ON: Final = "go on"
"""The answer that leaves it as it is."""
YES, NO = "yes", "no"


class BadAnswer(ValueError):  # noqa: N818 - what it is is the name
    """An answer that cannot be read; `words` is the key of what is said, `values` fills it in."""

    def __init__(self, words: str, **values: object) -> None:
        super().__init__(words)
        self.words = words
        self.values = values


class Choice(NamedTuple):
    """One of several answers; `about`: what it is, in words or as found."""

    answer: str
    about: str = ""


class Look(NamedTuple):
    """Something to be seen: `what` by the table in `sight.py`, of `where`."""

    what: str
    where: tuple[Any, ...] = ()


class Question(NamedTuple):
    """One question.

    `words`: the key of its text, whose explanation is `<words>.why`. `fields`: those of
    gateway.toml whose faults are this answer's; "{}" in one is the answer. `takes` makes of what
    was typed the answer, or raises BadAnswer. `open_choice`: others than the choices are taken too.
    `quiet`: not asked where there is a default, but a file may answer it. `can_wait`: a file need
    not answer it, because the instrument tells it. `names`: the answer is the name of a new table
    of this kind (device, gas).
    """

    key: Key
    words: str
    default: str | None = None
    fields: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    open_choice: bool = False
    values: Mapping[str, object] = {}
    takes: Callable[[str], str] = str
    quiet: bool = False
    secret: bool = False
    can_wait: bool = False
    names: str = ""
    forgets: tuple[Look, ...] = ()

    @property
    def part(self) -> str:
        """The part of the wizard that it stands in: site, central, bus ..."""
        return self.words.partition(".")[0]


class Note(NamedTuple):
    """Something to be told before the next question."""

    words: str
    values: Mapping[str, object] = {}


Step = Question | Look | Note
Script = Generator[Step, Any, None]


def yes_no(key: Key, words: str, default: str | None, **values: object) -> Question:
    """A question that is answered by yes or no."""
    choices = (Choice(YES), Choice(NO))
    return Question(key, words, default, choices=choices, values=values)
