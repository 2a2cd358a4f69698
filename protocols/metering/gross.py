"""AGA8 GROSS: compression factor from a few bulk properties, methods 1 and 2.

AGA Report No. 8 Part 1 (2017; as in the 1994 edition). A gas is CH, N2 and CO2 of `virial88.py`:

    method 1   from the heating value Hv, the relative density Gr and x_CO2
    method 2   from Gr, x_N2 and x_CO2

Hv burns at Th; its cubic metre, and Gr, are of the REAL gas at Td and Pd. ("Ideal" in the printed
table is the enthalpy of combustion, not the volume: taken as an ideal volume, Z is 0.26 % off.)
Td and Pd belong to the figure: an Hv at 14.73 psia taken as one at 14.696 moves Z by up to 1.3e-3.

Zd, the compression factor at Td and Pd, is iterated to its end (the published program stops at
1e-7). Coefficients and molar heating values: usnistgov/AGA8, Gross.cpp, public domain; it agrees
with the printed tables. Only + - * /, square roots and `exact`, so Z has the same bits everywhere.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from protocols.metering.composition import Composition
from protocols.metering.limits import Limits
from protocols.metering.refusal import NotConverged, OutOfRange
from protocols.metering.virial88 import (
    M_CH_0,
    M_CH_1,
    M_CO2,
    M_N2,
    Mixture,
    R,
    Range,
    VirialGas,
    outside,
    second_virial,
)

M_AIR: Final = 28.9625  # kg/kmol
B_AIR: Final = (-0.12527, 5.91e-4, -6.62e-7)  # m3/kmol: a0 + a1 T + a2 T^2
T_HV: Final = 298.15  # K, of the molar heating values of the equation
K_HV: Final = 0.0001027  # 1/K, what they change with the combustion temperature

# Molar heating values at 25 degC, kJ/mol (AGA Report No. 5, 2009), in the order of COMPONENTS
H_MOLAR: Final = (
    890.63, 0.0, 0.0, 1560.69, 2219.17, 2868.2, 2877.4, 3528.83, 3535.77, 4194.95, 4853.43, 5511.8,
    6171.15, 6829.77, 285.83, 0.0, 282.98, 44.016, 562.01, 0.0, 0.0,
)  # fmt: skip
_N2, _CO2 = 1, 2

# The gas: AGA8's normal range, given for Hv (475 to 1210 Btu/ft3 at 60 degF, 14.73 psia) and held
# here as a molar value, because Hv has no limits without its reference.
H_N: Final = (418.0, 1066.0)  # kJ/mol
# No hydrocarbon is lighter than methane (890.6 kJ/mol). The report does not say it; SGERG-88 has
# the same test in terms of d. The upper end is where Gr ends.
H_CH: Final = (880.0, 1330.0)  # kJ/mol
GR: Final = (0.554, 0.87)
X_CO2: Final = (0.0, 0.30)
X_N2: Final = (0.0, 0.50)
REFERENCE_K: Final = (273.15, 298.15)
REFERENCE_KPA: Final = (90.0, 110.0)


class _States(NamedTuple):
    p_bar: Range
    t_k: Range


# PIPELINE: 0 to 55 degC and 8.3 MPa (1200 psia). PROGRAM: the limits of the same virial equation
# in SGERG-88; NIST's tables of the method reach to 60 degC and 12 MPa.
STATES: Final = {
    Limits.PIPELINE: _States((0.0, 83.0), (273.15, 328.15)),
    Limits.PROGRAM: _States((0.0, 120.0), (250.15, 338.15)),
}

_MAX_ITERATIONS: Final = 50
_ZD_TOLERANCE: Final = 1e-14


class GrossReference(NamedTuple):
    """Combustion temperature Th (K); metering temperature Td (K) and pressure Pd (kPa)."""

    th_k: float
    td_k: float
    pd_kpa: float


class Gross1Gas(NamedTuple):
    """Hv in MJ/m3 and Gr, both of the real gas at the reference; mole fraction."""

    hv_mj_m3: float
    gr: float
    x_co2: float
    reference: GrossReference


class Gross2Gas(NamedTuple):
    """Gr of the real gas at the reference (which has no use for Th); mole fractions."""

    gr: float
    x_n2: float
    x_co2: float
    reference: GrossReference


def gross1_gas(
    gas: Gross1Gas, limits: Limits = Limits.PROGRAM
) -> VirialGas | OutOfRange | NotConverged:
    """Method 1: x_CH and x_N2 from mass and heat balance, H_CH from the heat."""
    hv, gr, x_co2, reference = gas
    if refused := _refused_reference(reference):
        return refused
    th, td, pd = reference
    v_ideal = 100.0 * R * td / pd  # m3/kmol
    per_hv = v_ideal * (1.0 + K_HV * (th - T_HV))  # HN / Hv for Zd = 1
    refused = outside("hv_mj_m3", hv, (H_N[0] / per_hv, H_N[1] / per_hv)) or outside("gr", gr, GR)
    if refused := refused or outside("x_co2", x_co2, X_CO2):
        return refused
    m_air = gr * M_AIR / _z_air(reference)
    z_d = 1.0
    for _ in range(_MAX_ITERATIONS):
        h_n, m_m = z_d * per_hv * hv, z_d * m_air
        x_ch = (m_m + (x_co2 - 1.0) * M_N2 - x_co2 * M_CO2 - M_CH_1 * h_n) / (M_CH_0 - M_N2)
        if not x_ch > 0.0:
            return NotConverged("AGA8 GROSS-1: no hydrocarbon share fits Hv, Gr and x_CO2")
        mixture = Mixture(x_ch, 1.0 - x_ch - x_co2, x_co2, 0.0, 0.0, h_n / x_ch)
        new_z_d = _z_d(mixture, v_ideal, td)
        if new_z_d is None:
            return NotConverged("AGA8 GROSS-1: B_CH B_CO2 is negative at Td")
        if abs(new_z_d - z_d) <= _ZD_TOLERANCE:
            return outside("computed x_n2", mixture.x2, X_N2) or _virial(
                "AGA8 GROSS-1", mixture, limits
            )
        z_d = new_z_d
    return NotConverged("AGA8 GROSS-1: the iteration of Zd did not converge")


def gross2_gas(
    gas: Gross2Gas, limits: Limits = Limits.PROGRAM
) -> VirialGas | OutOfRange | NotConverged:
    """Method 2: H_CH from the molar mass that Gr leaves to CH."""
    gr, x_n2, x_co2, reference = gas
    refused = _refused_reference(reference) or outside("gr", gr, GR)
    if refused := refused or outside("x_n2", x_n2, X_N2) or outside("x_co2", x_co2, X_CO2):
        return refused
    td, pd = reference.td_k, reference.pd_kpa
    v_ideal = 100.0 * R * td / pd
    m_air = gr * M_AIR / _z_air(reference)
    x_ch = 1.0 - x_n2 - x_co2
    z_d = 1.0
    for _ in range(_MAX_ITERATIONS):
        m_ch = (z_d * m_air - x_n2 * M_N2 - x_co2 * M_CO2) / x_ch
        mixture = Mixture(x_ch, x_n2, x_co2, 0.0, 0.0, (m_ch - M_CH_0) / M_CH_1)
        new_z_d = _z_d(mixture, v_ideal, td)
        if new_z_d is None:
            return NotConverged("AGA8 GROSS-2: B_CH B_CO2 is negative at Td")
        if abs(new_z_d - z_d) <= _ZD_TOLERANCE:
            return _virial("AGA8 GROSS-2", mixture, limits)
        z_d = new_z_d
    return NotConverged("AGA8 GROSS-2: the iteration of Zd did not converge")


def gross_of_composition(
    composition: Composition, limits: Limits = Limits.PROGRAM
) -> VirialGas | OutOfRange:
    """The published tables' third way: all but N2 and CO2 counts as CH. No metering method."""
    x = composition.fractions
    x_ch = 1.0 - x[_N2] - x[_CO2]
    h_n = math.fsum(x_i * h_i for x_i, h_i in zip(x, H_MOLAR, strict=True))
    if refused := outside("x_n2", x[_N2], X_N2) or outside("x_co2", x[_CO2], X_CO2):
        return refused
    mixture = Mixture(x_ch, x[_N2], x[_CO2], 0.0, 0.0, h_n / x_ch)
    return _virial("AGA8 GROSS", mixture, limits)


def _virial(method: str, mixture: Mixture, limits: Limits) -> VirialGas | OutOfRange:
    """The gas, if its hydrocarbon is one."""
    return (
        outside("computed h_ch", mixture.h, H_CH)
        or outside("computed h_n", mixture.x1 * mixture.h, H_N)
        or VirialGas(method, mixture, *STATES[limits])
    )


def _refused_reference(reference: GrossReference) -> OutOfRange | None:
    return (
        outside("th_k", reference.th_k, REFERENCE_K)
        or outside("td_k", reference.td_k, REFERENCE_K)
        or outside("pd_kpa", reference.pd_kpa, REFERENCE_KPA)
    )


def _z_air(reference: GrossReference) -> float:
    _th, td, pd = reference
    b = B_AIR[0] + td * (B_AIR[1] + td * B_AIR[2])
    return 1.0 + b * pd / (100.0 * R * td)


def _z_d(mixture: Mixture, v_ideal: float, td: float) -> float | None:
    """Z at the reference by the second virial coefficient alone, as the report has it."""
    b = second_virial(mixture, td)
    return None if b is None else 1.0 + b / v_ideal
