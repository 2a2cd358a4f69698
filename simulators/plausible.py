"""What a device of any profile shows where nobody says otherwise: plausible, moving, decodable.

| kind | shows |
|---|---|
| counter, and every composite | a total that grows with the time, from a start drawn by the seed |
| gauge | a value usual for its unit, swinging by one part in a hundred |
| clock | the device's clock |
| setting, status | what the profile expects; else the first valid code; else 0 |

A point that scales others shows a constant; the text of a model number is the model's.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from protocols.registers.clock import encode_clock
from protocols.registers.codec import Value, decode, encode, encode_text, split
from protocols.registers.point import FLOATS, ORDERS, point_limits
from protocols.registers.point_codec import factor_value

if TYPE_CHECKING:
    from protocols.registers.clock import Clock
    from protocols.registers.composite import Composite
    from protocols.registers.point import Order, Point
    from protocols.registers.profile import Profile

RATE_PER_S: Final = 0.1  # of every total, in its own unit
_SWING: Final = 0.01
_PERIOD_S: Final = 300.0
_FACTORS: Final[Mapping[str, int]] = {"scale": 1, "decimals": 2, "exponent": -2}
_USUAL: Final = (
    # text in the unit, value
    ("mbar", 5000.0), ("bar", 5.0), ("MPa", 0.5), ("kPa", 500.0), ("hPa", 5000.0), ("Pa", 500e3),
    ("psi", 72.5), ("inH2O", 20.0), ("°C", 15.0), ("°F", 59.0), ("K", 288.15), ("%", 42.0),
    ("V", 3.6), ("mA", 12.0), ("/h", 420.0), ("/s", 0.12), ("/min", 7.0), ("/d", 10e3),
    ("m/s", 6.5), ("kg/m", 3.9), ("MJ", 38.0), ("Hz", 50.0), ("min", 5.0), ("s", 1.0),
)  # fmt: skip


def usual(unit: str) -> float | None:
    """A value that is usual for a unit of pressure, temperature, flow and so on."""
    return next((value for text, value in _USUAL if text in unit), None)


class Now(NamedTuple):
    """One instant of a device; the faults move its parts apart.

    `totals_ms` is the time that the totals believe, `jump` what was added to each of them since,
    `utc_ms` what its clock shows, `order` the order of its floats where that has been changed.
    """

    elapsed_ms: int
    totals_ms: int
    utc_ms: int
    jump: int = 0
    order: Order | None = None


_AT_FIRST: Final = Now(0, 0, 0)
_MOST_DIGITS: Final = 18
_COARSEST: Final = 10**6
_CENTURY_MS: Final = 946_684_800_000

Shows = Callable[[Now], int]
"""The raw integer of a point at an instant."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the user says of a point or composite: `start` (None: no value) and how it moves."""

    start: float | None
    per_s: float = 0.0
    text: str | None = None

    def at(self, elapsed_ms: int) -> float | None:
        """Whole where start and rate are."""
        if self.start is None:
            return None
        moved = self.start + self.per_s * elapsed_ms / 1000
        whole = isinstance(self.start, int) and moved == moved // 1
        return int(moved) if whole else moved


_NOTHING: Final[Mapping[str, Given]] = {}


