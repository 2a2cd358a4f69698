"""Whole conversions, gas to base volume, against 50-digit arithmetic, by every method."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from mpmath import mp, mpf

from protocols.metering.conversion import (
    BaseConditions,
    Detail,
    Factor,
    Gerg2008,
    Gross1,
    Gross2,
    Method,
    Nx19Mod,
    Sgerg88,
    SgergGas,
    SgergModH2,
    convert,
)
from protocols.metering.gross import Gross1Gas, Gross2Gas, GrossReference
from protocols.metering.nx19 import Nx19Gas
from protocols.metering.sgerg88 import SGERG_88, SGERG_MOD_H2
from tests.protocols.metering import conversion_mp, pyaga8_oracle

DRAWS = 40  # of which some are no gas
SLOW_DRAWS = 10
LEAST = 8
ERROR = mpf("1e-9")  # relative, of the base volume

BASES = (
    BaseConditions(101_325.0, 293.15),
    BaseConditions(101_325.0, 288.15),
    BaseConditions(101_325.0, 273.15),
    BaseConditions(101_560.0, 288.706),
)
PRESSURES_PA = ((1e5, 1e6), (1e6, 8e6))
REFERENCES = (
    GrossReference(298.15, 273.15, 101.325),
    GrossReference(288.7, 288.7, 101.56),
    GrossReference(293.15, 293.15, 101.325),
)

Draw = random.Random
Z = Callable[[float, float, float], mpf]  # p in Pa, T in K, and a Z near the root


def sgerg_88(draw: Draw) -> tuple[Method, Z]:
    gas = SgergGas(draw.uniform(36, 44), draw.uniform(0.58, 0.66), draw.uniform(0, 0.03), 0.02)
    mixture = conversion_mp.sgerg(gas, SGERG_88)
    return Sgerg88(gas), lambda p, t, _near: conversion_mp.z_virial(mixture, p / 1e5, t)


def sgerg_mod_h2(draw: Draw) -> tuple[Method, Z]:
    x_h2 = draw.uniform(0, 0.3)
    gas = SgergGas(40.6 - 28 * x_h2, 0.58 - 0.51 * x_h2, 0.006 * (1 - x_h2), x_h2)
    mixture = conversion_mp.sgerg(gas, SGERG_MOD_H2)
    return SgergModH2(gas), lambda p, t, _near: conversion_mp.z_virial(mixture, p / 1e5, t)


def gross_1(draw: Draw) -> tuple[Method, Z]:
    reference = draw.choice(REFERENCES)
    gr = draw.uniform(0.57, 0.62)
    heat = draw.uniform(0.93, 0.98) * (3.6 + 63 * gr) * 273.15 / reference.td_k
    gas = Gross1Gas(heat, gr, draw.uniform(0, 0.01), reference)
    mixture = conversion_mp.gross_1(gas)
    return Gross1(gas), lambda p, t, _near: conversion_mp.z_virial(mixture, p / 1e5, t)


def gross_2(draw: Draw) -> tuple[Method, Z]:
    x_n2, x_co2 = draw.uniform(0, 0.1), draw.uniform(0, 0.03)
    gr = draw.uniform(0.56, 0.62) + 0.41 * x_n2 + 0.97 * x_co2
    gas = Gross2Gas(gr, x_n2, x_co2, draw.choice(REFERENCES))
    mixture = conversion_mp.gross_2(gas)
    return Gross2(gas), lambda p, t, _near: conversion_mp.z_virial(mixture, p / 1e5, t)


def detail(draw: Draw) -> tuple[Method, Z]:
    composition = pyaga8_oracle.pipeline_states(draw.randrange(10**6), 1)[0].composition
    return Detail(composition), lambda p, t, near: conversion_mp.z_detail(
        composition, p / 1e3, t, near
    )


def gerg_2008(draw: Draw) -> tuple[Method, Z]:
    composition = pyaga8_oracle.pipeline_states(draw.randrange(10**6), 1)[0].composition
    return Gerg2008(composition), lambda p, t, near: conversion_mp.z_gerg(
        composition, p / 1e3, t, near
    )


def nx_19_mod(draw: Draw) -> tuple[Method, Z]:
    gas = Nx19Gas(draw.uniform(0.67, 0.8), draw.uniform(0, 0.1), draw.uniform(0, 0.05))

    def z(p: float, t: float, _near: float) -> mpf:
        if (p, t) == conversion_mp.own_base:
            return conversion_mp.z_c_nx19(gas)
        return conversion_mp.z_nx19(gas, p / 1e6, t)

    return Nx19Mod(gas), z


METHODS = (sgerg_88, sgerg_mod_h2, gross_1, gross_2, detail, gerg_2008, nx_19_mod)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_against_fifty_digits(method: Callable[[Draw], tuple[Method, Z]]) -> None:
    """The base volume of a line volume is right to 1e-9 of itself, Z and Zb by the same method."""
    draw = Draw(12405)
    compared = 0
    with mp.workdps(conversion_mp.DIGITS):
        for _ in range(SLOW_DRAWS if method in (detail, gerg_2008) else DRAWS):
            chosen, z = method(draw)
            base = draw.choice(BASES)
            p, t = draw.uniform(*draw.choice(PRESSURES_PA)), draw.uniform(265, 335)
            factor = convert(chosen, p, t, base)
            if not isinstance(factor, Factor):
                continue
            z_line, z_base = z(p, t, factor.z_line), z(*base, factor.z_base)
            exact = mpf(p) / mpf(base[0]) * mpf(base[1]) / mpf(t) * z_base / z_line
            assert abs(factor.conversion_factor / exact - 1) < ERROR, (chosen, p, t)
            assert abs(factor.z_base / z_base - 1) < ERROR
            compared += 1
    assert compared >= LEAST
