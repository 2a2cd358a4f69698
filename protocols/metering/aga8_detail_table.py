"""The constants of AGA8-DETAIL.

AGA Report No. 8 Part 1 (2017), the same as AGA8-92DC of ISO 12213-2:2006 Annex B and GB/T
17747.2-2011. Taken from the reference code of NIST, usnistgov/AGA8 `AGA8CODE/C/Detail.cpp` at
3bdb9ab8 (a work of the US Government, in the public domain). n-hexane to n-decane stand there as
hexane to decane.
"""

from __future__ import annotations

from typing import Final, NamedTuple

R: Final = 8.31451  # kPa dm3/(mol K)


class Term(NamedTuple):
    """Term n of the equation of state: coefficient, exponents and flags."""

    a: float
    b: int  # power of the reduced density
    c: int  # 1: with exp(-D^k)
    k: int
    u: float  # power of 1/T, a multiple of 1/2
    g: int
    q: int
    f: int
    s: int
    w: int


class Component(NamedTuple):
    """M in g/mol, energy E in K, size K in (dm3/mol)^(1/3); the rest without a unit."""

    m: float
    e: float
    k: float
    g: float  # orientation
    q: float  # quadrupole
    f: float  # high temperature
    s: float  # dipole
    w: float  # association


class Pair(NamedTuple):
    """Binary interaction of two components; 1 is none."""

    e: float
    u: float
    k: float
    g: float


