"""One step of the way to central, and what its failure means. Pure.

The words of a code are in `en.toml` and `zh.toml`: what was found, the cause with its evidence, the
remedy, each filled in with the facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from edge_agent.language import Words
from edge_agent.screen import BAD, GOOD, WARNING

# steps, in their order
INTERFACE: Final = "interface"
MODEM: Final = "modem"
ROUTE: Final = "route"
NAME: Final = "name"
CONNECT: Final = "connect"
PROXY: Final = "proxy"
TLS: Final = "tls"
CENTRAL: Final = "central"
CLOCK: Final = "clock"
BATCH: Final = "batch"
TRAFFIC: Final = "traffic"
NO_FACTS: Final[Mapping[str, str]] = {}


class Step(NamedTuple):
    """What a step found. `code` is empty where it is good; `facts` fill in the words.

    `note`: a key of the words for what was found where nothing is wrong; `took_ms` where it waited.
    """

    name: str
    light: str
    code: str = ""
    facts: Mapping[str, str] = NO_FACTS
    note: str = ""
    took_ms: int | None = None

    @property
    def ends_it(self) -> bool:
        """What follows would only fail by the same cause."""
        return self.light == BAD


class Told(NamedTuple):
    """A failure in words."""

    what: str
    cause: str
    remedy: str


def good(name: str, note: str, took_ms: int | None = None, **facts: str) -> Step:
    return Step(name, GOOD, "", facts, note, took_ms)


def bad(name: str, code: str, **facts: str) -> Step:
    return Step(name, BAD, code, facts)


def doubtful(name: str, code: str, **facts: str) -> Step:
    """It works, and somebody should look at it."""
    return Step(name, WARNING, code, facts)


def tell(code: str, facts: Mapping[str, str], words: Words) -> Told:
    """The three sentences of a code."""
    return Told(*(words(f"{code}.{part}", **facts) for part in ("what", "cause", "remedy")))


def note_of(step: Step, words: Words) -> str:
    """What a good step found, in one line."""
    return words(step.note, **step.facts) if step.note else ""
