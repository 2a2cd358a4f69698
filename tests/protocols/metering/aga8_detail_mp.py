"""AGA8-DETAIL term by term as the standard writes it, in 50 digits: no grouping, no shortcuts."""

from __future__ import annotations

from collections.abc import Callable

import mpmath

from protocols.metering.aga8_detail_table import PAIRS, PURE, TERMS, Pair, R
from protocols.metering.composition import COMPONENTS, Composition

DIGITS = 50
Real = mpmath.mpf


def z_of_pressure(composition: Composition, p_kpa: float, t_k: float, near: float) -> Real:
    """Z at p (kPa) and T (K), of the density root nearest to that of `near`, a Z."""
    z_of_density = isotherm(composition, Real(t_k))
    ideal = Real(p_kpa) / (Real(R) * Real(t_k))
    rho = mpmath.findroot(
        lambda rho: rho * z_of_density(rho) - ideal,
        (ideal / Real(near), ideal / Real(near) * (1 + Real(10) ** -14)),
        solver="secant", tol=Real(10) ** -80,
    )  # fmt: skip
    return ideal / rho


def isotherm(composition: Composition, t: Real) -> Callable[[Real], Real]:
    """Z at T (K) as a function of molar density (mol/dm3) (equation 2 of aga8_detail)."""
    x = {
        name: Real(share)
        for name, share in zip(COMPONENTS, composition.fractions, strict=True)
        if share
    }
    k5, u5, g, q, f = _mixture(x)
    k3, u = mpmath.power(k5, Real(3) / 5), mpmath.root(u5, 5)
    b = _second_virial(x, t)
    c = {
        n: Real(term.a) * (g + 1 - term.g) ** term.g * (q * q + 1 - term.q) ** term.q
        * (f + 1 - term.f) ** term.f * mpmath.power(u / t, Real(term.u))
        for n, term in enumerate(TERMS, 1)
    }  # fmt: skip

    def z_of_density(rho: Real) -> Real:
        d = k3 * rho
        z = 1 + d * b / k3 - d * sum(c[n] for n in range(13, 19))
        for n in range(13, 59):
            term = TERMS[n - 1]
            power = d**term.k
            z += (
                c[n] * (term.b - term.c * term.k * power)
                * d**term.b * mpmath.exp(-term.c * power)
            )  # fmt: skip
        return z

    return z_of_density


def _pair(first: str, second: str) -> Pair:
    return PAIRS.get((first, second)) or PAIRS.get((second, first)) or Pair(1.0, 1.0, 1.0, 1.0)


def _mixture(x: dict[str, Real]) -> tuple[Real, Real, Real, Real, Real]:
    """K^5, U^5, G, Q and F."""
    half = Real(5) / 2
    k5 = sum(share * Real(PURE[i].k) ** half for i, share in x.items()) ** 2
    u5 = sum(share * Real(PURE[i].e) ** half for i, share in x.items()) ** 2
    g = sum(share * Real(PURE[i].g) for i, share in x.items())
    names = list(x)
    for a, i in enumerate(names):
        for j in names[a + 1 :]:
            pair, xx = _pair(i, j), x[i] * x[j]
            k5 += 2 * xx * (Real(pair.k) ** 5 - 1) * (Real(PURE[i].k) * Real(PURE[j].k)) ** half
            u5 += 2 * xx * (Real(pair.u) ** 5 - 1) * (Real(PURE[i].e) * Real(PURE[j].e)) ** half
            g += xx * (Real(pair.g) - 1) * (Real(PURE[i].g) + Real(PURE[j].g))
    q = sum(share * Real(PURE[i].q) for i, share in x.items())
    f = sum(share * share * Real(PURE[i].f) for i, share in x.items())
    return k5, u5, g, q, f


def _second_virial(x: dict[str, Real], t: Real) -> Real:
    """B in dm3/mol, over all ordered pairs."""
    b = Real(0)
    for i, x_i in x.items():
        for j, x_j in x.items():
            one, other, pair = PURE[i], PURE[j], _pair(i, j)
            root = mpmath.sqrt(Real(pair.e) * mpmath.sqrt(Real(one.e) * Real(other.e)) / t)
            g = Real(pair.g) * (Real(one.g) + Real(other.g)) / 2
            qq, ss, ww = Real(one.q) * Real(other.q), Real(one.s) * other.s, Real(one.w) * other.w
            ff = mpmath.sqrt(Real(one.f) * Real(other.f))
            size = (Real(one.k) * Real(other.k)) ** (Real(3) / 2)
            b += x_i * x_j * size * sum(
                Real(term.a) * (g + 1 - term.g) ** term.g * (qq + 1 - term.q) ** term.q
                * (ff + 1 - term.f) ** term.f * (ss + 1 - term.s) ** term.s
                * (ww + 1 - term.w) ** term.w * root ** int(2 * term.u)
                for term in TERMS[:18]
            )  # fmt: skip
    return b
