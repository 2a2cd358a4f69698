"""AGA8-DETAIL: compression factor of natural gas from its 21 mole fractions.

AGA Report No. 8 Part 1 (2017); as AGA8-92DC it is ISO 12213-2:2006 Annex B and GB/T 17747.2-2011.
With the reduced density D = K^3 rho, rho in mol/dm3, T in K, p in kPa (R in kPa dm3/(mol K)):

    (1) p = rho R T Z
    (2) Z = 1 + D B/K^3 - D sum_(13..18) C*_n T^-u_n
              + sum_(13..58) C*_n T^-u_n (b_n - c_n k_n D^k_n) D^b_n exp(-c_n D^k_n)
    (3) B = sum_(1..18) a_n T^-u_n sum_i sum_j x_i x_j B*_nij E_ij^u_n (K_i K_j)^(3/2)
    (4) B*_nij = (G_ij + 1 - g_n)^g_n (Q_i Q_j + 1 - q_n)^q_n (sqrt(F_i F_j) + 1 - f_n)^f_n
                 (S_i S_j + 1 - s_n)^s_n (W_i W_j + 1 - w_n)^w_n
    (5) E_ij = E*_ij sqrt(E_i E_j),  G_ij = G*_ij (G_i + G_j)/2
    (6) C*_n = a_n (G + 1 - g_n)^g_n (Q^2 + 1 - q_n)^q_n (F + 1 - f_n)^f_n U^u_n
    (7) K^5 = (sum_i x_i K_i^(5/2))^2 + sum_(i<j) 2 x_i x_j (K_ij^5 - 1) (K_i K_j)^(5/2)
    (8) U^5 = (sum_i x_i E_i^(5/2))^2 + sum_(i<j) 2 x_i x_j (U_ij^5 - 1) (E_i E_j)^(5/2)
    (9) G = sum_i x_i G_i + sum_(i<j) x_i x_j (G*_ij - 1) (G_i + G_j)
   (10) Q = sum_i x_i Q_i,  F = sum_i x_i^2 F_i

The symbols are the standard's; the numbers are this file's, its text was not at hand. What depends
on the composition is worked out once (`detail_gas`), what depends on the temperature once a call.

Nothing is remembered between calls. Nothing but + - * / and square roots is used, and the functions
of `exact` made of them, so Z is the same number on every processor.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from protocols.metering.aga8_detail_isotherm import VIRIAL_EXPONENTS, DetailGas, isotherm
from protocols.metering.aga8_detail_table import PAIRS, PURE, TERMS, Pair, R
from protocols.metering.composition import COMPONENTS, Composition, is_whole
from protocols.metering.exact import fifth_root
from protocols.metering.gas_branch import density_of_gas
from protocols.metering.limits import Limits
from protocols.metering.mixture_range import P_LOWEST_KPA, PIPELINE, Range, Share, outside
from protocols.metering.refusal import NotConverged, OutOfRange

__all__ = [
    "PROGRAM",
    "RANGES",
    "DetailGas",
    "State",
    "detail_gas",
    "state_of",
    "z_detail",
    "z_of",
    "z_within",
]

# ISO 12213-2:2006, 4.4.2 (0.2 % to 0.5 %); shares it does not widen: AGA Report No. 8 (1994),
# Table 1, expanded range. That lets water and hexanes+ go to the dew point, which is not known
# here. From memory of both texts.
PROGRAM: Final = Range(
    (P_LOWEST_KPA, 65_000.0),
    (225.0, 350.0),
    (
        Share(("methane",), 0.50, 1.0),
        Share(("nitrogen",), 0.0, 0.50),
        Share(("carbon_dioxide",), 0.0, 0.30),
        Share(("ethane",), 0.0, 0.20),
        Share(("propane",), 0.0, 0.05),
        Share(("isobutane", "n_butane"), 0.0, 0.06),
        Share(("isopentane", "n_pentane"), 0.0, 0.04),
        Share(("n_hexane", "n_heptane", "n_octane", "n_nonane", "n_decane"), 0.0, 0.04),
        Share(("hydrogen",), 0.0, 0.10),
        Share(("oxygen",), 0.0, 0.21),
        Share(("carbon_monoxide",), 0.0, 0.03),
        Share(("water",), 0.0, 0.01),
        Share(("hydrogen_sulfide",), 0.0, 1.0),
        Share(("helium",), 0.0, 0.03),
        Share(("argon",), 0.0, 0.01),
    ),
)
RANGES: Final = {Limits.PIPELINE: PIPELINE, Limits.PROGRAM: PROGRAM}

# B has terms 1 to 18, each with at most one flag: those without, then those of g, q, f, s and w
_FLAGS: Final = ((0, 0, 0, 0, 0), *(tuple(int(i == j) for j in range(5)) for i in range(5)))
_VIRIAL: Final = tuple(
    tuple((term.a, term.u) for term in TERMS[:18] if term[5:] == flags) for flags in _FLAGS
)
_RESIDUAL: Final = TERMS[12:]  # of the sum over C*
_EXPONENTS: Final = tuple(sorted({term.u for term in TERMS}))
_POSITION: Final = {u: i for i, u in enumerate(_EXPONENTS)}
_WHOLE_AND_HALF: Final = tuple((math.floor(u), u != math.floor(u)) for u in _EXPONENTS)
_LOWEST, _HIGHEST = math.floor(_EXPONENTS[0]), math.floor(_EXPONENTS[-1])

_NO_INTERACTION: Final = Pair(1.0, 1.0, 1.0, 1.0)


class State(NamedTuple):
    """Pressure in kPa and compression factor."""

    p_kpa: float
    z: float


class _Mixture(NamedTuple):
    """The mixture's size K^3 (dm3/mol), energy U (K), G, Q and F."""

    k3: float
    u: float
    g: float
    q: float
    f: float


