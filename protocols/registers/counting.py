"""Composites: from the raw integers of their parts to an exact count, and back for simulators."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from protocols.registers.composite import Composite, Part
from protocols.registers.point import FLOATS, Point
from protocols.registers.point_codec import decode, encode, exact_value, factor_value

MAX_COUNT: Final = 1 << 63


def count(
    composite: Composite, points: Mapping[str, Point], raws: Mapping[str, int | None]
) -> int | None:
    """The composite's count; None where a part has no value or the parts make no possible total."""
    total, rounded = Fraction(0), False
    for part in composite.parts:
        point = points[part.point]
        number = exact_value(point, raws[part.point])
        weight = _weight(part, points, raws)
        if number is None or weight is None:
            return None
        if part.below and not 0 <= number < Fraction(part.below):
            return None
        total += number * weight
        rounded |= point.type in FLOATS
        rounded |= bool(part.factor_point) and points[part.factor_point].type in FLOATS
    counts = total / Fraction(composite.resolution)
    if counts.denominator != 1 and not rounded:
        return None
    found, modulus = round(counts), composite.modulus
    if modulus is not None and counts < modulus == found:
        return 0  # the fraction of the last count was rounded up: the total begins again
    limit = MAX_COUNT if modulus is None else modulus
    return found if -MAX_COUNT <= found < limit else None


def split(
    composite: Composite,
    points: Mapping[str, Point],
    counts: int,
    factors: Mapping[str, float] | None = None,
) -> dict[str, int]:
    """Raw integers of the parts that show a count: for simulators, the inverse of `count`.

    `factors`: the numbers that the factor points show. ValueError where the parts cannot show it.
    """
    shown: dict[str, int | None] = {
        name: encode(points[name], number) for name, number in (factors or {}).items()
    }
    weighted = [(part, _weight(part, points, shown)) for part in composite.parts]
    rest = counts * Fraction(composite.resolution)
    raws: dict[str, int] = {}
    ordered = sorted(weighted, key=lambda one: one[1] or 0, reverse=True)
    for part, weight in ordered:
        if weight is None:
            raise ValueError(f"{composite.name}: {part.factor_point} gives no factor")
        point, value = points[part.point], rest / weight
        if part is not ordered[-1][0]:
            step = Fraction(point.scale)
            value = value // step * step
        raws[part.point] = encode(point, float(value) if point.type in FLOATS else _whole(value))
        rest -= (exact_value(point, raws[part.point]) or 0) * weight
    if count(composite, points, {**shown, **raws}) != counts:
        raise ValueError(f"{composite.name}: its parts cannot show {counts} counts")
    return raws


def _weight(
    part: Part, points: Mapping[str, Point], raws: Mapping[str, int | None]
) -> Fraction | None:
    """The part's weight times what its factor point tells."""
    weight = Fraction(part.weight)
    if not part.factor_point:
        return weight
    other = points[part.factor_point]
    factor = factor_value(part.factor, decode(other, raws.get(other.name)).number)
    return None if factor is None else weight * factor


def _whole(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
