"""ISO 6976:2016 Annex B: standard uncertainty (k = 1) of what `iso6976.py` works out.

What is uncertain: the mole fractions (with their correlation, where it is known), and the tables'
values of Hc, s, M (by the atomic weights, which components share), R, L0, and air. Relative forms:

    (B.4)  u2(Hc)/Hc2 = q(Hc_j/Hc) + sum (x_j u(Hc_j))^2 / Hc^2
    (B.5)  u2(Hm)/Hm2 = q(Hc_j/Hc - M_j/M) + ... + u2(M)/M^2
    (B.6)  u2(Hv)/Hv2 = q(Hc_j/Hc + 2 s_j a/Z) + ... + (2 a/Z)^2 sum (x_j u(s_j))^2 + u2(R)/R^2
    (B.11) rho, (B.12) d, (B.13) W likewise; (B.8) to (B.10), (B.14) inferior, with u(L0)

q(c) = sum_ij c_i u(x_i) r_ij c_j u(x_j), and a = (p2/p0) s of formula (1). Without correlations a
normalised analysis looks about twice as uncertain as it is (the standard's example D.4).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from protocols.metering.iso6976 import (
    NAMES,
    Mixture,
    Properties,
    properties,
    summation_factor,
)
from protocols.metering.iso6976_table import (
    ATOMIC_WEIGHTS,
    L_0,
    M_AIR,
    P_0,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    U_L_0,
    U_M_AIR,
    U_R,
    U_Z_AIR,
    R,
)
from protocols.metering.reference import Reference
from protocols.metering.refusal import OutOfRange

Correlations = Mapping[tuple[str, str], float]
NO_CORRELATIONS: Final[Correlations] = {}
_ELEMENTS: Final = ("C", "H", "N", "O", "S")
_ATOM: Final = {"helium": "He", "neon": "Ne", "argon": "Ar"}


class Uncertainties(NamedTuple):
    """Standard uncertainties, each in the unit of its field in `Properties`."""

    hs_kj_mol: float
    hi_kj_mol: float
    hs_mj_kg: float
    hi_mj_kg: float
    hs_mj_m3: float
    hi_mj_m3: float
    rho_kg_m3: float
    d: float
    ws_mj_m3: float
    wi_mj_m3: float


class _Gas(NamedTuple):
    """What every formula shares: the relative variances of the tables' values."""

    mixture: Mixture
    u_x: tuple[float, ...]
    correlations: Correlations
    mass: tuple[float, ...]  # M_j / M
    shrink: tuple[float, ...]  # 2 s_j a / Z
    var_m: float
    var_s: float


def uncertainties(
    mixture: Mixture,
    u_x: Mapping[str, float],
    reference: Reference,
    correlations: Correlations = NO_CORRELATIONS,
) -> Uncertainties | OutOfRange:
    """Of mole fractions with these standard uncertainties; a name that is absent is certain.

    Raises ValueError for a name of no component, or correlations that no analysis can have.
    """
    found = properties(mixture, reference)
    if isinstance(found, OutOfRange):
        return found
    if refused := _refused(u_x, correlations, found):
        return refused
    gas = _gas(mixture, u_x, reference, correlations, found)
    column = reference.t1.column
    hc = [values[column] for values, _u in TABLE_3.values()]
    half_b = [atoms[1] / 2.0 for _m, atoms in TABLE_1.values()]
    net = [h - L_0[column] * b for h, b in zip(hc, half_b, strict=True)]
    var_l = (_dot(mixture.x, half_b) * U_L_0 / found.hi_kj_mol) ** 2
    superior = _heat(gas, hc, found.hs_kj_mol, 0.0, found)
    inferior = _heat(gas, net, found.hi_kj_mol, var_l, found)
    dense = _q(gas, [m + s for m, s in zip(gas.mass, gas.shrink, strict=True)])
    dense += gas.var_m + gas.var_s
    return Uncertainties(
        hs_kj_mol=found.hs_kj_mol * superior[0],
        hi_kj_mol=found.hi_kj_mol * inferior[0],
        hs_mj_kg=found.hs_mj_kg * superior[1],
        hi_mj_kg=found.hi_mj_kg * inferior[1],
        hs_mj_m3=found.hs_mj_m3 * superior[2],
        hi_mj_m3=found.hi_mj_m3 * inferior[2],
        rho_kg_m3=found.rho_kg_m3 * math.sqrt(dense + (U_R / R) ** 2),
        d=found.d * math.sqrt(dense + (U_Z_AIR / found.z_air) ** 2),
        ws_mj_m3=found.ws_mj_m3 * superior[3],
        wi_mj_m3=found.wi_mj_m3 * inferior[3],
    )


