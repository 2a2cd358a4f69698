"""GERG-2008: compression factor of natural gas from its 21 mole fractions.

ISO 20765-2:2015 and AGA Report No. 8 Part 2:2017; first in O. Kunz, W. Wagner, J. Chem. Eng. Data
57 (2012) 3032-3091. With delta = rho / rho_r(x), tau = T_r(x) / T, rho in mol/dm3, T in K, p in
kPa and R in kPa dm3/(mol K):

    (1) p = rho R T Z,    Z = 1 + delta d(alpha_r)/d(delta)
    (2) alpha_r = sum_i x_i alpha_r_oi(delta, tau) + sum_(i<j) x_i x_j F_ij alpha_r_ij(delta, tau)
    (3) 1/rho_r = sum_i x_i^2 / rho_c,i + sum_(i<j) 2 x_i x_j beta_v gamma_v (x_i + x_j)
                  / (beta_v^2 x_i + x_j) * (rho_c,i^(-1/3) + rho_c,j^(-1/3))^3 / 8
    (4) T_r     = sum_i x_i^2 T_c,i + sum_(i<j) 2 x_i x_j beta_T gamma_T (x_i + x_j)
                  / (beta_T^2 x_i + x_j) * sqrt(T_c,i T_c,j)

The symbols are the standard's; the numbers are this file's, its text was not at hand.

Every term of alpha_r_oi and alpha_r_ij is n delta^d tau^t exp(-eta delta^c - beta' delta) once the
exponential's constant is part of n: a pure substance's has eta = 1, beta' = 0, a departure
function's exp(-eta (delta - eps)^2 - beta (delta - gamma)) has c = 2, beta' = beta - 2 eta eps. So
the terms of all components that share exponents are added up once a composition (`gerg_gas`), those
that share d and the exponential once a temperature, and few are left for each density.

Nothing is remembered between calls, and nothing but + - * /, square roots and `exact` is used, so Z
is the same number on every processor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from protocols.metering.composition import COMPONENTS, Composition, is_whole
from protocols.metering.condensation import condenses
from protocols.metering.exact import cube_root, exp, log
from protocols.metering.gas_branch import Point, density_of_gas
from protocols.metering.gerg2008_pairs import DEPARTURE, EPSILON, GAMMA, REDUCING
from protocols.metering.gerg2008_table import PURE, R
from protocols.metering.limits import Limits
from protocols.metering.mixture_range import P_LOWEST_KPA, PIPELINE, Range, outside
from protocols.metering.refusal import NotConverged, OutOfRange

_NO_INTERACTION: Final = (1.0, 1.0, 1.0, 1.0)

# An exponent t is a whole number and a part: 0..7 are eighths, all that pure substances need and
# square roots give; 8..27 are twentieths, the departure functions'.
_Exponent = tuple[int, int]
_Terms = tuple[tuple[float, int], ...]  # n, position of t in the gas's exponents
_Factor = tuple[int, float, float]  # c, eta, beta' of exp(-eta delta^c - beta' delta)
_Row = tuple[tuple[int, float], ...]  # d, a: a delta^d
_POLYNOMIAL: Final[_Factor] = (0, 0.0, 0.0)


class GergGas(NamedTuple):
    """All that depends on the composition alone; M in g/mol, rho_r in mol/dm3, T_r in K."""

    fractions: tuple[float, ...]
    molar_mass: float
    rho_r: float
    t_r: float
    exponents: tuple[_Exponent, ...]
    groups: tuple[tuple[_Factor, tuple[tuple[int, _Terms], ...]], ...]


class State(NamedTuple):
    """Pressure in kPa and compression factor."""

    p_kpa: float
    z: float


# The extended range of the equation: it is proven from 90 to 450 K and up to 35 MPa, and may be
# used in this one. No limits of single components are known that it would need. PIPELINE is the
# gas for which every composition method claims 0.1 %.
EXTENDED: Final = Range((P_LOWEST_KPA, 70_000.0), (60.0, 700.0))
RANGES: Final = {Limits.PIPELINE: PIPELINE, Limits.PROGRAM: EXTENDED}


def z_gerg(
    composition: Composition, p_kpa: float, t_k: float, limits: Limits = Limits.PROGRAM
) -> float | OutOfRange | NotConverged:
    """Z of a gas of this composition at p (kPa, absolute) and T (K)."""
    return z_of(gerg_gas(composition), p_kpa, t_k, limits)


def z_of(
    gas: GergGas, p_kpa: float, t_k: float, limits: Limits = Limits.PROGRAM
) -> float | OutOfRange | NotConverged:
    """Z at p (kPa, absolute) and T (K), both inside the chosen range."""
    return z_within(gas, p_kpa, t_k, RANGES[limits])


def z_within(
    gas: GergGas, p_kpa: float, t_k: float, allowed: Range, *, even_supersaturated: bool = False
) -> float | OutOfRange | NotConverged:
    """Z = p / (rho R T) with the density of the gas, never a liquid's and never the ideal gas's."""
    if refused := outside(allowed, gas.fractions, p_kpa, t_k):
        return refused
    isotherm = _isotherm(gas, t_k)
    zero = isotherm.zero()
    pressure = p_kpa / (gas.rho_r * R * t_k)
    delta = density_of_gas(isotherm.point, zero, pressure)
    if delta is None:
        return NotConverged(f"GERG-2008: no density of the gas at {p_kpa:g} kPa and {t_k:g} K")
    if not even_supersaturated and condenses(isotherm.point, zero, delta, pressure):
        return NotConverged(f"GERG-2008: the gas condenses at {p_kpa:g} kPa and {t_k:g} K")
    return pressure / delta


def state_of(gas: GergGas, rho: float, t_k: float) -> State:
    """p and Z at a molar density (mol/dm3) and T (K), on whatever branch; no range is checked."""
    point = _isotherm(gas, t_k).point(rho / gas.rho_r)
    return State(point.pressure * gas.rho_r * R * t_k, point.pressure / point.delta)


def gerg_gas(composition: Composition) -> GergGas:
    """Reducing functions and merged terms; a ValueError if the fractions are none of a gas."""
    if not is_whole(composition):
        raise ValueError(f"no composition: {composition.fractions}")
    present = [
        (name, x) for name, x in zip(COMPONENTS, composition.fractions, strict=True) if x > 0.0
    ]
    rho_r, t_r = _reducing(present)
    merged: dict[_Factor, dict[int, dict[_Exponent, float]]] = {}
    for factor, d, t, n in _terms(present):
        row = merged.setdefault(factor, {}).setdefault(d, {})
        exponent = _exponent(t)
        row[exponent] = row.get(exponent, 0.0) + n
    rows = [row for by_d in merged.values() for row in by_d.values()]
    exponents = tuple(sorted({exponent for row in rows for exponent in row}))
    position = {exponent: i for i, exponent in enumerate(exponents)}
    groups = tuple(
        (factor, tuple(
            (d, tuple((n, position[exponent]) for exponent, n in sorted(row.items())))
            for d, row in sorted(by_d.items())
        ))
        for factor, by_d in sorted(merged.items())
    )  # fmt: skip
    molar_mass = math.fsum(x * PURE[name].m for name, x in present)
    return GergGas(composition.fractions, molar_mass, rho_r, t_r, exponents, groups)


def _reducing(present: list[tuple[str, float]]) -> tuple[float, float]:
    """Equations 3 and 4: rho_r in mol/dm3 and T_r in K."""
    v_r = t_r = 0.0
    for i, (first, x) in enumerate(present):
        v_r += x * x / PURE[first].rho_c
        t_r += x * x * PURE[first].t_c
        v_third = cube_root(1.0 / PURE[first].rho_c)
        for second, y in present[i + 1 :]:
            beta_v, gamma_v, beta_t, gamma_t = REDUCING.get((first, second), _NO_INTERACTION)
            both = 2.0 * x * y * (x + y)
            sides = v_third + cube_root(1.0 / PURE[second].rho_c)
            v_r += both * beta_v * gamma_v / (beta_v * beta_v * x + y) * sides * sides * sides / 8.0
            t_r += (
                both * beta_t * gamma_t / (beta_t * beta_t * x + y)
                * math.sqrt(PURE[first].t_c * PURE[second].t_c)
            )  # fmt: skip
    return 1.0 / v_r, t_r


def _terms(present: list[tuple[str, float]]) -> Iterator[tuple[_Factor, int, float, float]]:
    """Equation 2: exponential, d, t and coefficient of each term of alpha_r."""
    for i, (first, x) in enumerate(present):
        pure = PURE[first]
        for (d, t, c), n in zip(pure.exponents, pure.n, strict=True):
            yield (_factor(c, 1.0, 0.0) if c else _POLYNOMIAL), d, t, x * n
        for second, y in present[i + 1 :]:
            if departure := DEPARTURE.get((first, second)):
                for n, d, t, eta, beta in departure.terms:
                    coefficient = x * y * departure.f * n
                    if eta or beta:
                        coefficient *= exp(beta * GAMMA - eta * EPSILON * EPSILON)
                        yield _factor(2, eta, beta - 2.0 * eta * EPSILON), d, t, coefficient
                    else:
                        yield _POLYNOMIAL, d, t, coefficient


def _factor(c: int, eta: float, beta: float) -> _Factor:
    """One name for one function: exp(-delta) may be written with c = 1 or without eta."""
    if c == 1:
        return 1, 0.0, eta + beta
    return (c, eta, beta) if eta else (1, 0.0, beta)


def _exponent(t: float) -> _Exponent:
    eighths = int(t * 8.0)
    if eighths == t * 8.0:
        return divmod(eighths, 8)
    whole, part = divmod(round(t * 20.0), 20)
    return whole, 8 + part


class _Isotherm(NamedTuple):
    """A gas at one temperature: what is left of alpha_r is a polynomial for each exponential."""

    groups: tuple[tuple[_Factor, _Row], ...]

    def zero(self) -> Point:
        """The point at rho = 0; B rho_r is the sum of the terms that are linear in delta."""
        b = 0.0
        for _factor, row in self.groups:
            for d, a in row:
                if d == 1:
                    b += a
        return Point(0.0, 0.0, 1.0, 2.0 * b)

    def point(self, delta: float) -> Point:
        """Equation 1: p / (rho_r R T) = delta (1 + delta alpha_r'), and its derivatives by delta.

        With D = delta d/d(delta) they are 1 + D alpha + D^2 alpha and (D^2 + D^3) alpha / delta.
        D alpha / delta etc. are summed here, D f = L f for f = exp(-eta delta^c - beta delta).
        """
        powers = [0.0, 1.0, delta]  # at d: delta^(d - 1)
        for _ in range(5):
            powers.append(powers[-1] * delta)
        d1 = d2 = d3 = 0.0
        for (c, eta, beta), row in self.groups:
            s0 = s1 = s2 = s3 = 0.0
            for d, a in row:
                term = a * powers[d]
                s0 += term
                term *= d
                s1 += term
                term *= d
                s2 += term
                s3 += term * d
            if c == 0:
                d1 += s1
                d2 += s2
                d3 += s3
                continue
            steep, flat = eta * powers[c] * delta, beta * delta
            f = exp(-(steep + flat))
            steep *= c
            l1 = -(steep + flat)  # L = D ln f
            steep *= c
            l2 = -(steep + flat)  # D L
            l3 = -(steep * c + flat)
            squares = l1 * l1 + l2
            d1 += f * (s1 + l1 * s0)
            d2 += f * (s2 + 2.0 * l1 * s1 + squares * s0)
            d3 += f * (s3 + 3.0 * (l1 * s2 + squares * s1) + (l1 * (squares + 2.0 * l2) + l3) * s0)
        return Point(delta, delta * (1.0 + delta * d1), 1.0 + delta * (d1 + d2), d2 + d3)


def _isotherm(gas: GergGas, t_k: float) -> _Isotherm:
    """The gas's terms with their powers of tau worked out."""
    tau = gas.t_r / t_k
    wholes = [1.0 / tau, 1.0]  # at whole + 1
    for _ in range(gas.exponents[-1][0]):
        wholes.append(wholes[-1] * tau)
    parts = _parts(tau)
    powers = [wholes[whole + 1] * parts[part] for whole, part in gas.exponents]
    groups = []
    for factor, rows in gas.groups:
        row = []
        for d, terms in rows:
            a = 0.0
            for n, position in terms:
                a += n * powers[position]
            row.append((d, a))
        groups.append((factor, tuple(row)))
    return _Isotherm(tuple(groups))


def _parts(tau: float) -> list[float]:
    """tau^(0/8) to tau^(7/8), then tau^(0/20) to tau^(19/20)."""
    half = math.sqrt(tau)
    quarter = math.sqrt(half)
    eighth = math.sqrt(quarter)
    parts = [1.0, eighth, quarter, quarter * eighth, half, half * eighth, half * quarter]
    parts.append(parts[6] * eighth)
    ln_tau = log(tau)
    parts.extend(exp(ln_tau * (k / 20.0)) for k in range(20))
    return parts
