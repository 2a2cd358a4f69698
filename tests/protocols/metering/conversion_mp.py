"""Z by each method in 50 digits, straight from the equations: no shortcut of the code is used.

The coefficients are read as the decimals that they are printed as. Roots are searched by secant
from the ideal gas, cross coefficients are cube roots of products, powers are powers.
"""

from __future__ import annotations

from collections.abc import Sequence

import mpmath
from mpmath import mp, mpf

from protocols.metering import gross, nx19, sgerg88, virial88
from protocols.metering.composition import Composition
from protocols.metering.gerg2008_table import R as R_GERG
from protocols.metering.gross import Gross1Gas, Gross2Gas, GrossReference
from protocols.metering.nx19 import Nx19Gas
from protocols.metering.sgerg88 import SgergGas, Variant
from tests.protocols.metering import aga8_detail_mp
from tests.protocols.metering.test_gerg2008 import alpha_delta, reducing

DIGITS = 50

Mixture = tuple[mpf, mpf, mpf, mpf, mpf, mpf]  # x1 to x5 and H


def m(value: float) -> mpf:
    """The decimal that a double was written as."""
    return mpf(repr(value))


def z_virial(mixture: Mixture, p: float, t: float) -> mpf:
    """Z at p (bar) and T (K) of the five components."""
    b, c, rt = second(mixture, m(t)), third(mixture, m(t)), m(virial88.R) * m(t)
    ideal = m(p) / rt

    def too_much(rho: mpf) -> mpf:
        return rho * (1 + b * rho + c * rho**2) - ideal

    rho = mp.findroot(too_much, (ideal, ideal * mpf("1.01")), solver="secant", tol=mpf(10) ** -90)
    return 1 + b * rho + c * rho**2


def second(mixture: Mixture, t: mpf) -> mpf:
    x1, x2, x3, x4, x5, h = mixture
    v = virial88
    b11 = poly(v.B11_H0, t) + poly(v.B11_H1, t) * h + poly(v.B11_H2, t) * h**2
    b22, b33 = poly(v.B22, t), poly(v.B33, t)
    b12 = (m(0.72) + m(1.875e-5) * (320 - t) ** 2) * (b11 + b22) / 2
    b13 = m(-0.865) * mp.sqrt(b11 * b33)
    pairs = 2 * (
        x1 * x2 * b12 + x1 * x3 * b13 + x1 * x4 * poly(v.B14, t) + x1 * x5 * poly(v.B15, t)
        + x2 * x3 * poly(v.B23, t) + x2 * x4 * m(v.B24)
    )  # fmt: skip
    pure = x1**2 * b11 + x2**2 * b22 + x3**2 * b33
    return pure + x4**2 * poly(v.B44, t) + x5**2 * poly(v.B55, t) + pairs


def third(mixture: Mixture, t: mpf) -> mpf:
    x1, x2, x3, x4, x5, h = mixture
    v = virial88
    c1 = poly(v.C111_H0, t) + poly(v.C111_H1, t) * h + poly(v.C111_H2, t) * h**2
    c2, c3, c4 = poly(v.C222, t), poly(v.C333, t), poly(v.C444, t)
    n2 = m(0.92) + m(0.0013) * (t - 270)
    return (
        x1**3 * c1 + x2**3 * c2 + x3**3 * c3 + x4**3 * c4
        + 3 * x1**2 * x2 * n2 * mp.cbrt(c1**2 * c2) + 3 * x1 * x2**2 * n2 * mp.cbrt(c1 * c2**2)
        + 3 * x1**2 * x3 * m(0.92) * mp.cbrt(c1**2 * c3)
        + 3 * x1 * x3**2 * m(0.92) * mp.cbrt(c1 * c3**2)
        + 3 * x1**2 * x4 * m(1.2) * mp.cbrt(c1**2 * c4) + 3 * x1**2 * x5 * poly(v.C115, t)
        + 6 * x1 * x2 * x3 * m(1.1) * mp.cbrt(c1 * c2 * c3)
        + 3 * x2**2 * x3 * poly(v.C223, t) + 3 * x2 * x3**2 * poly(v.C233, t)
    )  # fmt: skip


