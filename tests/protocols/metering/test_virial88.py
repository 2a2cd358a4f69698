"""The virial equation that SGERG-88 and GROSS share: its gas branch, and what is no gas."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.refusal import NotConverged, OutOfRange
from protocols.metering.virial88 import (
    Mixture,
    R,
    VirialGas,
    second_virial,
    third_virial,
    z_of,
)

EVERYWHERE = ((0.0, 1e6), (1.0, 1e4))


def gas(x2: float, x3: float, h: float) -> VirialGas:
    return VirialGas("any", Mixture(1.0 - x2 - x3, x2, x3, 0.0, 0.0, h), *EVERYWHERE)


@pytest.mark.parametrize("h", [100.0, 3000.0])
def test_no_real_cross_coefficient_is_no_value(h: float) -> None:
    """A hydrocarbon that no gas has gives NotConverged, not a crash and not a Z."""
    answer = z_of(gas(0.1, 0.0, h), 60.0, 290.0)
    assert isinstance(answer, NotConverged)
    assert str(answer).startswith("any: ")


@given(
    x2=st.floats(0, 0.5), x3=st.floats(0, 0.3), h=st.floats(800, 1400), p=st.floats(0.01, 300),
    t=st.floats(240, 350),
)  # fmt: skip
def test_only_the_gas_branch(x2: float, x3: float, h: float, p: float, t: float) -> None:
    """A Z fulfils the equation, and from the ideal gas to its density p rises all the way."""
    one = gas(x2, x3, h)
    z = z_of(one, p, t)
    if isinstance(z, NotConverged):
        return
    assert isinstance(z, float)
    b, c = second_virial(one.mixture, t), third_virial(one.mixture, t)
    assert b is not None
    assert c is not None
    rho = p / (R * t * z)
    assert 1.0 + rho * (b + c * rho) == pytest.approx(z, rel=1e-11)
    for step in range(101):
        at = rho * step / 100
        assert 1.0 + at * (2.0 * b + 3.0 * c * at) > -1e-9


def test_the_method_s_own_range() -> None:
    """p and T are judged by the range that came with the gas; NaN is outside of every range."""
    narrow = gas(0.02, 0.01, 920.0)._replace(p_bar=(1.0, 2.0), t_k=(280.0, 290.0))
    assert isinstance(z_of(narrow, 2.0, 290.0), float)
    for p, t in ((2.01, 285.0), (math.nan, 285.0), (1.5, 290.01), (1.5, math.nan)):
        assert isinstance(z_of(narrow, p, t), OutOfRange)
