"""The range of an equation of state for mixtures: which input is outside, and in which words."""

import math

import pytest

from protocols.metering.composition import COMPONENTS
from protocols.metering.mixture_range import PIPELINE, outside, shares_outside


def fractions(**shares: float) -> tuple[float, ...]:
    """The fractions in the order of the components."""
    return tuple(shares.get(name, 0.0) for name in COMPONENTS)


METHANE = fractions(methane=1.0)


@pytest.mark.parametrize(
    ("p", "t", "field"),
    [
        (12_000.0, 263.0, None),
        (1e-3, 338.0, None),
        (12_000.1, 300.0, "line_pressure_kpa"),
        (0.0, 300.0, "line_pressure_kpa"),
        (-1.0, 300.0, "line_pressure_kpa"),
        (math.nan, 300.0, "line_pressure_kpa"),
        (math.inf, 300.0, "line_pressure_kpa"),
        (100.0, 262.9, "temperature_k"),
        (100.0, 338.1, "temperature_k"),
        (100.0, math.nan, "temperature_k"),
        (math.nan, math.nan, "line_pressure_kpa"),
    ],
)
def test_states(p: float, t: float, field: str | None) -> None:
    """A pressure or temperature outside, or no number, is named."""
    refused = outside(PIPELINE, METHANE, p, t)
    assert (refused and refused.field) == field


@pytest.mark.parametrize("share", PIPELINE.shares, ids=lambda share: "+".join(share.components))
def test_each_share(share: tuple[tuple[str, ...], float, float]) -> None:
    """Each limit belongs to a sum of components: at it a gas is inside, beyond it refused."""
    components, low, high = share
    if components == ("methane",):
        inside = {"methane": 0.7, "nitrogen": 0.2, "carbon_dioxide": 0.1}
        beyond = {"methane": 0.699, "nitrogen": 0.2, "carbon_dioxide": 0.101}
    else:
        inside = {**dict.fromkeys(components, high / len(components)), "methane": 1.0 - high}
        more = high + 1e-5
        beyond = {**dict.fromkeys(components, more / len(components)), "methane": 1.0 - more}
    assert shares_outside(PIPELINE, fractions(**inside)) is None
    refused = shares_outside(PIPELINE, fractions(**beyond))
    assert refused is not None
    assert refused.field == "composition." + "+".join(components)
    assert (refused.low, refused.high) == (low, high)


def test_all_components_have_a_limit() -> None:
    """The pipeline range says something about each of the 21."""
    assert sorted(name for share in PIPELINE.shares for name in share.components) == sorted(
        COMPONENTS
    )


def test_no_number_is_no_share() -> None:
    """A NaN among the shares is refused."""
    refused = outside(PIPELINE, fractions(methane=math.nan), 100.0, 300.0)
    assert refused is not None
    assert refused.field == "composition.methane"