# Terms 1 to 58, Table B.1: a, b, c, k, u, g, q, f, s, w
TERMS: Final = (
    Term(0.1538326, 1, 0, 0, 0.0, 0, 0, 0, 0, 0),  # 1
    Term(1.341953, 1, 0, 0, 0.5, 0, 0, 0, 0, 0),  # 2
    Term(-2.998583, 1, 0, 0, 1.0, 0, 0, 0, 0, 0),  # 3
    Term(-0.04831228, 1, 0, 0, 3.5, 0, 0, 0, 0, 0),  # 4
    Term(0.3757965, 1, 0, 0, -0.5, 1, 0, 0, 0, 0),  # 5
    Term(-1.589575, 1, 0, 0, 4.5, 1, 0, 0, 0, 0),  # 6
    Term(-0.05358847, 1, 0, 0, 0.5, 0, 1, 0, 0, 0),  # 7
    Term(0.88659463, 1, 0, 0, 7.5, 0, 0, 0, 1, 0),  # 8
    Term(-0.71023704, 1, 0, 0, 9.5, 0, 0, 0, 1, 0),  # 9
    Term(-1.471722, 1, 0, 0, 6.0, 0, 0, 0, 0, 1),  # 10
    Term(1.32185035, 1, 0, 0, 12.0, 0, 0, 0, 0, 1),  # 11
    Term(-0.78665925, 1, 0, 0, 12.5, 0, 0, 0, 0, 1),  # 12
    Term(2.29129e-09, 1, 1, 3, -6.0, 0, 0, 1, 0, 0),  # 13
    Term(0.1576724, 1, 1, 2, 2.0, 0, 0, 0, 0, 0),  # 14
    Term(-0.4363864, 1, 1, 2, 3.0, 0, 0, 0, 0, 0),  # 15
    Term(-0.04408159, 1, 1, 2, 2.0, 0, 1, 0, 0, 0),  # 16
    Term(-0.003433888, 1, 1, 4, 2.0, 0, 0, 0, 0, 0),  # 17
    Term(0.03205905, 1, 1, 4, 11.0, 0, 0, 0, 0, 0),  # 18
    Term(0.02487355, 2, 0, 0, -0.5, 0, 0, 0, 0, 0),  # 19
    Term(0.07332279, 2, 0, 0, 0.5, 0, 0, 0, 0, 0),  # 20
    Term(-0.001600573, 2, 1, 2, 0.0, 0, 0, 0, 0, 0),  # 21
    Term(0.6424706, 2, 1, 2, 4.0, 0, 0, 0, 0, 0),  # 22
    Term(-0.4162601, 2, 1, 2, 6.0, 0, 0, 0, 0, 0),  # 23
    Term(-0.06689957, 2, 1, 4, 21.0, 0, 0, 0, 0, 0),  # 24
    Term(0.2791795, 2, 1, 4, 23.0, 1, 0, 0, 0, 0),  # 25
    Term(-0.6966051, 2, 1, 4, 22.0, 0, 1, 0, 0, 0),  # 26
    Term(-0.002860589, 2, 1, 4, -1.0, 0, 0, 1, 0, 0),  # 27
    Term(-0.008098836, 3, 0, 0, -0.5, 0, 1, 0, 0, 0),  # 28
    Term(3.150547, 3, 1, 1, 7.0, 1, 0, 0, 0, 0),  # 29
    Term(0.007224479, 3, 1, 1, -1.0, 0, 0, 1, 0, 0),  # 30
    Term(-0.7057529, 3, 1, 2, 6.0, 0, 0, 0, 0, 0),  # 31
    Term(0.5349792, 3, 1, 2, 4.0, 1, 0, 0, 0, 0),  # 32
    Term(-0.07931491, 3, 1, 3, 1.0, 1, 0, 0, 0, 0),  # 33
    Term(-1.418465, 3, 1, 3, 9.0, 1, 0, 0, 0, 0),  # 34
    Term(-5.99905e-17, 3, 1, 4, -13.0, 0, 0, 1, 0, 0),  # 35
    Term(0.1058402, 3, 1, 4, 21.0, 0, 0, 0, 0, 0),  # 36
    Term(0.03431729, 3, 1, 4, 8.0, 0, 1, 0, 0, 0),  # 37
    Term(-0.007022847, 4, 0, 0, -0.5, 0, 0, 0, 0, 0),  # 38
    Term(0.02495587, 4, 0, 0, 0.0, 0, 0, 0, 0, 0),  # 39
    Term(0.04296818, 4, 1, 2, 2.0, 0, 0, 0, 0, 0),  # 40
    Term(0.7465453, 4, 1, 2, 7.0, 0, 0, 0, 0, 0),  # 41
    Term(-0.2919613, 4, 1, 2, 9.0, 0, 1, 0, 0, 0),  # 42
    Term(7.294616, 4, 1, 4, 22.0, 0, 0, 0, 0, 0),  # 43
    Term(-9.936757, 4, 1, 4, 23.0, 0, 0, 0, 0, 0),  # 44
    Term(-0.005399808, 5, 0, 0, 1.0, 0, 0, 0, 0, 0),  # 45
    Term(-0.2432567, 5, 1, 2, 9.0, 0, 0, 0, 0, 0),  # 46
    Term(0.04987016, 5, 1, 2, 3.0, 0, 1, 0, 0, 0),  # 47
    Term(0.003733797, 5, 1, 4, 8.0, 0, 0, 0, 0, 0),  # 48
    Term(1.874951, 5, 1, 4, 23.0, 0, 1, 0, 0, 0),  # 49
    Term(0.002168144, 6, 0, 0, 1.5, 0, 0, 0, 0, 0),  # 50
    Term(-0.6587164, 6, 1, 2, 5.0, 1, 0, 0, 0, 0),  # 51
    Term(0.000205518, 7, 0, 0, -0.5, 0, 1, 0, 0, 0),  # 52
    Term(0.009776195, 7, 1, 2, 4.0, 0, 0, 0, 0, 0),  # 53
    Term(-0.02048708, 8, 1, 1, 7.0, 1, 0, 0, 0, 0),  # 54
    Term(0.01557322, 8, 1, 2, 3.0, 0, 0, 0, 0, 0),  # 55
    Term(0.006862415, 8, 1, 2, 0.0, 1, 0, 0, 0, 0),  # 56
    Term(-0.001226752, 9, 1, 2, 1.0, 0, 0, 0, 0, 0),  # 57
    Term(0.002850908, 9, 1, 2, 0.0, 0, 1, 0, 0, 0),  # 58
)

