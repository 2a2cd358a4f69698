"""A heating value with its reference, and what becomes of it at another reference.

A figure alone says nothing: 36.6 MJ/m3 as superior at 25/0, 34.1 at 20/20 and 33.1 as inferior at
25/0 are one gas. So it travels with its reference conditions, its kind and its state, and every
conversion asks for all of them.

With a composition the conversion is ISO 6976's own: H(to) = H(from) h(to) / h(from), h worked out.
Without one it is the mean of that ratio over the six pipeline gases of ISO 12213-2, returned with
the lowest and highest of the six and never as a plain `HeatingValue`. Superior 20/20 to 25/0 is
1.0733 (1.0731 to 1.0734): the 7 % by which a contract's figure is wrong where SGERG asks for 25/0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from protocols.metering.iso6976 import Mixture, Properties, properties
from protocols.metering.reference import Reference
from protocols.metering.refusal import OutOfRange
from protocols.metering.sample_gases import SAMPLE

# Exact by definition. The calorie is the international table's (4.1868 J), as in China's gas
# contracts; kcal_th is the thermochemical one (4.184 J). 1 Btu = 4.1868 J x 453.59237 / 1.8.
_CUBIC_FOOT: Final = Fraction("0.3048") ** 3
_BTU: Final = Fraction("4.1868") * Fraction("453.59237") / Fraction("1.8")
MJ_PER_UNIT: Final = {
    "MJ/m3": Fraction(1),
    "kJ/m3": Fraction(1, 10**3),
    "J/m3": Fraction(1, 10**6),
    "kWh/m3": Fraction("3.6"),
    "kcal/m3": Fraction("0.0041868"),
    "kcal_th/m3": Fraction("0.004184"),
    "Btu/ft3": _BTU / 10**6 / _CUBIC_FOOT,
}
# From a lean blast of low-grade gas to pure butane; beyond it the unit is wrong.
MJ_M3: Final = (1.0, 150.0)


class Kind(StrEnum):
    """Superior (gross): the water of combustion condensed; inferior (net): as vapour."""

    SUPERIOR = "superior"
    INFERIOR = "inferior"


class State(StrEnum):
    """Whether the cubic metre is one of the real or of the ideal gas."""

    REAL = "real"
    IDEAL = "ideal"


class HeatingValue(NamedTuple):
    """MJ in a cubic metre at `reference`."""

    mj_m3: float
    reference: Reference
    kind: Kind
    state: State

    def __str__(self) -> str:
        ideal = " (ideal gas)" if self.state is State.IDEAL else ""
        return f"{self.mj_m3:.4f} MJ/m3 {self.kind} at {self.reference}{ideal}"


class Approximate(NamedTuple):
    """A conversion without a composition: the mean of the sample, its lowest and its highest."""

    mean: HeatingValue
    low_mj_m3: float
    high_mj_m3: float

    def __str__(self) -> str:
        return f"about {self.mean} ({self.low_mj_m3:.4f} to {self.high_mj_m3:.4f})"


class Ratio(NamedTuple):
    """A factor between two references over the sample of gases."""

    mean: float
    low: float
    high: float


class UnitFault(NamedTuple):
    """A unit that no heating value is given in."""

    unit: str

    def __str__(self) -> str:
        return f"{self.unit!r} is no unit of a heating value; known: {', '.join(MJ_PER_UNIT)}"


def stated(
    value: float, unit: str, reference: Reference, kind: Kind, state: State
) -> HeatingValue | OutOfRange | UnitFault:
    """The heating value that somebody states, in whatever unit."""
    if unit not in MJ_PER_UNIT:
        return UnitFault(unit)
    mj_m3 = to_mj_m3(value, unit) if math.isfinite(value) else value
    if not MJ_M3[0] <= mj_m3 <= MJ_M3[1]:
        return OutOfRange("heating_value_mj_m3", mj_m3, *MJ_M3)
    return HeatingValue(mj_m3, reference, kind, state)


def to_mj_m3(value: float, unit: str) -> float:
    """A finite value in `unit` as MJ/m3; exact but for one rounding. Raises KeyError."""
    return float(Fraction(value) * MJ_PER_UNIT[unit])


def from_mj_m3(value: float, unit: str) -> float:
    """A finite value in MJ/m3 as `unit`; exact but for one rounding. Raises KeyError."""
    return float(Fraction(value) / MJ_PER_UNIT[unit])


def of_mixture(
    mixture: Mixture, reference: Reference, kind: Kind, state: State
) -> HeatingValue | OutOfRange:
    """The heating value of a composition, by ISO 6976."""
    found = properties(mixture, reference)
    if isinstance(found, OutOfRange):
        return found
    return HeatingValue(_mj_m3(found, kind, state), reference, kind, state)


def converted(
    value: HeatingValue, reference: Reference, kind: Kind, state: State, mixture: Mixture
) -> HeatingValue | OutOfRange:
    """The same gas's heating value at another reference, by its composition."""
    here = of_mixture(mixture, value.reference, value.kind, value.state)
    there = of_mixture(mixture, reference, kind, state)
    if isinstance(here, OutOfRange):
        return here
    if isinstance(there, OutOfRange):
        return there
    if not here.mj_m3 > 0.0:
        return OutOfRange("heating_value_mj_m3", here.mj_m3, *MJ_M3)
    return there._replace(mj_m3=value.mj_m3 * (there.mj_m3 / here.mj_m3))


def approximately(
    value: HeatingValue, reference: Reference, kind: Kind, state: State
) -> Approximate | OutOfRange:
    """The same without a composition: for pipeline natural gas, and marked with its spread."""
    here, there = (value.reference, value.kind, value.state), (reference, kind, state)
    ratio = _ratio_over_sample(
        [(properties(gas, here[0]), properties(gas, reference)) for gas in SAMPLE.values()],
        lambda one, other: _mj_m3(other, kind, state) / _mj_m3(one, *here[1:]),
    )
    if isinstance(ratio, OutOfRange):
        return ratio
    low, high = value.mj_m3 * ratio.low, value.mj_m3 * ratio.high
    return Approximate(HeatingValue(value.mj_m3 * ratio.mean, *there), low, high)


def relative_density_ratio(here: Reference, there: Reference) -> Ratio | OutOfRange:
    """d(there) / d(here) without a composition: 1.0002 to 1.0005 from 20 to 0 degC."""
    return _ratio_over_sample(
        [(properties(gas, here), properties(gas, there)) for gas in SAMPLE.values()],
        lambda one, other: other.d / one.d,
    )


def _ratio_over_sample(
    found: Sequence[tuple[Properties | OutOfRange, Properties | OutOfRange]],
    ratio: Callable[[Properties, Properties], float],
) -> Ratio | OutOfRange:
    ratios = []
    for here, there in found:
        if isinstance(here, OutOfRange):
            return here
        if isinstance(there, OutOfRange):
            return there
        ratios.append(ratio(here, there))
    return Ratio(math.fsum(ratios) / len(ratios), min(ratios), max(ratios))


def _mj_m3(found: Properties, kind: Kind, state: State) -> float:
    superior, inferior = (
        (found.hs_mj_m3, found.hi_mj_m3)
        if state is State.REAL
        else (found.hs_ideal_mj_m3, found.hi_ideal_mj_m3)
    )
    return superior if kind is Kind.SUPERIOR else inferior
