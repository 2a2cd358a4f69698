"""Heating values at other references: by composition exactly, without one with its spread."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.heating_value import (
    MJ_PER_UNIT,
    Approximate,
    HeatingValue,
    Kind,
    Ratio,
    State,
    UnitFault,
    approximately,
    converted,
    from_mj_m3,
    of_mixture,
    relative_density_ratio,
    stated,
    to_mj_m3,
)
from protocols.metering.iso6976 import NAMES, Mixture, Properties, properties
from protocols.metering.reference import (
    C0,
    C15,
    C20,
    C25,
    CHINA,
    REFERENCES,
    SGERG,
    Reference,
    psia,
)
from protocols.metering.refusal import OutOfRange
from protocols.metering.sample_gases import SAMPLE

ISO, FRANCE = Reference(C15, C15), Reference(C0, C0)
NOT_METERED = Reference(C25, C25)
ARGON = Mixture(tuple(float(name == "argon") for name in NAMES))
REAL = (Kind.SUPERIOR, State.REAL)


def real(mj_m3: float, reference: Reference, kind: Kind = Kind.SUPERIOR) -> HeatingValue:
    return HeatingValue(mj_m3, reference, kind, State.REAL)


@pytest.mark.parametrize(
    ("unit", "mj_m3"),
    [
        ("MJ/m3", 1.0),
        ("kWh/m3", 3.6),
        ("kcal/m3", 0.0041868),
        ("kcal_th/m3", 0.004184),
        ("kJ/m3", 1e-3),
        ("J/m3", 1e-6),
        ("Btu/ft3", 0.03725894580783128),  # 1055.05585262 J / 0.028316846592 m3
    ],
)
def test_units_are_exact(unit: str, mj_m3: float) -> None:
    """By their definitions: the international calorie and Btu, the international foot."""
    assert float(MJ_PER_UNIT[unit]) == mj_m3
    assert to_mj_m3(1.0, unit) == mj_m3


def test_the_btu_is_its_definition() -> None:
    """1055.05585262 J, to the last digit of the standard."""
    assert MJ_PER_UNIT["Btu/ft3"] * Fraction("0.028316846592") * 10**6 == Fraction("1055.05585262")


@given(st.floats(1e-3, 1e6), st.sampled_from(list(MJ_PER_UNIT)))
def test_there_and_back(value: float, unit: str) -> None:
    """Two roundings at most: one unit in the last place, or two."""
    assert from_mj_m3(to_mj_m3(value, unit), unit) == pytest.approx(value, rel=5e-16)


@pytest.mark.parametrize("value", [math.nan, math.inf, -36.6, 0.0, 36600.0])
def test_what_nobody_can_state(value: float) -> None:
    """No number, or one that is out by its unit."""
    refused = stated(value, "MJ/m3", SGERG, *REAL)
    assert isinstance(refused, OutOfRange)
    assert refused.field == "heating_value_mj_m3"


def test_an_unknown_unit_is_told_the_known_ones() -> None:
    """kWh is not kWh/m3."""
    fault = stated(11.5, "kWh", SGERG, *REAL)
    assert isinstance(fault, UnitFault)
    assert "kWh/m3" in str(fault)


def test_a_stated_value_shows_all_it_means() -> None:
    """Reference, kind, and state where it is not the usual one."""
    value = stated(8_750.0, "kcal/m3", CHINA, *REAL)
    assert str(value) == "36.6345 MJ/m3 superior at 20/20"
    ideal = HeatingValue(36.6, SGERG, Kind.INFERIOR, State.IDEAL)
    assert str(ideal) == "36.6000 MJ/m3 inferior at 25/0 (ideal gas)"


@pytest.mark.parametrize(
    ("here", "mean", "low", "high"),
    [(CHINA, 1.0733, 1.07315, 1.07342), (ISO, 1.0543, None, None), (FRANCE, 0.9974, None, None)],
)
def test_mean_factors_to_the_sgerg_reference(
    here: Reference, mean: float, low: float | None, high: float | None
) -> None:
    """As an independent computation found them over the same six gases."""
    found = approximately(real(1.0, here), SGERG, *REAL)
    assert isinstance(found, Approximate)
    assert found.mean.mj_m3 == pytest.approx(mean, rel=0, abs=5.1e-5)
    if low is not None and high is not None:
        assert found.low_mj_m3 == pytest.approx(low, rel=0, abs=6e-6)
        assert found.high_mj_m3 == pytest.approx(high, rel=0, abs=6e-6)


@pytest.mark.parametrize("here", REFERENCES.values(), ids=str)
@pytest.mark.parametrize("there", REFERENCES.values(), ids=str)
@pytest.mark.parametrize("kind", Kind)
def test_the_spread_holds_every_gas_of_the_sample(
    here: Reference, there: Reference, kind: Kind
) -> None:
    """The exact conversion by each composition lies between the lowest and the highest."""
    for gas in SAMPLE.values():
        value = of_mixture(gas, here, *REAL)
        exact = of_mixture(gas, there, kind, State.REAL)
        assert isinstance(value, HeatingValue)
        assert isinstance(exact, HeatingValue)
        about = approximately(value, there, kind, State.REAL)
        assert isinstance(about, Approximate)
        slack = 1e-12 * exact.mj_m3
        assert about.low_mj_m3 - slack <= exact.mj_m3 <= about.high_mj_m3 + slack
        assert about.mean.mj_m3 == pytest.approx(exact.mj_m3, rel=0.003)
        assert about.mean[1:] == (there, kind, State.REAL)


def test_an_approximation_says_that_it_is_one() -> None:
    """With its spread; it is no `HeatingValue` that could be taken for an exact one."""
    about = approximately(real(34.1, CHINA), SGERG, *REAL)
    assert str(about) == "about 36.5992 MJ/m3 superior at 25/0 (36.5944 to 36.6036)"


@given(
    name=st.sampled_from(list(SAMPLE)),
    here=st.sampled_from(list(REFERENCES.values())),
    there=st.sampled_from(list(REFERENCES.values())),
    mj_m3=st.floats(20, 50),
)
def test_a_conversion_can_be_undone(
    name: str, here: Reference, there: Reference, mj_m3: float
) -> None:
    """By the same composition; a measured value keeps its distance from the calculated one."""
    gas = SAMPLE[name]
    value = real(mj_m3, here)
    away = converted(value, there, Kind.INFERIOR, State.IDEAL, gas)
    assert isinstance(away, HeatingValue)
    assert away[1:] == (there, Kind.INFERIOR, State.IDEAL)
    back = converted(away, here, *REAL, gas)
    assert isinstance(back, HeatingValue)
    assert back.mj_m3 == pytest.approx(mj_m3, rel=1e-14)


def test_conversion_by_composition() -> None:
    """Gas 3: 40.54536 at 20/20 is 43.52222 at 25/0, as the derived vectors say."""
    found = converted(real(40.54536, CHINA), SGERG, *REAL, SAMPLE["gas 3"])
    assert isinstance(found, HeatingValue)
    assert found.mj_m3 == pytest.approx(43.52222, rel=0, abs=3e-5)


@pytest.mark.parametrize(
    ("value", "there", "gas", "field"),
    [
        (real(36.6, SGERG), NOT_METERED, SAMPLE["gas 1"], "t2"),
        (real(36.6, NOT_METERED), SGERG, SAMPLE["gas 1"], "t2"),
        (real(36.6, SGERG), CHINA, ARGON, "heating_value_mj_m3"),
    ],
)
def test_no_conversion_without_data(
    value: HeatingValue, there: Reference, gas: Mixture, field: str
) -> None:
    """Conditions that the standard does not have, and a gas that does not burn."""
    refused = converted(value, there, *REAL, gas)
    assert isinstance(refused, OutOfRange)
    assert refused.field == field


@pytest.mark.parametrize(("here", "there"), [(SGERG, NOT_METERED), (NOT_METERED, SGERG)])
def test_no_approximation_without_data(here: Reference, there: Reference) -> None:
    """The same without a composition, for densities too."""
    assert isinstance(approximately(real(36.6, here), there, *REAL), OutOfRange)
    assert isinstance(relative_density_ratio(here, there), OutOfRange)
    assert isinstance(of_mixture(SAMPLE["gas 1"], NOT_METERED, *REAL), OutOfRange)


def test_relative_density_from_20_to_0() -> None:
    """1.0002 to 1.0005 without a composition; each pipeline gas's own ratio lies within."""
    ratio = relative_density_ratio(CHINA, SGERG)
    assert isinstance(ratio, Ratio)
    assert 1.00015 < ratio.low < ratio.mean < ratio.high < 1.0005
    for gas in SAMPLE.values():
        here, there = properties(gas, CHINA), properties(gas, SGERG)
        assert isinstance(here, Properties)
        assert isinstance(there, Properties)
        assert ratio.low - 1e-12 <= there.d / here.d <= ratio.high + 1e-12


def test_a_higher_metering_pressure_holds_more() -> None:
    """14.73 against 14.696 psia: 0.23 % in the heating value of a cubic metre."""
    one, other = REFERENCES["60F/60F@14.696psia"], REFERENCES["60F/60F@14.73psia"]
    found = approximately(real(1.0, one), other, *REAL)
    assert isinstance(found, Approximate)
    assert found.mean.mj_m3 == pytest.approx(14.73 / 14.696, rel=2e-5)
    assert one.p2_kpa == psia(14.696)
    assert C20 in CHINA
