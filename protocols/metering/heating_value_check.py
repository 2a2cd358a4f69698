"""Is a stated heating value the gas's own at the reference that is stated with it?

The commonest error of a gas configuration is a true figure at a wrong reference: China's 20/20
value where SGERG-88 asks for 25/0 is 7 % low, and the inferior for the superior one 10 %. So when a
figure does not fit, every usual reading of it is tried, and the fault names both.

With a composition the check is sharp (0.1 % where nothing else is said). Two heating values of one
gas are compared by the mean ratio of their references (1 %). With d, x_CO2 and x_H2
only, the nitrogen stays free, and each reading implies one: by the balance of moles and masses of
ISO 12213-3, whose hydrocarbons have M = -2.709328 + 0.021062199 H (kg/kmol, MJ/kmol). One per cent
of Hs moves it by 0.6 mol-%. A reading that needs less than none is wrong. One that needs nitrogen
which another reading would explain away is `Undecided`: only a known x_N2 can tell. 25/0 and 0/0
(0.26 %), 20/20 and 25/20 (0.05 %) cannot be told apart in this way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from protocols.metering.heating_value import (
    HeatingValue,
    Kind,
    State,
    approximately,
    of_mixture,
    relative_density_ratio,
)
from protocols.metering.iso6976 import Mixture
from protocols.metering.iso6976_table import M_AIR, TABLE_1, TABLE_3, Z_AIR, R
from protocols.metering.reference import ATMOSPHERE_KPA, C25, REFERENCES, SGERG
from protocols.metering.refusal import OutOfRange

TOLERANCE: Final = 0.001
# Of two figures of one gas: more than analyses of a day differ, less than 15/15 from 20/20 (1.8 %)
SAME_GAS: Final = 0.01
ALIKE: Final = 0.001  # what a mean ratio is worth: of those alike the most usual is named
X_N2: Final = (-0.007, 0.30)  # what a gas can have, and a little less than nothing
# The balance is right within 0.1 mol-% where d is; CO, O2 and Ar count as nitrogen to it.
X_N2_TOLERANCE: Final = 0.01
# Readings nearer than this to another are the same figure to a balance of nitrogen.
DISTINCT: Final = 0.007
MOST_READINGS: Final = 3

_M_CH_0, _M_CH_1 = -2.709328, 0.021062199  # kg/kmol, kg/MJ
# Z of natural gas at 0 degC, 101.325 kPa lies within 0.0009 of this: 0.05 mol-% of nitrogen
_Z_N: Final = 0.9972
_V_MN: Final = R * 273.15 / ATMOSPHERE_KPA * _Z_N  # m3/kmol
_M_AIR_REAL: Final = M_AIR * _Z_N / Z_AIR[0]
_H_H2: Final = TABLE_3["hydrogen"][0][C25.column]  # MJ/kmol


class Reading(NamedTuple):
    """One way to read the figure, and what the gas says there: its value, or the N2 it implies."""

    value: HeatingValue
    expected_mj_m3: float | None
    x_n2: float | None

    def __str__(self) -> str:
        if self.expected_mj_m3 is not None:
            return (
                f"{self.value.kind} at {self.value.reference} "
                f"(the gas has {self.expected_mj_m3:.4f})"
            )
        return f"{self.value.kind} at {self.value.reference} ({self.x_n2:.1%} N2)"


class Consistent(NamedTuple):
    """The figure is the gas's own at the stated reference."""

    stated: Reading


class Inconsistent(NamedTuple):
    """It is not; `others` are the readings under which it would be, if there are any."""

    stated: Reading
    others: tuple[Reading, ...]

    def __str__(self) -> str:
        figure = f"{self.stated.value.mj_m3:.4f} MJ/m3"
        told = f"{figure} is not the gas's {self.stated}"
        if not self.others:
            return f"{told}, nor its value at any usual reference: correct it or the gas data"
        return f"{told}, but fits {_either(self.others)}: state it so, or convert it"


class Undecided(NamedTuple):
    """All of these readings are possible gases; the nitrogen decides."""

    stated: Reading
    others: tuple[Reading, ...]

    def __str__(self) -> str:
        return (
            f"{self.stated.value.mj_m3:.4f} MJ/m3 may be {self.stated} as stated, or else "
            f"{_either(self.others)}: give x_N2 or a composition"
        )


def check_by_composition(
    stated: HeatingValue, mixture: Mixture, tolerance: float = TOLERANCE
) -> Consistent | Inconsistent | OutOfRange:
    """Against the composition, by ISO 6976; `tolerance` is relative."""
    here = _expected(stated, mixture)
    if isinstance(here, OutOfRange):
        return here
    if _off(here) <= tolerance:
        return Consistent(here)
    others = [_expected(value, mixture) for value in _other_readings(stated)]
    fitting = [each for each in others if isinstance(each, Reading) and _off(each) <= tolerance]
    return Inconsistent(here, tuple(sorted(fitting, key=_off)[:1]))