class Plausible:
    """The raw integers of one device; the same profile, seed and instant give the same."""

    def __init__(self, profile: Profile, seed: int, given: Mapping[str, Given] = _NOTHING) -> None:
        """Raises ValueError where a point cannot show what was given."""
        if unknown := sorted(set(given) - set(profile.names)):
            raise ValueError(f"{', '.join(unknown)}: no point of {profile.id}")
        self._profile = profile
        self._seed = seed
        self._given = given
        self._points = {point.name: point for point in profile.points}
        self._shows: dict[str, Shows] = {}
        self._constants()
        for composite in profile.composites:
            self._composite(composite)
        if profile.clock is not None:
            self._clock(profile.clock)
        for name, point in self._points.items():
            if name in given:
                self._shows[name] = self._as_given(point, given[name])
                self.raw(name, _AT_FIRST)
            elif name not in self._shows:
                self._shows[name] = self._usual(point)

    def raw(self, name: str, now: Now) -> int:
        """What the point shows."""
        return self._shows[name](now)

    def _constants(self) -> None:
        """Settings that the profile expects, and the points that scale or name units."""
        profile = self._profile
        for name, value in profile.expected.items():
            self._shows[name] = _always(value)
        for point in profile.points:
            if point.factor_point:
                self._factor(point.factor, point.factor_point)
            if point.unit_point:
                self._shows.setdefault(point.unit_point, _always(point.units[0][0]))
        for composite in profile.composites:
            for part in composite.parts:
                if part.factor_point:
                    self._factor(part.factor, part.factor_point)
        if profile.order_point is not None:
            usual = next((p.order for p in profile.points if p.type in FLOATS), ORDERS[0])
            codes = {order: code for code, order in reversed([*profile.orders.items()])}
            first = next(iter(profile.orders))
            self._shows[profile.order_point] = lambda now: codes.get(now.order or usual, first)

    def _factor(self, rule: str, name: str) -> None:
        """A factor that its point can show."""
        if name in self._shows:
            return
        point = self._points[name]
        codes = [code for code, _ in point.values]
        number: float | None = _FACTORS[rule]
        if name in self._given:
            number = self._given[name].start
        elif codes and number not in codes:
            number = codes[0]
        elif point_limits(point)[0] == 0 and _FACTORS[rule] < 0:
            number = 0
        self._shows[name] = _always(encode(point, number))

    def _told(self, name: str) -> Value:
        """What a point that scales others shows, all the time."""
        return decode(self._points[name], self.raw(name, _AT_FIRST))

    def _composite(self, composite: Composite) -> None:
        """Its parts show one count together."""
        names = composite.part_points
        if any(name in self._shows or name in self._given for name in names):
            return
        points = self._points
        factors = {
            part.factor_point: self._told(part.factor_point).number or 0
            for part in composite.parts
            if part.factor_point
        }

        def exactly(count: int) -> Mapping[str, int]:
            return split(composite, points, count, factors)

        @lru_cache(maxsize=4)
        def parts(count: int) -> Mapping[str, int]:
            return _coarsely(exactly, count)

        counter = self._counter(composite, exactly)

        def show(name: str) -> Shows:
            return lambda now: parts(counter(now))[name]

        for name in names:
            self._shows[name] = show(name)

    def _counter(self, composite: Composite, exactly: Callable[[int], Mapping[str, int]]) -> Shows:
        """Its count by time; it wraps where the profile says, or where its parts are full."""
        full = (
            10**digits
            for digits in range(_MOST_DIGITS, 0, -1)
            if _succeeds(lambda n: _coarsely(exactly, int(n)), 10**digits - 1)
        )
        modulus = composite.modulus or next(full, 1)
        given = self._given.get(composite.name)
        if given is not None:
            exactly(int(given.at(0) or 0) % modulus)
            return lambda now: (int(given.at(now.totals_ms) or 0) + now.jump) % modulus
        a_day = int(RATE_PER_S * 86_400 / float(composite.resolution))
        start = self._drawn(composite.name, 10**5, 10**6)
        while start and not _succeeds(lambda n: _coarsely(exactly, int(n)), start + a_day):
            start //= 10
        per_s = RATE_PER_S / float(composite.resolution)
        return lambda now: (start + int(now.totals_ms * per_s / 1000) + now.jump) % modulus

    def _clock(self, clock: Clock) -> None:
        def show(name: str) -> Shows:
            def raw(now: Now) -> int:
                utc_ms = max(now.utc_ms, _CENTURY_MS)  # no clock here shows an earlier one
                moment = datetime.fromtimestamp(utc_ms / 1000, UTC).replace(tzinfo=None)
                return encode(self._points[name], encode_clock(clock, moment)[name])

            return raw

        for name in clock.points:
            if name in self._points:
                self._shows.setdefault(name, show(name))

    def _as_given(self, point: Point, given: Given) -> Shows:
        if given.text is not None:
            return _always(encode_text(point, given.text))
        total = point.kind == "counter"
        factor = self._factor_of(point)
        return lambda now: encode(
            point, given.at(now.totals_ms if total else now.elapsed_ms), factor
        )

    def _usual(self, point: Point) -> Shows:
        low, high = point_limits(point)
        if point.type.startswith("text"):
            length = int(point.type[4:])
            text = self._profile.model.encode("ascii", "replace").decode()[:length]
            return _always(encode_text(point, text))
        if point.values:
            return _always(point.values[0][0])
        if point.kind == "counter":
            return self._total(point)
        if point.kind == "gauge" and point.type != "bit" and not point.bits and not point.flags:
            return self._gauge(point)
        zero = 0 if low <= 0 <= high and 0 not in point.sentinels else high // 2
        return _always(zero)

    def _total(self, point: Point) -> Shows:
        """Whole numbers count by themselves, floats in their unit; both begin again in time."""
        start = self._drawn(point.name, 10**3, 10**4)
        if point.type in FLOATS:
            return lambda now: encode(point, start + now.totals_ms * RATE_PER_S / 1000 + now.jump)
        span = point_limits(point)[1] + 1
        if point.type.startswith("bcd"):
            span = int(10 ** int(point.type[3:]))
        bcd = point.type.startswith("bcd")

        def raw(now: Now) -> int:
            counts = (start + now.totals_ms // 1000 + now.jump) % span
            return int(str(counts), 16) if bcd else counts

        return raw

    def _gauge(self, point: Point) -> Shows:
        """The usual value of its unit, or as much of it as the type can hold."""
        unit = self._unit_of(point)
        number = usual(unit) or 50.0
        factor = self._factor_of(point)
        phase = self._drawn(point.name, 0, 628) / 100.0
        while number > 1e-3 and not _succeeds(
            lambda shown: encode(point, shown, factor), number * (1 + _SWING)
        ):
            number /= 10.0

        def raw(now: Now) -> int:
            turn = 2 * math.pi * now.elapsed_ms / 1000.0 / _PERIOD_S + phase
            shown = encode(point, number * (1 + _SWING * math.sin(turn)), factor)
            return shown + 1 if shown in point.sentinels else shown

        return raw

    def _unit_of(self, point: Point) -> str:
        if not point.unit_point:
            return point.unit
        told = self._told(point.unit_point).number
        return next((unit for code, unit in point.units if code == told), "")

    def _factor_of(self, point: Point) -> Fraction | None:
        if not point.factor_point:
            return None
        return factor_value(point.factor, self._told(point.factor_point).number)

    def _drawn(self, name: str, low: int, high: int) -> int:
        return random.Random(f"{self._seed}/{name}").randrange(low, high)


def _always(raw: int) -> Shows:
    return lambda _now: raw


def _coarsely(exactly: Callable[[int], Mapping[str, int]], count: int) -> Mapping[str, int]:
    """The parts of the count, or of the next lower one that has fewer digits than they can show."""
    step = 1
    while step < _COARSEST and not _succeeds(exactly, count // step * step):
        step *= 10
    return exactly(count // step * step)


def _succeeds(show: Callable[[Any], object], number: float) -> bool:
    """Whether a device could show the number at all."""
    try:
        show(number)
    except ValueError:
        return False
    return True
