"""The deterministic arithmetic against mpmath, over its whole range and at its ends."""

import math
import random
from collections.abc import Callable

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.exact import cube_root, exp, fifth_root, log, power

DRAWS = 4000
POSITIVE = st.floats(math.ulp(0.0), allow_infinity=False, allow_nan=False)


def ulps(found: float, exact: object) -> float:
    """The error in units of the last place of the exact value."""
    value = mpmath.mpf(exact)
    return float(abs(mpmath.mpf(found) - value) / math.ulp(float(value)))


def wide(draw: random.Random) -> float:
    """A positive number of any size, or one near 1, where a logarithm is small."""
    return draw.choice(
        (10 ** draw.uniform(-320, 308), draw.uniform(0.5, 2.0), 1.0 + draw.gauss(0, 1e-4))
    )


@pytest.mark.parametrize(
    ("found", "exact", "bound"),
    [
        (log, mpmath.log, 1.0),
        (cube_root, mpmath.cbrt, 1.0),
        (fifth_root, lambda x: mpmath.root(x, 5), 1.0),
    ],
    ids=["log", "cube_root", "fifth_root"],
)
def test_last_place(
    found: Callable[[float], float], exact: Callable[[object], object], bound: float
) -> None:
    """Logarithm and roots of numbers of any size are right to a unit of the last place."""
    draw = random.Random(20765)
    with mpmath.workprec(200):
        worst = max(
            ulps(found(x), exact(mpmath.mpf(x))) for x in (wide(draw) for _ in range(DRAWS))
        )
    assert worst <= bound


def test_exp_last_place() -> None:
    """e^x is right to a unit of the last place from the smallest double to the largest."""
    draw = random.Random(12213)
    scales = (745.0, 50.0, 1.0, 1e-5)
    points = [draw.uniform(-scale, min(scale, 709.78)) for scale in scales for _ in range(DRAWS)]
    with mpmath.workprec(200):
        assert max(ulps(exp(x), mpmath.exp(mpmath.mpf(x))) for x in points) <= 1.0


def test_power_to_1e_15() -> None:
    """x^y is right to 1e-15 wherever |y ln x| is up to 50."""
    draw = random.Random(17747)
    with mpmath.workprec(200):
        for _ in range(DRAWS):
            x = wide(draw)
            y = draw.uniform(-50.0, 50.0) / max(abs(math.log(x)), 1e-3)
            exact = mpmath.power(mpmath.mpf(x), mpmath.mpf(y))
            assert abs(power(x, y) / exact - 1) <= 1e-15, (x, y)


@pytest.mark.parametrize(
    ("found", "exact"),
    [
        (exp(0.0), 1.0), (exp(-0.0), 1.0), (exp(-746.0), 0.0), (exp(-math.inf), 0.0),
        (exp(-745.1), 5e-324), (log(1.0), 0.0), (log(5e-324), -744.4400719213812),
        (log(math.e), 1.0), (power(1.0, 1e300), 1.0), (power(7.0, 0.0), 1.0),
        (power(1e-300, 1e300), 0.0), (power(2.0, -1080.0), 0.0), (power(2.0, 1023.0), 2.0**1023),
        (power(300.0, 1.0), 300.0), (cube_root(0.0), 0.0), (cube_root(27.0), 3.0),
        (fifth_root(0.0), 0.0), (fifth_root(243.0), 3.0),
    ],
)  # fmt: skip
def test_known_values(found: float, exact: float) -> None:
    """Round arguments give round values, and what is too small is zero."""
    assert found == exact


@pytest.mark.parametrize(
    ("found", "bits"),
    [
        (exp(-0.3), "0x1.7b4c869c37c05p-1"),
        (exp(37.2), "0x1.96d28cc229d82p+53"),
        (exp(-700.1), "0x1.f52f93df4dfcfp-1011"),
        (log(293.15), "0x1.6b9055665c62cp+2"),
        (log(1.0001), "0x1.a368d0657fcd4p-14"),
        (power(1.7, -3.1), "0x1.8b4f79b5ed79cp-3"),
        (power(263.15, 13.7), "0x1.1af607e88a85bp+110"),
        (cube_root(0.0123), "0x1.d8c00875f6e36p-3"),
        (fifth_root(0.0123), "0x1.a8e4f5955397bp-2"),
    ],
)
def test_the_same_bits_everywhere(found: float, bits: str) -> None:
    """The results have these very bits on every processor."""
    assert found.hex() == bits


@pytest.mark.parametrize(
    "call",
    [
        lambda: exp(709.79), lambda: exp(math.inf), lambda: power(10.0, 309.0),
        lambda: power(1e300, 1e300), lambda: power(2.0, 1024.0),
    ],
)  # fmt: skip
def test_overflow(call: Callable[[], float]) -> None:
    """A result beyond the largest double is an OverflowError, never an infinity."""
    with pytest.raises(OverflowError):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: exp(math.nan), lambda: log(math.nan), lambda: log(0.0), lambda: log(-1.0),
        lambda: log(math.inf), lambda: power(math.nan, 1.0), lambda: power(1.0, math.nan),
        lambda: power(0.0, 1.0), lambda: power(-1.0, 2.0), lambda: power(2.0, math.inf),
        lambda: cube_root(math.nan), lambda: cube_root(-1.0), lambda: cube_root(math.inf),
        lambda: fifth_root(math.nan), lambda: fifth_root(-1.0), lambda: fifth_root(math.inf),
    ],
)  # fmt: skip
def test_outside_the_domain(call: Callable[[], float]) -> None:
    """A NaN, an infinity or a number without a real answer is a ValueError."""
    with pytest.raises(ValueError):
        call()


@given(st.floats(1e-12, 1e6))
def test_cube_root(a: float) -> None:
    """The cube root is right to the last bit or the one beside it."""
    assert cube_root(a) == pytest.approx(math.cbrt(a), rel=4e-16)


@given(POSITIVE)
def test_log_and_exp_undo_each_other(x: float) -> None:
    """exp(log x) is x, but for the rounding of the logarithm."""
    assert exp(log(x)) == pytest.approx(x, rel=2e-13, abs=5e-324)
