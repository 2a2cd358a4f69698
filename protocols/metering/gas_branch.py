"""The density of a gas at a pressure, by an equation of state that also has a liquid's.

Along an isotherm the pressure of a gas rises with its density from rho = 0 on. Below the critical
temperature it stops rising somewhere, falls, and rises again as a liquid's: the same pressure then
has other roots, each a plausible wrong Z. So the search starts at rho = 0 and walks the isotherm in
bounded steps, never over a density at which the pressure no longer rises; a pressure that the
branch does not reach has no answer. Supercritical isotherms rise all the way, however dense.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

_MAX_STEP: Final = 0.25  # of the reducing density; what hides between is found by `_rises`
_BEND: Final = 8.0  # second derivative of the slope where it is small, for any natural gas
_MAX_EVALUATIONS: Final = 100
_MAX_HALVINGS: Final = 9
_CLOSE: Final = 1e-6  # of the density: the next step, of third order, is exact to the last bits
_SAME: Final = 1e-12  # of the density: nothing lies between


class Point(NamedTuple):
    """A point of an isotherm, all reduced: density, pressure, its first and second derivative."""

    delta: float
    pressure: float
    slope: float
    curvature: float


Isotherm = Callable[[float], Point]


def density_of_gas(isotherm: Isotherm, zero: Point, pressure: float) -> float | None:
    """The reduced density at which the gas has this reduced pressure; None beyond its end.

    `zero` is the isotherm's point at rho = 0 (slope 1, curvature twice the second virial
    coefficient), `pressure` is above its 0.
    """
    low = here = zero  # low: on the gas branch, its pressure still too small
    ceiling = math.inf  # a density that is too dense, or no longer of the gas
    for _ in range(_MAX_EVALUATIONS):
        change = _step(here, pressure)
        if (
            abs(change) <= _CLOSE * here.delta
            and abs(change * here.curvature) <= _CLOSE * here.slope
        ):
            return here.delta + change
        delta = min(here.delta + change, low.delta + _MAX_STEP)
        if not low.delta < delta < ceiling:
            delta = 0.5 * (low.delta + min(ceiling, low.delta + _MAX_STEP))
        here = isotherm(delta)
        if not _rises(isotherm, low, here, _MAX_HALVINGS):
            ceiling, here = delta, low
            if low.pressure + _most(low, ceiling) < pressure:
                return None
        elif here.pressure < pressure:
            low = here
        else:
            ceiling = delta
        if ceiling - low.delta <= _SAME * low.delta:
            return None
    return None


def _most(low: Point, ceiling: float) -> float:
    """What the pressure can rise by at most from here to there."""
    width = ceiling - low.delta
    return width * (low.slope + width * (max(low.curvature, 0.0) + 0.5 * _BEND * width))


def _step(point: Point, pressure: float) -> float:
    """To where the parabola through the point has this pressure, or else to its apex."""
    missing = pressure - point.pressure
    root = point.slope * point.slope + 2.0 * point.curvature * missing
    if root < 0.0:
        return -point.slope / point.curvature
    return 2.0 * missing / (point.slope + math.sqrt(root))


def _rises(isotherm: Isotherm, a: Point, b: Point, halvings: int) -> bool:
    """Whether the slope stays positive from a, where it is, to b.

    The interval is halved until nothing can hide in it: a slope that bends by less than `_BEND` is
    off its chord by less than `_BEND` / 8 of the width squared, and a single minimum between is
    above the two tangents.
    """
    if not b.slope > 0.0:
        return False
    width = b.delta - a.delta
    least = min(a.slope, b.slope)
    if least > _BEND / 8.0 * width * width and _tangents_meet(a, b) > 0.5 * least:
        return True
    if halvings == 0:
        return False
    middle = isotherm(0.5 * (a.delta + b.delta))
    return _rises(isotherm, a, middle, halvings - 1) and _rises(isotherm, middle, b, halvings - 1)


def _tangents_meet(a: Point, b: Point) -> float:
    """The slope where its tangents at a and b meet; without a minimum, the lesser of the two."""
    if not a.curvature < 0.0 < b.curvature:
        return min(a.slope, b.slope)
    width = b.delta - a.delta
    meeting = (a.slope - b.slope + b.curvature * width) / (b.curvature - a.curvature)
    return a.slope + a.curvature * meeting