def z_detail(
    composition: Composition, p_kpa: float, t_k: float, limits: Limits = Limits.PROGRAM
) -> float | OutOfRange | NotConverged:
    """Z of a gas of this composition at p (kPa, absolute) and T (K)."""
    return z_of(detail_gas(composition), p_kpa, t_k, limits)


def z_of(
    gas: DetailGas, p_kpa: float, t_k: float, limits: Limits = Limits.PROGRAM
) -> float | OutOfRange | NotConverged:
    """Z at p (kPa, absolute) and T (K), both inside the chosen range."""
    return z_within(gas, p_kpa, t_k, RANGES[limits])


def z_within(
    gas: DetailGas, p_kpa: float, t_k: float, allowed: Range
) -> float | OutOfRange | NotConverged:
    """Z = p / (rho R T) with the density of the gas, never a liquid's and never the ideal gas's."""
    if refused := outside(allowed, gas.fractions, p_kpa, t_k):
        return refused
    line = isotherm(gas, t_k)
    pressure = p_kpa * gas.k3 / (R * t_k)
    density = density_of_gas(line.point, line.zero(), pressure)
    if density is None:
        return NotConverged(f"AGA8-DETAIL: no density of the gas at {p_kpa:g} kPa and {t_k:g} K")
    return pressure / density


def state_of(gas: DetailGas, rho: float, t_k: float) -> State:
    """p and Z at a molar density (mol/dm3) and T (K), on whatever branch; no range is checked."""
    point = isotherm(gas, t_k).point(gas.k3 * rho)
    z = point.pressure / point.delta
    return State(rho * R * t_k * z, z)


