"""The gas branch of van der Waals' fluid, whose every root and spinodal is known in closed form."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocols.metering.gas_branch import Isotherm, Point, density_of_gas


def van_der_waals(t: float) -> Isotherm:
    """p / (rho_c R T) over rho / rho_c at T / T_c = t; beyond 3 the molecules overlap."""

    def point(delta: float) -> Point:
        if delta >= 3.0:
            return Point(delta, math.inf, -math.inf, 0.0)
        free, pull = 1.0 - delta / 3.0, 9.0 / (8.0 * t)
        return Point(
            delta,
            delta / free - pull * delta * delta,
            1.0 / (free * free) - 2.0 * pull * delta,
            2.0 / (3.0 * free * free * free) - 2.0 * pull,
        )

    return point


def end_of_gas(t: float) -> float:
    """The first density where the pressure stops rising, by bisection on (0, 1); inf above T_c."""
    if t >= 1.0:
        return math.inf
    isotherm, low, high = van_der_waals(t), 0.0, 1.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if isotherm(middle).slope > 0.0 else (low, middle)
    return low


@pytest.mark.parametrize("t", [0.5, 0.8, 0.9, 0.99, 0.9999, 0.999999])
@pytest.mark.parametrize("share", [1e-9, 0.1, 0.9, 0.999, 1 - 1e-9])
def test_below_the_end_of_the_gas(t: float, share: float) -> None:
    """Every pressure up to the end of the branch has its density, none above it has."""
    isotherm, end = van_der_waals(t), end_of_gas(t)
    highest = isotherm(end).pressure
    density = density_of_gas(isotherm, isotherm(0.0), share * highest)
    assert density is not None
    assert 0.0 < density <= end
    assert isotherm(density).pressure == pytest.approx(share * highest, rel=1e-13)
    assert density_of_gas(isotherm, isotherm(0.0), highest * (1.0 + 1e-9)) is None
    assert density_of_gas(isotherm, isotherm(0.0), highest / share) is None


@pytest.mark.parametrize("t", [1.000001, 1.001, 1.1, 2.0, 20.0])
@pytest.mark.parametrize("density", [1e-9, 0.3, 0.999, 1.2, 2.0, 2.6])
def test_supercritical_densities(t: float, density: float) -> None:
    """Above the critical temperature every density is the gas's, also a liquid's."""
    isotherm = van_der_waals(t)
    found = density_of_gas(isotherm, isotherm(0.0), isotherm(density).pressure)
    assert found == pytest.approx(density, rel=1e-9)


@given(st.floats(0.3, 3.0), st.floats(-9.0, 2.0))
def test_the_first_root_or_none(t: float, exponent: float) -> None:
    """What is found has the pressure asked for, and the isotherm rises on all the way to it."""
    isotherm, pressure = van_der_waals(t), 10.0**exponent
    end = end_of_gas(t)
    assume(abs(t - 1.0) > 1e-7)
    density = density_of_gas(isotherm, isotherm(0.0), pressure)
    if density is None:
        assert pressure > isotherm(end).pressure
    else:
        assert density <= end
        assert isotherm(density).pressure == pytest.approx(pressure, rel=1e-12)


@pytest.mark.parametrize("t", [1.0, 1.0 + 1e-9, 1.0 + 1e-8, 1.0 + 1e-7])
@pytest.mark.parametrize("share", [1.0 - 1e-12, 1.0, 1.0 + 1e-12, 1.0 + 1e-6, 1.001, 1.1])
def test_at_the_critical_point(t: float, share: float) -> None:
    """Where the isotherm is level for all that floats can tell: the density, or none."""
    isotherm, pressure = van_der_waals(t), 0.375 * share
    density = density_of_gas(isotherm, isotherm(0.0), pressure)
    if t == 1.0 and share > 1.0:
        assert density is None
    elif density is not None:
        assert isotherm(density).pressure == pytest.approx(pressure, rel=1e-12)


def test_few_and_finite_steps() -> None:
    """Where there is no density, no more than a step beyond the end is asked, and not often.

    At the end of every second of these isotherms the slope is a last bit above zero, so that the
    next step changes nothing.
    """
    for thousandths in range(6_000, 16_000, 10):
        asked: list[float] = []

        def isotherm(
            delta: float, b: float = thousandths / 1000, asked: list[float] = asked
        ) -> Point:
            asked.append(delta)
            pressure = delta - b / 2.0 * delta**2 + 8.0 / 3.0 * delta**3
            return Point(delta, pressure, 1.0 - b * delta + 8.0 * delta**2, 16.0 * delta - b)

        assert density_of_gas(isotherm, isotherm(0.0), 0.5) is None
        assert len(asked) < 20
        assert max(asked) < 0.6


def test_an_isotherm_that_ends() -> None:
    """A gas that stops existing at a density is followed up to it, and no further."""

    def isotherm(delta: float) -> Point:
        return Point(delta, delta, 1.0 if delta <= 0.7 else -1.0, 0.0)

    assert density_of_gas(isotherm, isotherm(0.0), 0.7) == 0.7
    assert density_of_gas(isotherm, isotherm(0.0), 0.7001) is None
    assert density_of_gas(isotherm, isotherm(0.0), 0.8) is None


def test_a_pressure_that_is_no_number() -> None:
    """Not a number and infinity have no density."""
    isotherm = van_der_waals(1.5)
    for pressure in (math.nan, math.inf):
        assert density_of_gas(isotherm, isotherm(0.0), pressure) is None
