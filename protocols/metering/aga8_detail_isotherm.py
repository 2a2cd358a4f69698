"""The equation of state AGA8-DETAIL for one gas at one temperature.

Equation 2 of `aga8_detail` is, with the reduced density D = K^3 rho and L = D d/dD,

    Z = 1 + L a,    a = a_1 D + .. + a_7 D^7 + sum_(k = 1..4) S_k(D) exp(-D^k)

The 46 terms C*_n T^-u_n D^b_n exp(-c_n D^k_n) of n = 13 to 58 share their b and k, so that 25
coefficients are left of them at a temperature: seven without an exponential, and those of the
polynomials S_1 to S_4. The term D B/K^3 - D sum_(13..18) C*_n T^-u_n is part of a_1. Everything is
written out: loops over the terms took more than twice the time.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from protocols.metering.exact import exp
from protocols.metering.gas_branch import Point


class DetailGas(NamedTuple):
    """All that depends on the composition alone; M in g/mol, K^3 in dm3/mol.

    `b`: B/K^3 less the terms 13 to 18, as coefficients of the powers of 1/T in VIRIAL_EXPONENTS;
    `c`: C*_n U^u_n (of T^-u_n) for n = 13 to 58.
    """

    fractions: tuple[float, ...]
    molar_mass: float
    k3: float
    b: tuple[float, ...]
    c: tuple[float, ...]


class Isotherm(NamedTuple):
    """a_1 to a_7, then S_1 (D^3, D^8), S_2 (D to D^9), S_3 (D, D^3) and S_4 (D to D^5)."""

    a: tuple[float, ...]

    def zero(self) -> Point:
        """The point at rho = 0; B/K^3 is the sum of all coefficients of D."""
        a = self.a
        return Point(0.0, 0.0, 1.0, 2.0 * (a[0] + a[9] + a[18] + a[20]))

    def point(self, d: float) -> Point:
        """p K^3 / (R T) = D Z = D (1 + L a), and its first two derivatives by D.

        They are 1 + L a + L^2 a and (L^2 a + L^3 a) / D. Of S exp(-D^k), with v = k D^k = L D^k,
        L gives (L S - v S) exp(-D^k), and so on; s0 to s3 are S, L S, L^2 S and L^3 S.
        """
        (a1, a2, a3, a4, a5, a6, a7, f3, f8, g1, g2, g3, g4, g5, g6, g7, g8, g9,
         h1, h3, i1, i2, i3, i4, i5) = self.a  # fmt: skip
        d2 = d * d
        d3, d4 = d * d2, d2 * d2
        d5, d6, d7, d8 = d * d4, d2 * d4, d3 * d4, d4 * d4
        a1, a2, a3, a4, a5, a6, a7 = a1 * d, a2 * d2, a3 * d3, a4 * d4, a5 * d5, a6 * d6, a7 * d7
        l1 = a1 + 2.0 * a2 + 3.0 * a3 + 4.0 * a4 + 5.0 * a5 + 6.0 * a6 + 7.0 * a7
        l2 = a1 + 4.0 * a2 + 9.0 * a3 + 16.0 * a4 + 25.0 * a5 + 36.0 * a6 + 49.0 * a7
        l3 = a1 + 8.0 * a2 + 27.0 * a3 + 64.0 * a4 + 125.0 * a5 + 216.0 * a6 + 343.0 * a7
        f3, f8 = f3 * d3, f8 * d8
        g1, g2, g3, g4, g5 = g1 * d, g2 * d2, g3 * d3, g4 * d4, g5 * d5
        g6, g7, g8, g9 = g6 * d6, g7 * d7, g8 * d8, g9 * d8 * d
        h1, h3 = h1 * d, h3 * d3
        i1, i2, i3, i4, i5 = i1 * d, i2 * d2, i3 * d3, i4 * d4, i5 * d5
        for k, power, s0, s1, s2, s3 in (
            (1.0, d, f3 + f8, 3.0 * f3 + 8.0 * f8, 9.0 * f3 + 64.0 * f8, 27.0 * f3 + 512.0 * f8),
            (2.0, d2, g1 + g2 + g3 + g4 + g5 + g6 + g7 + g8 + g9,
             g1 + 2.0 * g2 + 3.0 * g3 + 4.0 * g4 + 5.0 * g5 + 6.0 * g6 + 7.0 * g7 + 8.0 * g8
             + 9.0 * g9,
             g1 + 4.0 * g2 + 9.0 * g3 + 16.0 * g4 + 25.0 * g5 + 36.0 * g6 + 49.0 * g7 + 64.0 * g8
             + 81.0 * g9,
             g1 + 8.0 * g2 + 27.0 * g3 + 64.0 * g4 + 125.0 * g5 + 216.0 * g6 + 343.0 * g7
             + 512.0 * g8 + 729.0 * g9),
            (3.0, d3, h1 + h3, h1 + 3.0 * h3, h1 + 9.0 * h3, h1 + 27.0 * h3),
            (4.0, d4, i1 + i2 + i3 + i4 + i5, i1 + 2.0 * i2 + 3.0 * i3 + 4.0 * i4 + 5.0 * i5,
             i1 + 4.0 * i2 + 9.0 * i3 + 16.0 * i4 + 25.0 * i5,
             i1 + 8.0 * i2 + 27.0 * i3 + 64.0 * i4 + 125.0 * i5),
        ):  # fmt: skip
            e, v = exp(-power), k * power
            w = v * (v - k)
            l1 += e * (s1 - v * s0)
            l2 += e * (s2 - 2.0 * v * s1 + w * s0)
            l3 += e * (s3 - 3.0 * (v * s2 - w * s1) - v * (w - k * (2.0 * v - k)) * s0)
        return Point(d, d * (1.0 + l1), 1.0 + l1 + l2, (l2 + l3) / d)


# The powers u of 1/T in B, and so of DetailGas.b
VIRIAL_EXPONENTS: Final = (
    -6.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 3.5, 4.5, 6.0, 7.5, 9.5, 11.0, 12.0, 12.5,
)  # fmt: skip


def isotherm(gas: DetailGas, t: float) -> Isotherm:
    """The gas's coefficients at T (K)."""
    (c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30,
     c31, c32, c33, c34, c35, c36, c37, c38, c39, c40, c41, c42, c43, c44, c45, c46, c47, c48,
     c49, c50, c51, c52, c53, c54, c55, c56, c57, c58) = gas.c  # fmt: skip
    (b_6, b_05, b0, b05, b1, b2, b3, b35, b45, b6, b75, b95, b11, b12, b125) = gas.b
    w = 1.0 / t
    root = math.sqrt(t)
    w05 = root * w
    t2, w2 = t * t, w * w
    w3, w4 = w * w2, w2 * w2
    t3, w6 = t * t2, w2 * w4
    t6, w7, w9 = t3 * t3, w3 * w4, w3 * w6
    w11, w12 = w4 * w7, w6 * w6
    w21 = w9 * w12
    w22 = w * w21
    w23, w8 = w * w22, w4 * w4
    a1 = (
        b_6 * t6 + b_05 * root + b0 + b05 * w05 + b1 * w + b2 * w2 + b3 * w3 + b6 * w6 + b11 * w11
        + b12 * w12 + w05 * (b35 * w3 + b45 * w4 + b75 * w7 + b95 * w9 + b125 * w12)
    )  # fmt: skip
    return Isotherm((
        a1, c19 * root + c20 * w05, c28 * root, c38 * root + c39, c45 * w, c50 * w * w05,
        c52 * root,
        c29 * w7 + c30 * t, c54 * w7,
        (c14 + c16) * w2 + c15 * w3, c21 + c22 * w4 + c23 * w6, c31 * w6 + c32 * w4,
        c40 * w2 + c41 * w7 + c42 * w9, c46 * w9 + c47 * w3, c51 * w * w4, c53 * w4,
        c55 * w3 + c56, c57 * w + c58,
        c13 * t6, c33 * w + c34 * w9,
        c17 * w2 + c18 * w11, c24 * w21 + c25 * w23 + c26 * w22 + c27 * t,
        c35 * t6 * t6 * t + c36 * w21 + c37 * w8, c43 * w22 + c44 * w23, c48 * w8 + c49 * w23,
    ))  # fmt: skip
