"""The virial equation that SGERG-88, its hydrogen extension and AGA8 GROSS share.

ISO 12213-3:2006 / GB/T 17747.3-2011 Annex B; AGA Report No. 8 Part 1 (GROSS). A gas is five
components: 1 an equivalent hydrocarbon CH of molar heating value H, 2 N2, 3 CO2, 4 H2, 5 CO:

    Z = 1 + B rho + C rho^2,    p = R T rho Z

with rho in kmol/m3, B in m3/kmol, C in m6/kmol2, T in K, p in bar. The methods differ in how they
find the five components (`sgerg88.py`, `gross.py`) and in their limits; GROSS has no H2 and no CO.

Nothing is remembered between calls. Nothing but + - * / and the square root is used (all exact to
the last bit in IEEE 754; powers and library roots are not), so Z is the same number on every
processor, and central recomputes a gateway's interval to the last digit.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from protocols.metering.exact import cube_root
from protocols.metering.refusal import NotConverged, OutOfRange

R: Final = 0.0831451  # bar m3/(kmol K)
M_CH_0, M_CH_1 = -2.709328, 0.021062199  # kg/kmol: M1 = M_CH_0 + M_CH_1 H
M_N2, M_CO2, M_H2, M_CO = 28.0135, 44.010, 2.0159, 28.010  # kg/kmol

Range = tuple[float, float]
_Row = tuple[float, float, float]  # a0 + a1 T + a2 T^2

# Second virial coefficients, Table B.1
B11_H0: _Row = (-0.425468, 2.86500e-3, -4.62073e-6)
B11_H1: _Row = (8.77118e-4, -5.56281e-6, 8.81510e-9)
B11_H2: _Row = (-8.24747e-7, 4.31436e-9, -6.08319e-12)
B14: _Row = (-5.21280e-2, 2.71570e-4, -2.5e-7)
B15: _Row = (-6.87290e-2, -2.39381e-6, 5.18195e-7)
B22: _Row = (-0.144600, 7.40910e-4, -9.11950e-7)
B23: _Row = (-0.339693, 1.61176e-3, -2.04429e-6)
B24: Final = 0.012
B33: _Row = (-0.868340, 4.03760e-3, -5.16570e-6)
B44: _Row = (-1.10596e-3, 8.13385e-5, -9.87220e-8)
B55: _Row = (-0.130820, 6.02540e-4, -6.44300e-7)

# Third virial coefficients, Table B.2
C111_H0: _Row = (-0.302488, 1.95861e-3, -3.16302e-6)
C111_H1: _Row = (6.46422e-4, -4.22876e-6, 6.88157e-9)
C111_H2: _Row = (-3.32805e-7, 2.23160e-9, -3.67713e-12)
C222: _Row = (7.84980e-3, -3.98950e-5, 6.11870e-8)
C223: _Row = (5.52066e-3, -1.68609e-5, 1.57169e-8)
C233: _Row = (3.58783e-3, 8.06674e-6, -3.25798e-8)
C333: _Row = (2.05130e-3, 3.48880e-5, -8.37030e-8)
C444: _Row = (1.04711e-3, -3.64887e-6, 4.67095e-9)
C115: _Row = (7.36748e-3, -2.76578e-5, 3.43051e-8)

_MAX_ITERATIONS: Final = 50
_RHO_TOLERANCE: Final = 1e-12  # of rho; Newton squares it in the last step


class Mixture(NamedTuple):
    """Mole fractions x1 (CH), x2 (N2), x3 (CO2), x4 (H2), x5 (CO) and H in MJ/kmol."""

    x1: float
    x2: float
    x3: float
    x4: float
    x5: float
    h: float


class VirialGas(NamedTuple):
    """A mixture, the method that found it, and that method's range of p (bar, absolute) and T."""

    method: str
    mixture: Mixture
    p_bar: Range
    t_k: Range


