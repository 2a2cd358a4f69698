"""One thing that is wrong: its code, where, and the figures that its words are filled in with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from edge_agent.screen import BAD, WARNING


class Area(StrEnum):
    """Where to look, in the order in which a technician does."""

    SITE = "site"
    CONFIGURATION = "configuration"
    BUS = "bus"
    DEVICE = "device"
    LINK = "link"
    DISK = "disk"
    CLOCK = "clock"


class Finding(NamedTuple):
    """The words of a code are in `en.toml` and `zh.toml`: what was found, the cause with its
    evidence, the remedy. `where`: a bus, device, run, path or host; "" where the area says it.
    """

    code: str
    light: str
    area: Area
    where: str
    facts: Mapping[str, str]


_ORDER: Final = tuple(Area)


def red(code: str, area: Area, where: str = "", **facts: object) -> Finding:
    """Something does not meter, or does not reach central."""
    return Finding(code, BAD, area, where, _texts(facts))


def yellow(code: str, area: Area, where: str = "", **facts: object) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(code, WARNING, area, where, _texts(facts))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Red ones first, then by area; each once."""
    once = {(one.code, one.area, one.where): one for one in reversed(tuple(findings))}
    return tuple(
        sorted(
            once.values(),
            key=lambda one: (one.light != BAD, _ORDER.index(one.area), one.where, one.code),
        )
    )


def _texts(facts: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in facts.items()}
