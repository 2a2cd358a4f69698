"""Traps for the density of DETAIL and GERG-2008: liquids, ends of the gas branch, level isotherms.

Only the pressure at a given density is asked of a method here, so the gas branch is found without
the search that is on trial.
"""

import itertools
import math
import random
from collections.abc import Callable
from typing import NamedTuple

import pytest

from protocols.metering import aga8_detail, gerg2008
from protocols.metering.composition import COMPONENTS, Composition
from protocols.metering.mixture_range import Range
from protocols.metering.refusal import NotConverged, OutOfRange

ANYWHERE = Range((0.0, math.inf), (0.0, math.inf))
STEPS = 400

Z = float | OutOfRange | NotConverged


class Method(NamedTuple):
    """A gas constant, and Z at p and T and the pressure at rho and T for one gas."""

    r: float
    z: Callable[[float, float], Z]
    pressure: Callable[[float, float], float]


def detail(composition: Composition) -> Method:
    gas = aga8_detail.detail_gas(composition)
    return Method(
        aga8_detail.R,
        lambda p, t: aga8_detail.z_within(gas, p, t, ANYWHERE),
        lambda rho, t: aga8_detail.state_of(gas, rho, t).p_kpa,
    )


def gerg(composition: Composition) -> Method:
    gas = gerg2008.gerg_gas(composition)
    return Method(
        gerg2008.R,
        lambda p, t: gerg2008.z_within(gas, p, t, ANYWHERE, even_supersaturated=True),
        lambda rho, t: gerg2008.state_of(gas, rho, t).p_kpa,
    )


METHODS = pytest.mark.parametrize("method", [detail, gerg])


def rich_gas(draw: random.Random) -> Composition:
    """Much ethane, propane, butanes, CO2 and H2S, some of everything up to hexane."""
    most = dict(
        zip(COMPONENTS, (0.0, 0.2, 0.3, 0.2, 0.1, 0.05, 0.05, 0.03, 0.03, 0.02), strict=False)
    )
    most["hydrogen_sulfide"] = 0.2
    shares = {name: draw.random() * most.get(name, 0.0) for name in COMPONENTS}
    shares["methane"] = 1.0
    total = math.fsum(shares.values())
    return Composition(tuple(share / total for share in shares.values()))


def end_of_gas(method: Method, t: float) -> tuple[float, float] | None:
    """Density and pressure where the pressure first stops rising: by grid, then golden section."""
    grid = [18.0 * k / STEPS for k in range(STEPS)]
    pressures = [method.pressure(rho, t) if rho else 0.0 for rho in grid]
    falls = (k for k, (a, b) in enumerate(itertools.pairwise(pressures)) if b <= a)
    k = next(falls, None)
    if k is None:
        return None
    low, high = grid[k - 1], grid[k + 1]
    for _ in range(60):
        a, b = high - 0.618 * (high - low), low + 0.618 * (high - low)
        low, high = (low, b) if method.pressure(a, t) > method.pressure(b, t) else (a, high)
    return low, method.pressure(low, t)


@METHODS
def test_up_to_the_end_of_the_gas_and_no_further(method: Callable[[Composition], Method]) -> None:
    """Below the end of the branch there is the gas's Z; above it none, though a liquid has one."""
    draw = random.Random(3)
    ends = 0
    for _ in range(12):
        gas = method(rich_gas(draw))
        for t in (190.0, 215.0, 225.0, 240.0, 255.0):
            end = end_of_gas(gas, t)
            if end is None:
                continue
            ends += 1
            rho_end, p_end = end
            for p in (0.01 * p_end, 0.7 * p_end, 0.9999 * p_end):
                z = gas.z(p, t)
                assert isinstance(z, float), (t, p, p_end)
                rho = p / (z * gas.r * t)
                assert rho < rho_end
                assert gas.pressure(rho, t) == pytest.approx(p, rel=1e-11)
            for p in (p_end * 1.000001, p_end * 1.01, p_end * 1.5, 3.0 * p_end, 60_000.0):
                assert isinstance(gas.z(p, t), NotConverged), (t, p, p_end)
    assert ends > 20


@METHODS
def test_a_hair_below_the_critical_temperature(method: Callable[[Composition], Method]) -> None:
    """Where the branch only just ends, neither a step nor a level isotherm leads past its end."""
    draw = random.Random(4)
    for _ in range(4):
        gas = method(rich_gas(draw))
        low, high = 150.0, 450.0
        for _ in range(22):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if end_of_gas(gas, middle) is None else (middle, high)
        for below in (1e-2, 1e-3, 3e-4):
            t = low * (1.0 - below)
            end = end_of_gas(gas, t)
            assert end is not None
            for p in (end[1] * 1.000001, end[1] * 1.001, end[1] * 1.2):
                assert isinstance(gas.z(p, t), NotConverged), (t, p, end)


@METHODS
def test_supercritical_states_come_out(method: Callable[[Composition], Method]) -> None:
    """Where the pressure rises all the way, every pressure has its Z, however dense the gas."""
    draw = random.Random(5)
    dense = 0
    for _ in range(12):
        gas = method(rich_gas(draw))
        for t in (330.0, 350.0):
            if end_of_gas(gas, t) is not None:
                continue
            for p in (1.0, 5_000.0, 20_000.0, 50_000.0):
                z = gas.z(p, t)
                assert isinstance(z, float), (t, p)
                assert gas.pressure(p / (z * gas.r * t), t) == pytest.approx(p, rel=1e-11)
                dense += p == 50_000.0
    assert dense > 5
