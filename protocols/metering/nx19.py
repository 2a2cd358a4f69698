"""NX-19 mod: compression factor from the density at 20 degC, x_N2 and x_CO2, for old contracts.

GOST 30319.2-96 (section "NX19 mod.", Annex G.1 for examples): the reduced form of AGA NX-19 (1962).
Three things in use are called NX-19; this is the variant whose input is rho at 20 degC and
101.325 kPa. The one of PTB-A G 9, which asks for a heating value, and that of Herning and Wolowsky
are other formulas, and are not here.

The correlation has three branches. The term 2.0167 of the third (cold, above about 9 MPa) is often
lost in copies: z is then up to 19 % wrong, and no published example shows it.

Its K is a ratio to its own base, 20 degC and 101.325 kPa: K = z / z_c with the standard's own
parabola for z_c, not with z of the equation there (0.004 to 0.013 % more for usual gases, 0.04 % at
the edges). For another base the standard has no K. There the conversion takes z of the equation at
that base, as every other method does, and z_c has no part in it: the two are never mixed in one K,
at the price of a step by that much between a base of 20 degC and one beside it.

Only + - * /, square roots and `exact` are used, so z is the same number on every processor.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from protocols.metering.exact import cube_root, exp, power
from protocols.metering.refusal import NotConverged, OutOfRange
from protocols.metering.virial88 import outside

BASE_PRESSURE_PA: Final = 101_325.0
BASE_TEMPERATURE_K: Final = 293.15

# Stated range of the standard for p and T; of the gas, AGA NX-19's standard gravity method
# (G 0.55 to 0.75, N2 and CO2 to 15 %). It has no second, narrower range.
P_MPA: Final = (0.1, 12.0)
T_K: Final = (250.0, 340.0)
RHO_KG_M3: Final = (0.66, 0.905)
X_N2: Final = (0.0, 0.15)
X_CO2: Final = (0.0, 0.15)
PI_MAX: Final = 2.0  # the correlation's own ends
TAU: Final = (0.84, 1.40)
TAU_MIN_HIGH: Final = 0.88  # from PI_BRANCH on
PI_BRANCH: Final = 1.3
TAU_BRANCH: Final = 1.09

_ROOT: Final = 1.69 * 2.0 * math.sqrt(math.sqrt(2.0))  # 1.69 * 2^1.25


class Nx19Gas(NamedTuple):
    """Density in kg/m3 at 20 degC and 101.325 kPa (real gas), mole fractions."""

    rho_kg_m3: float
    x_n2: float
    x_co2: float


def checked(gas: Nx19Gas) -> Nx19Gas | OutOfRange:
    """The gas, if it is one for which the correlation was made."""
    return (
        outside("rho_20_kg_m3", gas.rho_kg_m3, RHO_KG_M3)
        or outside("x_n2", gas.x_n2, X_N2)
        or outside("x_co2", gas.x_co2, X_CO2)
        or gas
    )


def z_c(gas: Nx19Gas) -> float:
    """z at the method's own base, 20 degC and 101.325 kPa, by the standard's parabola."""
    rho, x_a, x_y = gas
    s = 0.0741 * rho - 0.006 - 0.063 * x_a - 0.0575 * x_y
    return 1.0 - s * s


def is_own_base(pressure_pa: float, temperature_k: float) -> bool:
    """Whether these are the base conditions of the method, to 0.1 Pa and 1 mK."""
    return (
        abs(pressure_pa - BASE_PRESSURE_PA) < 0.05
        and abs(temperature_k - BASE_TEMPERATURE_K) < 5e-4
    )


def z_of(gas: Nx19Gas, p: float, t: float) -> float | OutOfRange | NotConverged:
    """z of a checked gas at p (MPa, absolute) and t (K)."""
    if refused := outside("line_pressure_mpa", p, P_MPA) or outside("line_temperature_k", t, T_K):
        return refused
    rho, x_a, x_y = gas
    p_pk = 2.9585 * (1.608 - 0.05994 * rho + x_y - 0.392 * x_a)
    t_pk = 88.25 * (0.9915 + 1.759 * rho - x_y - 1.681 * x_a)
    p_a = 0.6714 * p / p_pk + 0.0147
    t_a = 0.71892 * t / t_pk + 0.0007
    lowest = TAU_MIN_HIGH if p_a >= PI_BRANCH else TAU[0]
    if not (p_a <= PI_MAX and lowest <= t_a <= TAU[1]):
        return NotConverged(
            f"NX-19 mod: reduced pressure {p_a:g} and temperature {t_a:g} lie outside the "
            f"correlation's {PI_MAX:g} and {lowest:g} to {TAU[1]:g}"
        )
    return _z(p_a, t_a)


def _z(p_a: float, t_a: float) -> float | NotConverged:
    """The real root of the correlation's cubic at reduced p_a and t_a."""
    t2 = t_a * t_a
    t_1 = t2 * t2 * t_a / (t2 * (6.60756 * t_a - 4.42646) + 3.22706)
    t_0 = (t2 * (1.77218 - 0.8879 * t_a) + 0.305131) * t_1 / (t2 * t2)
    b_1 = 2.0 * t_1 / 3.0 - t_0 * t_0
    b_0 = t_0 * (t_1 - t_0 * t_0) + 0.1 * t_1 * p_a * (_f(p_a, t_a - TAU_BRANCH) - 1.0)
    square = b_0 * b_0 + b_1 * b_1 * b_1
    cube = b_0 + math.sqrt(square) if square >= 0.0 else 0.0
    b_2 = cube_root(cube) if cube > 0.0 else math.inf
    root = b_1 / b_2 - b_2 + t_0
    if not root > 0.0:
        return NotConverged("NX-19 mod: the cubic has no positive root here")
    f_t = 1.0 + 0.00132 / (t2 * t_a * math.sqrt(math.sqrt(t_a)))  # T_a^3.25
    return f_t * f_t * 0.1 * p_a / root


def _f(p_a: float, d: float) -> float:
    """F(p_a, T_a) in its three branches, d = T_a - 1.09."""
    low = 75e-5 * power(p_a, 2.3)
    if d >= 0.0:
        s = math.sqrt(d)
        q = p_a * (2.17 - p_a + 1.4 * s)
        return low * exp(-20.0 * d) + 11e-4 * s * q * q
    low *= 2.0 - exp(20.0 * d)
    d2 = d * d
    if p_a < PI_BRANCH:
        return low + 1.317 * p_a * (1.69 - p_a * p_a) * d2 * d2
    odd = d * (0.03249 + 18.028 * d2)
    even = d2 * (2.0167 + d2 * (42.844 + 200.0 * d2))
    return low + 0.455 * (PI_BRANCH - p_a) * (_ROOT - p_a * p_a) * (odd + even)