# By component: M, E, K, G, Q, F, S, W, Table B.2
PURE: Final = {
    "methane": Component(16.043, 151.3183, 0.4619255, 0.0, 0.0, 0.0, 0.0, 0.0),
    "nitrogen": Component(28.0135, 99.73778, 0.4479153, 0.027815, 0.0, 0.0, 0.0, 0.0),
    "carbon_dioxide": Component(44.01, 241.9606, 0.4557489, 0.189065, 0.69, 0.0, 0.0, 0.0),
    "ethane": Component(30.07, 244.1667, 0.5279209, 0.0793, 0.0, 0.0, 0.0, 0.0),
    "propane": Component(44.097, 298.1183, 0.583749, 0.141239, 0.0, 0.0, 0.0, 0.0),
    "isobutane": Component(58.123, 324.0689, 0.6406937, 0.256692, 0.0, 0.0, 0.0, 0.0),
    "n_butane": Component(58.123, 337.6389, 0.6341423, 0.281835, 0.0, 0.0, 0.0, 0.0),
    "isopentane": Component(72.15, 365.5999, 0.6738577, 0.332267, 0.0, 0.0, 0.0, 0.0),
    "n_pentane": Component(72.15, 370.6823, 0.6798307, 0.366911, 0.0, 0.0, 0.0, 0.0),
    "n_hexane": Component(86.177, 402.636293, 0.7175118, 0.289731, 0.0, 0.0, 0.0, 0.0),
    "n_heptane": Component(100.204, 427.72263, 0.7525189, 0.337542, 0.0, 0.0, 0.0, 0.0),
    "n_octane": Component(114.231, 450.325022, 0.784955, 0.383381, 0.0, 0.0, 0.0, 0.0),
    "n_nonane": Component(128.258, 470.840891, 0.8152731, 0.427354, 0.0, 0.0, 0.0, 0.0),
    "n_decane": Component(142.285, 489.558373, 0.8437826, 0.469659, 0.0, 0.0, 0.0, 0.0),
    "hydrogen": Component(2.0159, 26.95794, 0.3514916, 0.034369, 0.0, 1.0, 0.0, 0.0),
    "oxygen": Component(31.9988, 122.7667, 0.4186954, 0.021, 0.0, 0.0, 0.0, 0.0),
    "carbon_monoxide": Component(28.01, 105.5348, 0.4533894, 0.038953, 0.0, 0.0, 0.0, 0.0),
    "water": Component(18.0153, 514.0156, 0.3825868, 0.3325, 1.06775, 0.0, 1.5822, 1.0),
    "hydrogen_sulfide": Component(34.082, 296.355, 0.4618263, 0.0885, 0.633276, 0.0, 0.39, 0.0),
    "helium": Component(4.0026, 2.610111, 0.3589888, 0.0, 0.0, 0.0, 0.0, 0.0),
    "argon": Component(39.948, 119.6299, 0.4216551, 0.0, 0.0, 0.0, 0.0, 0.0),
}  # fmt: skip