def detail_gas(composition: Composition) -> DetailGas:
    """Mixture parameters and merged coefficients of a composition."""
    if not is_whole(composition):
        raise ValueError(f"no composition: {composition.fractions}")
    present = [
        (name, x) for name, x in zip(COMPONENTS, composition.fractions, strict=True) if x > 0.0
    ]
    mixture = _mixture(present)
    b = {u: b_n / mixture.k3 for u, b_n in _second_virial(present).items()}
    powers = _powers(1.0 / mixture.u)
    c = []
    for term in _RESIDUAL:
        c_n = term.a * powers[_POSITION[term.u]] * _flagged(term.g, mixture.g)
        c_n *= _flagged(term.q, mixture.q * mixture.q) * _flagged(term.f, mixture.f)
        c.append(c_n)
        if term.b == 1:  # the sum over 13..18 that equation 2 subtracts
            b[term.u] -= c_n
    molar_mass = math.fsum(x * PURE[name].m for name, x in present)
    ordered = tuple(b[u] for u in VIRIAL_EXPONENTS)
    return DetailGas(composition.fractions, molar_mass, mixture.k3, ordered, tuple(c))


def _mixture(present: list[tuple[str, float]]) -> _Mixture:
    """Equations 7 to 10: pure parts, and what the pairs add that interact."""
    k5_2 = u5_2 = g = q = f = 0.0
    for name, x in present:
        pure = PURE[name]
        k5_2 += x * _to_5_2(pure.k)
        u5_2 += x * _to_5_2(pure.e)
        g += x * pure.g
        q += x * pure.q
        f += x * x * pure.f
    k5, u5 = k5_2 * k5_2, u5_2 * u5_2
    for i, (first, x) in enumerate(present):
        for second, y in present[i + 1 :]:
            if pair := PAIRS.get((first, second)):
                one, other = PURE[first], PURE[second]
                both = 2.0 * x * y
                k5 += both * (_to_5(pair.k) - 1.0) * _to_5_2(one.k * other.k)
                u5 += both * (_to_5(pair.u) - 1.0) * _to_5_2(one.e * other.e)
                g += x * y * (pair.g - 1.0) * (one.g + other.g)
    k = fifth_root(k5)
    return _Mixture(k * k * k, fifth_root(u5), g, q, f)


def _second_virial(present: list[tuple[str, float]]) -> dict[float, float]:
    """B in dm3/mol as coefficients of T^-u (equations 3 to 5): sums over all pairs."""
    b = dict.fromkeys((u for terms in _VIRIAL for _a, u in terms), 0.0)
    for i, (first, x) in enumerate(present):
        one = PURE[first]
        for second, y in present[i:]:
            other = PURE[second]
            pair = PAIRS.get((first, second), _NO_INTERACTION)
            kk = one.k * other.k
            both = (x * y if first == second else 2.0 * x * y) * kk * math.sqrt(kk)
            powers = _powers(1.0 / (pair.e * math.sqrt(one.e * other.e)))
            b_nij = (
                1.0, pair.g * (one.g + other.g) / 2.0, one.q * other.q,
                math.sqrt(one.f * other.f), one.s * other.s, one.w * other.w,
            )  # fmt: skip
            for value, terms in zip(b_nij, _VIRIAL, strict=True):
                if value != 0.0:
                    for a, u in terms:
                        b[u] += a * both * value * powers[_POSITION[u]]
    return b


def _flagged(flag: int, value: float) -> float:
    """(value + 1 - flag)^flag: the value where a term has the flag, else 1."""
    return value if flag else 1.0


def _to_5(a: float) -> float:
    square = a * a
    return square * square * a


def _to_5_2(a: float) -> float:
    return a * a * math.sqrt(a)


def _powers(t: float) -> list[float]:
    """T^-u for each of the exponents u."""
    inverse = 1.0 / t
    half = math.sqrt(inverse)
    falling, rising = [1.0], [1.0]
    for _ in range(_HIGHEST):
        falling.append(falling[-1] * inverse)
    for _ in range(-_LOWEST):
        rising.append(rising[-1] * t)
    powers = [falling[whole] if whole >= 0 else rising[-whole] for whole, _ in _WHOLE_AND_HALF]
    return [
        power * half if is_half else power
        for power, (_, is_half) in zip(powers, _WHOLE_AND_HALF, strict=True)
    ]
