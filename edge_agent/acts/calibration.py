"""Points of a calibration: a reference and the reading beside it, found before they are left. Pure.

Pressures are in kPa as the transmitter shows them (gauge or absolute), temperatures in degrees
Celsius. The limit is a share of the absolute pressure, or of the temperature in kelvin: this
program's own where the contract's is not given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from edge_agent.acts.fault import BadFigure
from edge_agent.acts.figures import ICE_POINT_C, plain
from edge_agent.acts.kept import PRESSURE, is_date
from protocols.evidence.statement import Value

LEAST_POINTS: Final = 3
MOST_POINTS: Final = 15
LIMITS: Final = {"pressure": Decimal("0.5"), "temperature": Decimal("0.2")}
FOUND: Final = "found"
LEFT: Final = "left"
_STEP: Final = Decimal("0.0001")


class Kind(NamedTuple):
    """What is calibrated: `what` is PRESSURE or TEMPERATURE; `atmosphere_kpa` is added to a gauge
    pressure for its limit, 0 for others; the limit in per cent.
    """

    what: str
    gauge: bool
    atmosphere_kpa: Decimal
    percent: Decimal

    @property
    def suffix(self) -> str:
        """The unit at the end of a field's name."""
        if self.what != PRESSURE:
            return "_c"
        return "_kpa_gauge" if self.gauge else "_kpa"

    @property
    def unit(self) -> str:
        """As a person reads it."""
        if self.what != PRESSURE:
            return "°C"
        return "kPa(g)" if self.gauge else "kPa"


class Point(NamedTuple):
    """What the reference instrument says, what the transmitter reads, how far it may be off."""

    reference: Decimal
    reading: Decimal
    allowed: Decimal

    @property
    def deviation(self) -> Decimal:
        return self.reading - self.reference

    @property
    def good(self) -> bool:
        return abs(self.deviation) <= self.allowed


class Instrument(NamedTuple):
    """The reference instrument, its certificate and until when that is good."""

    name: str
    certificate: str
    due: str


class Series(NamedTuple):
    """As found, and as left; `left` is empty where nothing was adjusted."""

    found: tuple[Point, ...]
    left: tuple[Point, ...]

    @property
    def last(self) -> tuple[Point, ...]:
        return self.left or self.found

    @property
    def good(self) -> bool:
        """As it is left."""
        return all(point.good for point in self.last)


def point_of(kind: Kind, reference: Decimal, reading: Decimal) -> Point:
    """With its limit."""
    if kind.what == PRESSURE:
        absolute = reference + (kind.atmosphere_kpa if kind.gauge else 0)
    else:
        absolute = reference + ICE_POINT_C
    allowed = (abs(absolute) * kind.percent / 100).quantize(_STEP).normalize()
    return Point(reference, reading, allowed)


def series(
    kind: Kind,
    found: Sequence[tuple[Decimal, Decimal]],
    left: Sequence[tuple[Decimal, Decimal]],
) -> Series:
    """Raises BadFigure: as found comes first, and each has three different references or more."""
    if left and not found:
        raise BadFigure("left_only")
    for name, points in ((FOUND, found), (LEFT, left)):
        if name == LEFT and not points:
            continue
        if len({reference for reference, _ in points}) < LEAST_POINTS:
            raise BadFigure(f"few_points_{name}", least=LEAST_POINTS)
        if len(points) > MOST_POINTS:
            raise BadFigure(f"many_points_{name}", most=MOST_POINTS)
    return Series(
        tuple(point_of(kind, *one) for one in found), tuple(point_of(kind, *one) for one in left)
    )


def check_instrument(instrument: Instrument, today: date) -> bool:
    """Whether its certificate is still good. Raises BadFigure for a date that is none."""
    if not is_date(instrument.due):
        raise BadFigure("date", option="--certificate-due", text=instrument.due[:40])
    return date.fromisoformat(instrument.due) >= today


def series_fields(kind: Kind, points: Series) -> list[tuple[str, Value]]:
    """As recorded."""
    fields: list[tuple[str, Value]] = []
    for name, phase in ((FOUND, points.found), (LEFT, points.left)):
        for number, point in enumerate(phase, 1):
            head = f"{name}.{number}"
            fields.append((f"{head}.reference{kind.suffix}", plain(point.reference)))
            fields.append((f"{head}.reading{kind.suffix}", plain(point.reading)))
            fields.append((f"{head}.deviation{kind.suffix}", plain(point.deviation)))
            fields.append((f"{head}.allowed{kind.suffix}", plain(point.allowed)))
        if phase:
            worst = max(phase, key=lambda point: abs(point.deviation) / (point.allowed or 1))
            fields.append((f"{name}.worst{kind.suffix}", plain(worst.deviation)))
            verdict = "within" if all(point.good for point in phase) else "outside"
            fields.append((f"{name}.verdict", verdict))
    return fields
