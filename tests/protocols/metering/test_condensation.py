"""A vapour above its saturation pressure is no gas to convert, though the equation has its Z."""

import math
import random

import pytest

from protocols.metering import gerg2008
from protocols.metering.composition import COMPONENTS, Composition
from protocols.metering.conversion import BaseConditions, Gerg2008, convert
from protocols.metering.mixture_range import Range
from protocols.metering.refusal import NotConverged, OutOfRange
from tests.protocols.metering.pyaga8_oracle import pipeline_states

ANYWHERE = Range((0.0, math.inf), (0.0, math.inf))

# Saturation pressures, kPa, by the reference equations of the pure substances; CoolProp 8, which
# has these, gives them within 0.3 %
SATURATION = [
    ("methane", 110.0, 88.13),
    ("methane", 150.0, 1040.0),
    ("methane", 180.0, 3285.2),
    ("carbon_dioxide", 280.0, 4160.7),
    ("carbon_dioxide", 300.0, 6713.1),
    ("nitrogen", 110.0, 1466.0),
    ("propane", 280.0, 581.8),
    ("propane", 300.0, 997.8),
    ("n_butane", 300.0, 257.6),
    ("isobutane", 293.15, 301.9),
    ("n_pentane", 293.15, 56.6),
    ("n_hexane", 293.15, 16.2),
]


def pure(name: str) -> Composition:
    return Composition(tuple(float(each == name) for each in COMPONENTS))


def gerg(composition: Composition, p_kpa: float, t_k: float) -> float | OutOfRange | NotConverged:
    return gerg2008.z_within(gerg2008.gerg_gas(composition), p_kpa, t_k, ANYWHERE)


@pytest.mark.parametrize(("name", "t_k", "saturation_kpa"), SATURATION)
def test_a_vapour_ends_at_its_saturation_pressure(
    name: str, t_k: float, saturation_kpa: float
) -> None:
    """Half a per cent below it is a gas, half a per cent above it none, at any pressure."""
    for share in (0.01, 0.5, 0.9, 0.995):
        assert isinstance(gerg(pure(name), share * saturation_kpa, t_k), float), share
    for share in (1.005, 1.05, 1.2, 1.5, 3.0, 10.0):
        assert isinstance(gerg(pure(name), share * saturation_kpa, t_k), NotConverged), share


def test_what_condenses_is_said_to() -> None:
    """The refusal tells it from a pressure that the branch does not reach."""
    told = gerg(pure("propane"), 650.0, 280.0)
    assert str(told) == "GERG-2008: the gas condenses at 650 kPa and 280 K"


def test_base_conditions_at_which_the_gas_is_a_liquid() -> None:
    """No cubic metre of pentane at 0 degC and 101.325 kPa is billed."""
    normal = BaseConditions(101_325.0, 273.15)
    assert isinstance(convert(Gerg2008(pure("n_pentane")), 20_000.0, 290.0, normal), NotConverged)


def test_no_pipeline_gas_is_refused() -> None:
    """At 200 random pipeline states, and the same gases 40 K colder at low pressure."""
    draw = random.Random(6)
    for composition, p_kpa, t_k in pipeline_states(606, 200):
        assert isinstance(gerg(composition, p_kpa, t_k), float)
        assert isinstance(gerg(composition, draw.uniform(50.0, 1_000.0), t_k - 40.0), float)