def z_of(gas: VirialGas, p: float, t: float) -> float | OutOfRange | NotConverged:
    """Z = 1 + B rho + C rho^2 at p (bar, absolute) and t (K); Newton for rho from the ideal gas.

    A step beyond the densities of a gas ends it: a second root lies there, the liquid's.
    """
    method, mixture, p_bar, t_k = gas
    if refused := outside("line_pressure_bar", p, p_bar) or outside("line_temperature_k", t, t_k):
        return refused
    b, c = second_virial(mixture, t), third_virial(mixture, t)
    if b is None or c is None:
        return NotConverged(f"{method}: a virial cross coefficient has no real root here")
    rt = R * t
    rho, last_rho = p / rt, _end_of_gas(b, c)
    for _ in range(_MAX_ITERATIONS):
        slope = rt * (1.0 + rho * (2.0 * b + 3.0 * c * rho))
        if not slope > 0.0:
            break
        change = (rt * rho * (1.0 + rho * (b + c * rho)) - p) / slope
        rho -= change
        if not 0.0 <= rho <= last_rho:
            break
        if abs(change) <= _RHO_TOLERANCE * rho:
            return 1.0 + rho * (b + c * rho)
    return NotConverged(f"{method}: no density of the gas at {p:g} bar and {t:g} K")


def _end_of_gas(b: float, c: float) -> float:
    """The first density (kmol/m3) at which p no longer rises with rho, or infinity."""
    square = b * b - 3.0 * c
    if square < 0.0:
        return math.inf
    turn = math.sqrt(square) - b
    return 1.0 / turn if turn > 0.0 else math.inf


def second_virial(mixture: Mixture, t: float) -> float | None:
    """B of the mixture at t (K) in m3/kmol; None where B11 B33 has no real root."""
    x1, x2, x3, x4, x5, h = mixture
    b11 = _row(B11_H0, t) + h * (_row(B11_H1, t) + h * _row(B11_H2, t))
    b22, b33 = _row(B22, t), _row(B33, t)
    if b11 * b33 < 0.0:
        return None
    b12 = (0.72 + 1.875e-5 * (320.0 - t) * (320.0 - t)) * (b11 + b22) / 2.0
    b13 = -0.865 * math.sqrt(b11 * b33)
    return (
        x1 * x1 * b11 + 2.0 * x1 * (x2 * b12 + x3 * b13 + x4 * _row(B14, t) + x5 * _row(B15, t))
        + x2 * (x2 * b22 + 2.0 * x3 * _row(B23, t) + 2.0 * x4 * B24)
        + x3 * x3 * b33 + x4 * x4 * _row(B44, t) + x5 * x5 * _row(B55, t)
    )  # fmt: skip


def third_virial(mixture: Mixture, t: float) -> float | None:
    """C of the mixture at t (K) in m6/kmol2; None where a cross coefficient has no real root."""
    x1, x2, x3, x4, x5, h = mixture
    c111 = _row(C111_H0, t) + h * (_row(C111_H1, t) + h * _row(C111_H2, t))
    c222, c333, c444 = _row(C222, t), _row(C333, t), _row(C444, t)
    if min(c111, c222, c333, c444) < 0.0:
        return None
    # cbrt(a a b) = cbrt(a) cbrt(a) cbrt(b): four roots serve all six cross coefficients
    r1, r2, r3, r4 = cube_root(c111), cube_root(c222), cube_root(c333), cube_root(c444)
    n2_rule = 0.92 + 0.0013 * (t - 270.0)
    return (
        x1 * x1 * x1 * c111 + x2 * x2 * x2 * c222 + x3 * x3 * x3 * c333 + x4 * x4 * x4 * c444
        + 3.0 * x1 * r1 * x2 * r2 * n2_rule * (x1 * r1 + x2 * r2)
        + 3.0 * x1 * r1 * x3 * r3 * 0.92 * (x1 * r1 + x3 * r3)
        + 3.0 * x1 * x1 * x4 * r1 * r1 * r4 * 1.20
        + 3.0 * x1 * x1 * x5 * _row(C115, t)
        + 6.0 * x1 * x2 * x3 * r1 * r2 * r3 * 1.10
        + 3.0 * x2 * x3 * (x2 * _row(C223, t) + x3 * _row(C233, t))
    )  # fmt: skip


def _row(a: _Row, t: float) -> float:
    return a[0] + t * (a[1] + t * a[2])


def outside(field: str, value: float, limits: Range) -> OutOfRange | None:
    """The refusal of a value outside the closed range; NaN is outside of everything."""
    return None if limits[0] <= value <= limits[1] else OutOfRange(field, value, *limits)
