"""The small language of faults, `late=0.01:300ms,bit=0.001,busy=20s/5s`, and what it says.

README.md has the words. A chance is a number 0..1, a duration has a unit (ms, s, m), and
`20s/5s` means the last 5 s of each 20 s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from protocols.registers.point import ORDERS

if TYPE_CHECKING:
    from protocols.registers.point import Order

_UNITS_MS: Final[Mapping[str, int]] = {"ms": 1, "s": 1_000, "m": 60_000}
_DURATION: Final = re.compile(r"([0-9]{1,7})(ms|s|m)")
_MOST: Final = 1 << 31


class FaultSpecError(ValueError):
    """A specification of faults that cannot be read; says which word and how it is written."""


class Every(NamedTuple):
    """The last `span_ms` of each `period_ms`."""

    period_ms: int
    span_ms: int

    def into_ms(self, now_ms: int) -> int | None:
        """How long it has been so; None where it is not so."""
        into = now_ms % self.period_ms - (self.period_ms - self.span_ms)
        return into if into >= 0 else None


class Chance(NamedTuple):
    """How likely, and how much of it (ms, bytes, or a code)."""

    share: float
    much: int


class Hole(NamedTuple):
    """Addresses that answer with an exception."""

    first: int
    last: int
    code: int


class Step(NamedTuple):
    """What is added to the totals each `period_ms`."""

    period_ms: int
    counts: int


class Change(NamedTuple):
    """Another order of the floats, from an instant on."""

    order: Order
    at_ms: int


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults of one device and its line; by default none."""

    silence: Every | None = None
    busy: Every | None = None
    vanish: Every | None = None
    frozen: Every | None = None
    lost: float = 0.0
    noise: float = 0.0
    bit: float = 0.0
    twice: float = 0.0
    cut: float = 0.0
    behind: float = 0.0
    foreign: float = 0.0
    late: Chance = Chance(0.0, 0)  # noqa: RUF009 - immutable
    gap: Chance = Chance(0.0, 0)  # noqa: RUF009 - immutable
    head: Chance = Chance(0.0, 0)  # noqa: RUF009 - immutable
    exception: Chance = Chance(0.0, 0)  # noqa: RUF009 - immutable
    delay: tuple[int, int] = (0, 0)
    hole: tuple[Hole, ...] = ()
    jump: Step | None = None
    order: Change | None = None
    drift: int = 0


def parse_faults(text: str) -> FaultPlan:
    """Raises FaultSpecError; an empty text is no fault at all."""
    plan = FaultPlan()
    for word in filter(None, text.split(",")):
        name, _equals, value = word.partition("=")
        if name not in _WORDS:
            raise FaultSpecError(f"{name[:40]!r} is no fault; known: {', '.join(_WORDS)}")
        form, parse = _WORDS[name]
        try:
            change: dict[str, Any] = {name: parse(value)}
        except ValueError as error:
            raise FaultSpecError(f"{word[:60]!r} must be written {name}={form}") from error
        plan = replace(plan, **change)
    return plan


def _chance(text: str) -> float:
    share = float(text)
    if not 0.0 <= share <= 1.0:
        raise ValueError(text)
    return share


def _duration_ms(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return int(found[1]) * _UNITS_MS[found[2]]


def _every(text: str) -> Every:
    period, span = map(_duration_ms, text.split("/"))
    if not 0 < span <= period:
        raise ValueError(text)
    return Every(period, span)


def _chance_of(parse: Callable[[str], int]) -> Callable[[str], Chance]:
    def parsed(text: str) -> Chance:
        share, much = text.split(":")
        return Chance(_chance(share), parse(much))

    return parsed


def _number(text: str) -> int:
    number = int(text)
    if not abs(number) < _MOST:
        raise ValueError(text)
    return number


def _code(text: str) -> int:
    code = int(text)
    if not 1 <= code <= 255:
        raise ValueError(text)
    return code


def _delay(text: str) -> tuple[int, int]:
    low, *high = map(_duration_ms, text.split("-"))
    if len(high) > 1 or (high and high[0] < low):
        raise ValueError(text)
    return (low, high[0] if high else low)


def _holes(text: str) -> tuple[Hole, ...]:
    addresses, _colon, code = text.partition(":")
    holes = []
    for part in addresses.split("+"):
        first, *last = map(int, part.split("-"))
        hole = Hole(first, last[0] if last else first, _code(code or "2"))
        if len(last) > 1 or not 0 <= hole.first <= hole.last <= 0xFFFF:
            raise ValueError(text)
        holes.append(hole)
    return tuple(holes)


def _jump(text: str) -> Step:
    period, counts = text.split(":")
    step = Step(_duration_ms(period), _number(counts))
    if step.period_ms == 0:
        raise ValueError(text)
    return step


def _order(text: str) -> Change:
    order, at = text.split("@")
    for known in ORDERS:
        if order == known:
            return Change(known, _duration_ms(at))
    raise ValueError(text)


def _drift(text: str) -> int:
    if not text.endswith("ppm"):
        raise ValueError(text)
    return _number(text.removesuffix("ppm"))


_WORDS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    "silence": ("PERIOD/SPAN, as 60s/10s", _every),
    "busy": ("PERIOD/SPAN, as 20s/5s", _every),
    "vanish": ("PERIOD/SPAN, as 60s/5s", _every),
    "frozen": ("PERIOD/SPAN, as 60s/10s", _every),
    "lost": ("CHANCE, as 0.01", _chance),
    "noise": ("CHANCE, as 0.01", _chance),
    "bit": ("CHANCE of each bit, as 0.001", _chance),
    "twice": ("CHANCE, as 0.01", _chance),
    "cut": ("CHANCE, as 0.01", _chance),
    "behind": ("CHANCE, as 0.01", _chance),
    "foreign": ("CHANCE, as 0.01", _chance),
    "late": ("CHANCE:DURATION, as 0.01:300ms", _chance_of(_duration_ms)),
    "gap": ("CHANCE:DURATION, as 0.1:30ms", _chance_of(_duration_ms)),
    "head": ("CHANCE:BYTES, as 0.1:2", _chance_of(_code)),
    "exception": ("CHANCE:CODE, as 0.01:4", _chance_of(_code)),
    "delay": ("DURATION or DURATION-DURATION, as 20ms-80ms", _delay),
    "hole": ("ADDRESS[-ADDRESS][+...][:CODE], as 4105-4106+4110:2", _holes),
    "jump": ("PERIOD:COUNTS, as 60s:1000", _jump),
    "order": ("ORDER@INSTANT, as CDAB@60s", _order),
    "drift": ("NUMBERppm, as 50ppm", _drift),
}