def check_by_heating_value(
    stated: HeatingValue, known: HeatingValue, tolerance: float = SAME_GAS
) -> Consistent | Inconsistent | OutOfRange:
    """Against another heating value of the same gas, by the mean ratio of the pipeline gases."""
    here = _expected_by(stated, known)
    if isinstance(here, OutOfRange):
        return here
    if _off(here) <= tolerance:
        return Consistent(here)
    others = [_expected_by(value, known) for value in _other_readings(stated)]
    fitting = [each for each in others if isinstance(each, Reading) and _off(each) <= tolerance]
    nearest = min(map(_off, fitting), default=0.0)
    return Inconsistent(here, tuple(each for each in fitting if _off(each) <= nearest + ALIKE)[:1])


def check_by_density(
    stated: HeatingValue, d: float, x_co2: float, x_h2: float, x_n2: float | None = None
) -> Consistent | Inconsistent | Undecided | OutOfRange:
    """Against d (at the stated metering conditions), x_CO2, x_H2 and, where known, x_N2."""
    ratio = relative_density_ratio(stated.reference, SGERG)
    if isinstance(ratio, OutOfRange):
        return ratio
    d_0 = d * ratio.mean
    here = _implied(stated, d_0, x_co2, x_h2)
    if isinstance(here, OutOfRange):
        return here
    found = [_implied(value, d_0, x_co2, x_h2) for value in _other_readings(stated)]
    others = [each for each in found if isinstance(each, Reading) and _possible(each, x_n2)]
    if not _possible(here, x_n2):
        return Inconsistent(here, _usual(others, stated.kind))
    leaner = [each for each in others if _n2(each) < _n2(here) - DISTINCT]
    if x_n2 is not None or not leaner:
        return Consistent(here)
    return Undecided(here, _usual(leaner, stated.kind))


def implied_n2(hs_mj_m3: float, d: float, x_co2: float, x_h2: float) -> float:
    """x_N2 of a gas with this superior heating value at 25/0 and d at 0 degC; no CO, no O2."""
    rest = 1.0 - x_co2 - x_h2
    x_ch_h = hs_mj_m3 * _V_MN - x_h2 * _H_H2
    m_n2 = TABLE_1["nitrogen"][0]
    known = m_n2 * rest + TABLE_1["carbon_dioxide"][0] * x_co2 + TABLE_1["hydrogen"][0] * x_h2
    return rest - (known + _M_CH_1 * x_ch_h - d * _M_AIR_REAL) / (m_n2 - _M_CH_0)


def _other_readings(stated: HeatingValue) -> list[HeatingValue]:
    readings = [
        HeatingValue(stated.mj_m3, reference, kind, State.REAL)
        for reference in REFERENCES.values()
        for kind in Kind
    ]
    return [reading for reading in readings if reading != stated]


def _expected(value: HeatingValue, mixture: Mixture) -> Reading | OutOfRange:
    found = of_mixture(mixture, value.reference, value.kind, value.state)
    return found if isinstance(found, OutOfRange) else Reading(value, found.mj_m3, None)


def _expected_by(value: HeatingValue, known: HeatingValue) -> Reading | OutOfRange:
    found = approximately(known, value.reference, value.kind, value.state)
    return found if isinstance(found, OutOfRange) else Reading(value, found.mean.mj_m3, None)


def _off(reading: Reading) -> float:
    """How far the figure lies from the gas's value, relatively."""
    expected = reading.expected_mj_m3
    return abs(reading.value.mj_m3 / expected - 1.0) if expected else math.inf


def _implied(value: HeatingValue, d: float, x_co2: float, x_h2: float) -> Reading | OutOfRange:
    hs = approximately(value, SGERG, Kind.SUPERIOR, State.REAL)
    if isinstance(hs, OutOfRange):
        return hs
    return Reading(value, None, implied_n2(hs.mean.mj_m3, d, x_co2, x_h2))


def _n2(reading: Reading) -> float:
    return math.nan if reading.x_n2 is None else reading.x_n2


def _possible(reading: Reading, x_n2: float | None) -> bool:
    if x_n2 is None:
        return X_N2[0] <= _n2(reading) <= X_N2[1]
    return abs(_n2(reading) - x_n2) <= X_N2_TOLERANCE


def _usual(readings: Sequence[Reading], kind: Kind) -> tuple[Reading, ...]:
    """Those of the stated kind first; of several with the same nitrogen only the most usual."""
    chosen: list[Reading] = []
    for reading in sorted(readings, key=lambda each: each.value.kind is not kind):
        if all(abs(_n2(reading) - _n2(each)) > DISTINCT for each in chosen):
            chosen.append(reading)
    return tuple(chosen[:MOST_READINGS])


def _either(readings: Sequence[Reading]) -> str:
    return " or ".join(f"{reading}" for reading in readings)