def _refused(
    u_x: Mapping[str, float], correlations: Correlations, found: Properties
) -> OutOfRange | None:
    for name in (*u_x, *(name for pair in correlations for name in pair)):
        if name not in NAMES:
            raise ValueError(f"{name!r} is none of the components of ISO 6976")
    for name, u in u_x.items():
        if not 0.0 <= u <= 1.0:
            return OutOfRange(f"u({name})", u, 0.0, 1.0)
    if not found.hi_kj_mol > 0.0:  # relative to it nothing can be uncertain
        return OutOfRange("hi_kj_mol", found.hi_kj_mol, 0.0, math.inf)
    return None


def _heat(
    gas: _Gas, hc: Sequence[float], h: float, var_l: float, found: Properties
) -> tuple[float, float, float, float]:
    """Relative uncertainty on the molar, mass and volume basis, and of the Wobbe index."""
    u_h = [u for _values, u in TABLE_3.values()]
    var_h = sum((x * u) ** 2 for x, u in zip(gas.mixture.x, u_h, strict=True)) / h**2 + var_l
    var_r = (U_R / R) ** 2
    var_air = (U_M_AIR / (2.0 * M_AIR)) ** 2 + (U_Z_AIR / (2.0 * found.z_air)) ** 2
    rows = list(zip((each / h for each in hc), gas.mass, gas.shrink, strict=True))
    return (
        math.sqrt(_q(gas, [c for c, _m, _s in rows]) + var_h),
        math.sqrt(_q(gas, [c - m for c, m, _s in rows]) + var_h + gas.var_m),
        math.sqrt(_q(gas, [c + s for c, _m, s in rows]) + var_h + gas.var_s + var_r),
        math.sqrt(
            _q(gas, [c + s / 2.0 - m / 2.0 for c, m, s in rows])
            + var_h + gas.var_s / 4.0 + gas.var_m / 4.0 + var_r + var_air
        ),
    )  # fmt: skip


def _gas(
    mixture: Mixture,
    u_x: Mapping[str, float],
    reference: Reference,
    correlations: Correlations,
    found: Properties,
) -> _Gas:
    column = reference.t2.column
    a = reference.p2_kpa / P_0 * summation_factor(mixture, reference)
    u_s = sum((x * u) ** 2 for x, (_s, u) in zip(mixture.x, TABLE_2.values(), strict=True))
    return _Gas(
        mixture=mixture,
        u_x=tuple(u_x.get(name, 0.0) for name in NAMES),
        correlations=correlations,
        mass=tuple(m / found.m_kg_kmol for m, _atoms in TABLE_1.values()),
        shrink=tuple(2.0 * s[column] * a / found.z for s, _u in TABLE_2.values()),
        var_m=_variance_of_m(mixture) / found.m_kg_kmol**2,
        var_s=4.0 * a * a * u_s / found.z**2,
    )


def _variance_of_m(mixture: Mixture) -> float:
    """u2(M) by the atomic weights: one element's error is the same in every molecule."""
    atoms = dict.fromkeys(ATOMIC_WEIGHTS, 0.0)
    for name, x in zip(NAMES, mixture.x, strict=True):
        for element, count in zip(_ELEMENTS, TABLE_1[name][1], strict=True):
            atoms[element] += x * count
        if name in _ATOM:
            atoms[_ATOM[name]] += x
    return sum((atoms[element] * u) ** 2 for element, (_a, u) in ATOMIC_WEIGHTS.items())


def _q(gas: _Gas, c: Sequence[float]) -> float:
    """The variance that the mole fractions bring; a pair is looked up in either order."""
    terms = {name: each * u for name, each, u in zip(NAMES, c, gas.u_x, strict=True) if u > 0.0}
    total = sum(term * term for term in terms.values())
    for (one, other), r in gas.correlations.items():
        total += 2.0 * r * terms.get(one, 0.0) * terms.get(other, 0.0)
    if not total >= 0.0:
        raise ValueError("these correlations make a variance less than nothing")
    return total


def _dot(x: Sequence[float], y: Sequence[float]) -> float:
    return sum(each * other for each, other in zip(x, y, strict=True))
