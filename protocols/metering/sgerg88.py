"""SGERG-88 and SGERG-mod-H2: compression factor of natural gas from Hs, d, x_CO2 and x_H2.

ISO 12213-3:2006 / GB/T 17747.3-2011, Annex B; the extension to 30 % hydrogen is DVGW G 685-6:2024,
Annex H, and differs by data alone (`Variant`). x1 and H of `virial88.py` follow from heating value
and density at 0 degC and 101.325 kPa. For a given B_n both balances are linear in x1 and x1 H, so
only B_n is iterated.

Annex H has six edits: the lower limits of d and Hs (1, 2), two consistency tests dropped (3, 6), no
CO beside the hydrogen (4), another start of B_n (5), which cannot matter to a solution that is
iterated to its end and is not taken: without hydrogen both variants give the same bits. Its text
was not seen; the edits are from a public implementation that cites it, and no value is published.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocols.metering.limits import Limits
from protocols.metering.refusal import NotConverged, OutOfRange
from protocols.metering.virial88 import (
    M_CH_0,
    M_CH_1,
    M_CO,
    M_CO2,
    M_H2,
    M_N2,
    Mixture,
    Range,
    VirialGas,
    outside,
    second_virial,
    z_of,
)

T_N: Final = 273.15  # K
V_MN_IDEAL: Final = 22.414097  # m3/kmol at 0 degC, 101.325 kPa
RHO_N_AIR: Final = 1.292923  # kg/m3
H_H2, H_CO = 285.83, 282.98  # MJ/kmol at 25 degC

_MAX_ITERATIONS: Final = 50
_B_N_START: Final = -0.065  # m3/kmol
_B_N_TOLERANCE: Final = 1e-13


class SgergGas(NamedTuple):
    """Hs in MJ/m3 (combustion 25 degC, metering 0 degC, real gas), d at 0 degC, mole fractions."""

    hs_mj_m3: float
    relative_density: float
    x_co2: float
    x_h2: float


class Ranges(NamedTuple):
    """What a gas and its state may be; x_n2 and h are computed, `inert` is x_n2 + x_co2."""

    p_bar: Range
    t_k: Range
    hs_mj_m3: Range
    d: Range
    x_co2: Range
    x_h2: Range
    x_n2: Range
    inert: Range
    h: Range  # MJ/kmol


class Variant(NamedTuple):
    """One of the two methods."""

    name: str
    x_co_per_x_h2: float
    conflict_tests: bool  # d must exceed what the inert gases alone make of methane's 0.55
    pipeline: Ranges
    program: Ranges

    def ranges(self, limits: Limits) -> Ranges:
        return self.pipeline if limits is Limits.PIPELINE else self.program


_PROGRAM: Final = Ranges(
    p_bar=(0.0, 120.0),
    t_k=(250.15, 338.15),
    hs_mj_m3=(20.0, 48.0),
    d=(0.55, 0.90),
    x_co2=(0.0, 0.30),
    x_h2=(0.0, 0.10),
    x_n2=(-0.01, 0.50),
    inert=(-1.0, 0.50),
    # Not of the standard: all that SGERG-88's tests let pass lies in it. The extension has dropped
    # them, and without any a Z is found for a hydrocarbon far lighter than methane.
    h=(860.0, 1520.0),
)
SGERG_88: Final = Variant(
    name="SGERG-88",
    x_co_per_x_h2=0.0964,  # coke-oven gas
    conflict_tests=True,
    pipeline=Ranges(
        p_bar=(0.0, 100.0),  # 0.1 % up to 10 MPa, though the standard goes on to 12
        t_k=(263.0, 338.0),
        hs_mj_m3=(30.0, 45.0),
        d=(0.55, 0.80),
        x_co2=(0.0, 0.20),
        x_h2=(0.0, 0.10),
        x_n2=(-0.01, 0.20),
        inert=(-1.0, 0.40),
        h=_PROGRAM.h,
    ),
    program=_PROGRAM,
)
SGERG_MOD_H2: Final = Variant(
    name="SGERG-mod-H2",
    x_co_per_x_h2=0.0,
    conflict_tests=False,
    # 0.1 % is stated up to 26 bar; Hs and d are a pipeline gas's with 30 % of it replaced by H2
    pipeline=SGERG_88.pipeline._replace(
        p_bar=(0.0, 26.0), hs_mj_m3=(24.0, 45.0), d=(0.40, 0.80), x_h2=(0.0, 0.30)
    ),
    program=_PROGRAM._replace(hs_mj_m3=(6.0, 48.0), d=(0.06, 0.90), x_h2=(0.0, 0.30)),
)


def sgerg_gas(
    gas: SgergGas, variant: Variant = SGERG_88, limits: Limits = Limits.PROGRAM
) -> VirialGas | OutOfRange | NotConverged:
    """All that does not depend on p and T: the mixture, and where it may be used."""
    mixture = mixture_of(gas, variant, limits)
    if not isinstance(mixture, Mixture):
        return mixture
    ranges = variant.ranges(limits)
    return VirialGas(variant.name, mixture, ranges.p_bar, ranges.t_k)


def z_sgerg88(
    gas: SgergGas,
    p: float,
    t: float,
    variant: Variant = SGERG_88,
    limits: Limits = Limits.PROGRAM,
) -> float | OutOfRange | NotConverged:
    """Z of the gas at p (bar, absolute) and t (K)."""
    virial = sgerg_gas(gas, variant, limits)
    return z_of(virial, p, t) if isinstance(virial, VirialGas) else virial


def mixture_of(
    gas: SgergGas, variant: Variant = SGERG_88, limits: Limits = Limits.PROGRAM
) -> Mixture | OutOfRange | NotConverged:
    """The five components that have this heating value and density, or why there are none."""
    hs, d, x3, x4 = gas
    if refused := _refused(gas, variant, limits):
        return refused
    x5 = variant.x_co_per_x_h2 * x4
    rest = 1.0 - x3 - x4 - x5
    b_n = _B_N_START
    for _ in range(_MAX_ITERATIONS):
        v_mn = V_MN_IDEAL + b_n
        x1_h = hs * v_mn - x4 * H_H2 - x5 * H_CO
        known = M_N2 * rest + M_CO2 * x3 + M_H2 * x4 + M_CO * x5 + M_CH_1 * x1_h
        x1 = (known - d * RHO_N_AIR * v_mn) / (M_N2 - M_CH_0)
        if not x1 > 0.0:
            return NotConverged(
                f"{variant.name}: no hydrocarbon share fits this heating value and density"
            )
        mixture = Mixture(x1, rest - x1, x3, x4, x5, x1_h / x1)
        new_b_n = second_virial(mixture, T_N)
        if new_b_n is None:
            return NotConverged(f"{variant.name}: B11 B33 is negative at 0 degC")
        if abs(new_b_n - b_n) <= _B_N_TOLERANCE:
            return _consistent(mixture, d, variant, limits)
        b_n = new_b_n
    return NotConverged(f"{variant.name}: the iteration of B_n did not converge")


def _refused(gas: SgergGas, variant: Variant, limits: Limits) -> OutOfRange | None:
    """The limits of the inputs."""
    ranges = variant.ranges(limits)
    hs, d, x3, x4 = gas
    return (
        outside("hs_mj_m3", hs, ranges.hs_mj_m3)
        or outside("relative_density", d, ranges.d)
        or outside("x_co2", x3, ranges.x_co2)
        or outside("x_h2", x4, ranges.x_h2)
        or (_too_light(d, 0.0, x3, x4, ranges.d[1]) if variant.conflict_tests else None)
    )


def _consistent(
    mixture: Mixture, d: float, variant: Variant, limits: Limits
) -> Mixture | OutOfRange:
    """The standard's tests of the computed N2, and that the hydrocarbon is one."""
    ranges = variant.ranges(limits)
    x2, x3, x4 = mixture.x2, mixture.x3, mixture.x4
    return (
        outside("computed x_n2", x2, ranges.x_n2)
        or outside("computed x_n2 + x_co2", x2 + x3, ranges.inert)
        or (_too_light(d, x2, x3, x4, ranges.d[1]) if variant.conflict_tests else None)
        or outside("computed h", mixture.h, ranges.h)
        or mixture
    )


def _too_light(d: float, x2: float, x3: float, x4: float, most: float) -> OutOfRange | None:
    """d must exceed what the inert gases alone make of methane's 0.55."""
    least = 0.55 + 0.4 * x2 + 0.97 * x3 - 0.45 * x4
    return OutOfRange("relative_density", d, least, most) if not d > least else None