def poly(row: Sequence[float], t: mpf) -> mpf:
    return m(row[0]) + m(row[1]) * t + m(row[2]) * t**2


def sgerg(gas: SgergGas, variant: Variant) -> Mixture:
    """The mixture whose B at 0 degC is the one that its molar volume was taken with."""
    hs, d, x3, x4 = (m(value) for value in gas)
    x5 = m(variant.x_co_per_x_h2) * x4

    def mixture(b_n: mpf) -> Mixture:
        rho_mn = 1 / (m(sgerg88.V_MN_IDEAL) + b_n)
        x1_h = hs / rho_mn - x4 * m(sgerg88.H_H2) - x5 * m(sgerg88.H_CO)
        rho_n = d * m(sgerg88.RHO_N_AIR)
        m_n2, m_0, m_1 = m(virial88.M_N2), m(virial88.M_CH_0), m(virial88.M_CH_1)
        # rho_n / rho_mn = M: x1 (M_0 + M_1 H) + x2 M_N2 + ..., with x2 what is missing to one
        rest = 1 - x3 - x4 - x5
        others = x3 * m(virial88.M_CO2) + x4 * m(virial88.M_H2) + x5 * m(virial88.M_CO)
        x1 = (rho_n / rho_mn - others - rest * m_n2 - m_1 * x1_h) / (m_0 - m_n2)
        return x1, rest - x1, x3, x4, x5, x1_h / x1

    b_n = mp.findroot(
        lambda b: second(mixture(b), mpf("273.15")) - b, (mpf("-0.07"), mpf("-0.06")),
        solver="secant", tol=mpf(10) ** -90,
    )  # fmt: skip
    return mixture(b_n)


def gross_1(gas: Gross1Gas) -> Mixture:
    """Method 1: mass and heat of a mole at the reference, whose Zd is by its own B."""
    hv, gr, x3 = m(gas.hv_mj_m3), m(gas.gr), m(gas.x_co2)
    th = m(gas.reference.th_k)

    def mixture(z_d: mpf) -> Mixture:
        h_n = hv * z_d * volume(gas.reference) * (1 + m(gross.K_HV) * (th - m(gross.T_HV)))
        mass = gr * z_d * m(gross.M_AIR) / z_air(gas.reference)
        m_n2, m_0, m_1 = m(virial88.M_N2), m(virial88.M_CH_0), m(virial88.M_CH_1)
        x1 = (mass - x3 * m(virial88.M_CO2) - (1 - x3) * m_n2 - m_1 * h_n) / (m_0 - m_n2)
        return x1, 1 - x1 - x3, x3, mpf(0), mpf(0), h_n / x1

    return at_reference(mixture, gas.reference)


def gross_2(gas: Gross2Gas) -> Mixture:
    """Method 2: the molar mass that is left to CH."""
    gr, x2, x3 = m(gas.gr), m(gas.x_n2), m(gas.x_co2)
    x1 = 1 - x2 - x3

    def mixture(z_d: mpf) -> Mixture:
        mass = gr * z_d * m(gross.M_AIR) / z_air(gas.reference)
        m_ch = (mass - x2 * m(virial88.M_N2) - x3 * m(virial88.M_CO2)) / x1
        return x1, x2, x3, mpf(0), mpf(0), (m_ch - m(virial88.M_CH_0)) / m(virial88.M_CH_1)

    return at_reference(mixture, gas.reference)


def at_reference(mixture: object, reference: GrossReference) -> Mixture:
    assert callable(mixture)
    z_d = mp.findroot(
        lambda z: 1 + second(mixture(z), m(reference.td_k)) / volume(reference) - z,
        (mpf("0.99"), mpf(1)), solver="secant", tol=mpf(10) ** -90,
    )  # fmt: skip
    found: Mixture = mixture(z_d)
    return found