# Pairs that interact otherwise than by the rule, E*, U, K, G*, Table B.3
PAIRS: Final = {
    ("methane", "nitrogen"): Pair(0.97164, 0.886106, 1.00363, 1.0),
    ("methane", "carbon_dioxide"): Pair(0.960644, 0.963827, 0.995933, 0.807653),
    ("methane", "propane"): Pair(0.994635, 0.990877, 1.007619, 1.0),
    ("methane", "isobutane"): Pair(1.01953, 1.0, 1.0, 1.0),
    ("methane", "n_butane"): Pair(0.989844, 0.992291, 0.997596, 1.0),
    ("methane", "isopentane"): Pair(1.00235, 1.0, 1.0, 1.0),
    ("methane", "n_pentane"): Pair(0.999268, 1.00367, 1.002529, 1.0),
    ("methane", "n_hexane"): Pair(1.107274, 1.302576, 0.982962, 1.0),
    ("methane", "n_heptane"): Pair(0.88088, 1.191904, 0.983565, 1.0),
    ("methane", "n_octane"): Pair(0.880973, 1.205769, 0.982707, 1.0),
    ("methane", "n_nonane"): Pair(0.881067, 1.219634, 0.981849, 1.0),
    ("methane", "n_decane"): Pair(0.881161, 1.233498, 0.980991, 1.0),
    ("methane", "hydrogen"): Pair(1.17052, 1.15639, 1.02326, 1.95731),
    ("methane", "carbon_monoxide"): Pair(0.990126, 1.0, 1.0, 1.0),
    ("methane", "water"): Pair(0.708218, 1.0, 1.0, 1.0),
    ("methane", "hydrogen_sulfide"): Pair(0.931484, 0.736833, 1.00008, 1.0),
    ("nitrogen", "carbon_dioxide"): Pair(1.02274, 0.835058, 0.982361, 0.982746),
    ("nitrogen", "ethane"): Pair(0.97012, 0.816431, 1.00796, 1.0),
    ("nitrogen", "propane"): Pair(0.945939, 0.915502, 1.0, 1.0),
    ("nitrogen", "isobutane"): Pair(0.946914, 1.0, 1.0, 1.0),
    ("nitrogen", "n_butane"): Pair(0.973384, 0.993556, 1.0, 1.0),
    ("nitrogen", "isopentane"): Pair(0.95934, 1.0, 1.0, 1.0),
    ("nitrogen", "n_pentane"): Pair(0.94552, 1.0, 1.0, 1.0),
    ("nitrogen", "hydrogen"): Pair(1.08632, 0.408838, 1.03227, 1.0),
    ("nitrogen", "oxygen"): Pair(1.021, 1.0, 1.0, 1.0),
    ("nitrogen", "carbon_monoxide"): Pair(1.00571, 1.0, 1.0, 1.0),
    ("nitrogen", "water"): Pair(0.746954, 1.0, 1.0, 1.0),
    ("nitrogen", "hydrogen_sulfide"): Pair(0.902271, 0.993476, 0.942596, 1.0),
    ("carbon_dioxide", "ethane"): Pair(0.925053, 0.96987, 1.00851, 0.370296),
    ("carbon_dioxide", "propane"): Pair(0.960237, 1.0, 1.0, 1.0),
    ("carbon_dioxide", "isobutane"): Pair(0.906849, 1.0, 1.0, 1.0),
    ("carbon_dioxide", "n_butane"): Pair(0.897362, 1.0, 1.0, 1.0),
    ("carbon_dioxide", "isopentane"): Pair(0.726255, 1.0, 1.0, 1.0),
    ("carbon_dioxide", "n_pentane"): Pair(0.859764, 1.0, 1.0, 1.0),
    ("carbon_dioxide", "n_hexane"): Pair(0.855134, 1.066638, 0.910183, 1.0),
    ("carbon_dioxide", "n_heptane"): Pair(0.831229, 1.077634, 0.895362, 1.0),
    ("carbon_dioxide", "n_octane"): Pair(0.80831, 1.088178, 0.881152, 1.0),
    ("carbon_dioxide", "n_nonane"): Pair(0.786323, 1.098291, 0.86752, 1.0),
    ("carbon_dioxide", "n_decane"): Pair(0.765171, 1.108021, 0.854406, 1.0),
    ("carbon_dioxide", "hydrogen"): Pair(1.28179, 1.0, 1.0, 1.0),
    ("carbon_dioxide", "carbon_monoxide"): Pair(1.5, 0.9, 1.0, 1.0),
    ("carbon_dioxide", "water"): Pair(0.849408, 1.0, 1.0, 1.67309),
    ("carbon_dioxide", "hydrogen_sulfide"): Pair(0.955052, 1.04529, 1.00779, 1.0),
    ("ethane", "propane"): Pair(1.02256, 1.065173, 0.986893, 1.0),
    ("ethane", "isobutane"): Pair(1.0, 1.25, 1.0, 1.0),
    ("ethane", "n_butane"): Pair(1.01306, 1.25, 1.0, 1.0),
    ("ethane", "isopentane"): Pair(1.0, 1.25, 1.0, 1.0),
    ("ethane", "n_pentane"): Pair(1.00532, 1.25, 1.0, 1.0),
    ("ethane", "hydrogen"): Pair(1.16446, 1.61666, 1.02034, 1.0),
    ("ethane", "water"): Pair(0.693168, 1.0, 1.0, 1.0),
    ("ethane", "hydrogen_sulfide"): Pair(0.946871, 0.971926, 0.999969, 1.0),
    ("propane", "n_butane"): Pair(1.0049, 1.0, 1.0, 1.0),
    ("propane", "hydrogen"): Pair(1.034787, 1.0, 1.0, 1.0),
    ("isobutane", "hydrogen"): Pair(1.3, 1.0, 1.0, 1.0),
    ("n_butane", "hydrogen"): Pair(1.3, 1.0, 1.0, 1.0),
    ("n_hexane", "hydrogen_sulfide"): Pair(1.008692, 1.028973, 0.96813, 1.0),
    ("n_heptane", "hydrogen_sulfide"): Pair(1.010126, 1.033754, 0.96287, 1.0),
    ("n_octane", "hydrogen_sulfide"): Pair(1.011501, 1.038338, 0.957828, 1.0),
    ("n_nonane", "hydrogen_sulfide"): Pair(1.012821, 1.042735, 0.952441, 1.0),
    ("n_decane", "hydrogen_sulfide"): Pair(1.014089, 1.046966, 0.948338, 1.0),
    ("hydrogen", "carbon_monoxide"): Pair(1.1, 1.0, 1.0, 1.0),
}  # fmt: skip
