"""ISO 6976:2016 / GB/T 11062: heating values, density, relative density, Wobbe index of a gas.

Formula numbers are the standard's. t1 is the combustion temperature, t2 and p2 are the metering
conditions, p0 is 101.325 kPa; G superior ("gross"), N inferior ("net"), o ideal gas.

    (1)  Z = 1 - (p2/p0) (sum x_j s_j(t2))^2                      Z > 0.9, p2 from 90 to 110 kPa
    (2)  (Hc)G = sum x_j (Hc)G_j(t1)           (3)  (Hc)N = (Hc)G - L0(t1) sum x_j b_j / 2
    (4)  (Hm) = (Hc) / M                       (5)  M = sum x_j M_j
    (7)  (Hv)o = (Hc) p2 / (R T2)              (10) (Hv) = (Hv)o / Z
    (13) Go = M / M_air                        (14) Do = p2 M / (R T2)
    (17) G = Go Z_air / Z                      (18) Z_air = 1 - (p2/p0) (1 - Z_air(t2, p0))
    (19) D = Do / Z                            (20) W = (Hv) / sqrt(G)

b_j is the number of hydrogen atoms, L0 the enthalpy of vaporisation of water. The standard calls
density D and relative density G; here they are rho and d, as in ISO 12213-3. Formula (18) for p2
other than p0 has no worked example. Uncertainty: `iso6976_uncertainty.py`.

Only + - * / and the square root, summed in the table's order whatever the order of the input, so
the same composition has the same properties to the last bit everywhere.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from protocols.metering.iso6976_table import (
    L_0,
    M_AIR,
    P_0,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    Z_AIR,
    R,
)
from protocols.metering.reference import Reference, outside
from protocols.metering.refusal import OutOfRange

NAMES: Final = tuple(TABLE_1)
Z_LEAST: Final = 0.9

_M: Final = tuple(m for m, _atoms in TABLE_1.values())
_B: Final = tuple(atoms[1] for _m, atoms in TABLE_1.values())
_S: Final = tuple(zip(*(s for s, _u in TABLE_2.values()), strict=True))  # a row a temperature
_HC: Final = tuple(zip(*(hc for hc, _u in TABLE_3.values()), strict=True))


class Mixture(NamedTuple):
    """Mole fractions of the sixty components in the standard's order (`NAMES`); their sum is 1."""

    x: tuple[float, ...]

    def fraction(self, name: str) -> float:
        return self.x[NAMES.index(name)]


class Properties(NamedTuple):
    """Hs superior, Hi inferior; of the real gas unless `ideal`; W Wobbe index; V molar volume."""

    reference: Reference
    m_kg_kmol: float
    z: float
    z_air: float
    v_m3_mol: float
    hs_kj_mol: float
    hi_kj_mol: float
    hs_mj_kg: float
    hi_mj_kg: float
    hs_ideal_mj_m3: float
    hi_ideal_mj_m3: float
    hs_mj_m3: float
    hi_mj_m3: float
    d_ideal: float
    d: float
    rho_ideal_kg_m3: float
    rho_kg_m3: float
    ws_mj_m3: float
    wi_mj_m3: float


def properties(mixture: Mixture, reference: Reference) -> Properties | OutOfRange:
    """Every property at these reference conditions, or why the standard has none."""
    if refused := outside(reference):
        return refused
    z, z_air = compression_factor(mixture, reference), air_compression_factor(reference)
    if not z > Z_LEAST:
        return OutOfRange("z", z, Z_LEAST, 1.0)
    m = molar_mass(mixture)
    v_ideal = R * reference.t2.kelvin / (reference.p2_kpa * 1000.0)  # m3/mol, (8)
    v = v_ideal * z  # (11)
    hs = superior_molar(mixture, reference)
    hi = hs - L_0[reference.t1.column] * _sum(mixture, _B) / 2.0
    d = m / M_AIR * z_air / z
    root_d = math.sqrt(d)
    return Properties(
        reference=reference,
        m_kg_kmol=m,
        z=z,
        z_air=z_air,
        v_m3_mol=v,
        hs_kj_mol=hs,
        hi_kj_mol=hi,
        hs_mj_kg=hs / m,
        hi_mj_kg=hi / m,
        hs_ideal_mj_m3=hs / v_ideal / 1000.0,
        hi_ideal_mj_m3=hi / v_ideal / 1000.0,
        hs_mj_m3=hs / v / 1000.0,
        hi_mj_m3=hi / v / 1000.0,
        d_ideal=m / M_AIR,
        d=d,
        rho_ideal_kg_m3=m / v_ideal / 1000.0,
        rho_kg_m3=m / v / 1000.0,
        ws_mj_m3=hs / v / 1000.0 / root_d,
        wi_mj_m3=hi / v / 1000.0 / root_d,
    )


def molar_mass(mixture: Mixture) -> float:
    """M in kg/kmol, (5)."""
    return _sum(mixture, _M)


def summation_factor(mixture: Mixture, reference: Reference) -> float:
    """s at t2 and p0, the root in formula (1)."""
    return _sum(mixture, _S[reference.t2.column])


def compression_factor(mixture: Mixture, reference: Reference) -> float:
    """Z of the gas at t2 and p2, (1)."""
    s = summation_factor(mixture, reference)
    return 1.0 - reference.p2_kpa / P_0 * s * s


def air_compression_factor(reference: Reference) -> float:
    """Z of dry air at t2 and p2, (18)."""
    return 1.0 - reference.p2_kpa / P_0 * (1.0 - Z_AIR[reference.t2.column])


def superior_molar(mixture: Mixture, reference: Reference) -> float:
    """(Hc)G in kJ/mol at t1, (2); the ideal gas's, from which the real gas's does not differ."""
    return _sum(mixture, _HC[reference.t1.column])


def _sum(mixture: Mixture, column: tuple[float, ...]) -> float:
    total = 0.0
    for fraction, value in zip(mixture.x, column, strict=True):
        total += fraction * value
    return total