def volume(reference: GrossReference) -> mpf:
    """Of a kmol of ideal gas at the reference, m3."""
    return m(virial88.R) * 100 * m(reference.td_k) / m(reference.pd_kpa)


def z_air(reference: GrossReference) -> mpf:
    return 1 + poly(gross.B_AIR, m(reference.td_k)) / volume(reference)


def z_nx19(gas: Nx19Gas, p: float, t: float) -> mpf:
    """z at p (MPa) and T (K): GOST 30319.2-96 as it is printed."""
    rho, x_a, x_y = (m(value) for value in gas)
    p_pk = m(2.9585) * (m(1.608) - m(0.05994) * rho + x_y - m(0.392) * x_a)
    t_pk = m(88.25) * (m(0.9915) + m(1.759) * rho - x_y - m(1.681) * x_a)
    pa = m(0.6714) * m(p) / p_pk + m(0.0147)
    ta = m(0.71892) * m(t) / t_pk + m(0.0007)
    d = ta - m(1.09)
    if d >= 0:
        f = (
            m(75e-5) * pa ** m(2.3) / mp.exp(20 * d)
            + m(11e-4) * mp.sqrt(d) * (pa * (m(2.17) - pa + m(1.4) * mp.sqrt(d))) ** 2
        )
    elif pa < m(1.3):
        f = m(75e-5) * pa ** m(2.3) * (2 - mp.exp(20 * d)) + m(1.317) * pa * (
            m(1.69) - pa**2
        ) * d**4  # fmt: skip
    else:
        f = m(75e-5) * pa ** m(2.3) * (2 - mp.exp(20 * d)) + m(0.455) * (m(1.3) - pa) * (
            m(1.69) * mpf(2) ** m(1.25) - pa**2
        ) * (
            d * (m(0.03249) + m(18.028) * d**2)
            + d**2 * (m(2.0167) + d**2 * (m(42.844) + 200 * d**2))
        )  # fmt: skip
    t1 = ta**5 / (ta**2 * (m(6.60756) * ta - m(4.42646)) + m(3.22706))
    t0 = (ta**2 * (m(1.77218) - m(0.8879) * ta) + m(0.305131)) * t1 / ta**4
    b1 = 2 * t1 / 3 - t0**2
    b0 = t0 * (t1 - t0**2) + m(0.1) * t1 * pa * (f - 1)
    b2 = mp.cbrt(b0 + mp.sqrt(b0**2 + b1**3))
    return (1 + m(0.00132) / ta ** m(3.25)) ** 2 * m(0.1) * pa / (b1 / b2 - b2 + t0)


def z_c_nx19(gas: Nx19Gas) -> mpf:
    rho, x_a, x_y = (m(value) for value in gas)
    return 1 - (m(0.0741) * rho - m(0.006) - m(0.063) * x_a - m(0.0575) * x_y) ** 2


def z_detail(composition: Composition, p: float, t: float, near: float) -> mpf:
    """Z by AGA8-DETAIL at p (kPa) and T (K)."""
    return aga8_detail_mp.z_of_pressure(composition, p, t, near)


def z_gerg(composition: Composition, p: float, t: float, near: float) -> mpf:
    """Z by GERG-2008 at p (kPa) and T (K)."""
    rho_r, t_r = reducing(composition)
    tau = t_r / mpf(t)
    pressure = mpf(p) / (rho_r * m(R_GERG) * mpf(t))
    start = pressure / mpf(near)
    delta = mpmath.findroot(
        lambda d: d * (1 + d * alpha_delta(composition, d, tau)) - pressure,
        (start, start * (1 + mpf(10) ** -14)), solver="secant", tol=mpf(10) ** -80,
    )  # fmt: skip
    return pressure / delta


own_base = (nx19.BASE_PRESSURE_PA, nx19.BASE_TEMPERATURE_K)
