"""Energy of a base volume: exact sums, and no heating value of another cubic metre."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.energy import (
    BillingHeatingValue,
    EnergyFault,
    at_base,
    energy,
    shown_kwh,
    shown_mj,
)
from protocols.metering.heating_value import HeatingValue, Kind, State
from protocols.metering.reference import CHINA, REFERENCES, SGERG, Reference

CHINA_BASE = (1_013_250, 293_150)
HS = HeatingValue(34.1, CHINA, Kind.SUPERIOR, State.REAL)


def billing(value: HeatingValue, base: tuple[int, int] = CHINA_BASE) -> BillingHeatingValue:
    found = at_base(value, *base)
    assert isinstance(found, BillingHeatingValue), found
    return found


def test_a_month_of_a_large_customer() -> None:
    """1,234,567.89 m3 at 34.1 MJ/m3 are 42,098,765.049 MJ, or 11,694,101.4025 kWh."""
    found = energy(1_234_567_890_000, billing(HS))
    assert found == (42_098_765_049_000, 0)
    assert shown_mj(found.energy_j) == "42098765.049"
    assert shown_kwh(found.energy_j, 4) == "11694101.4025"


def test_the_remainder_is_carried() -> None:
    """A cubic centimetre of 34.1 MJ/m3 is 34.1 J: every tenth one brings a joule more."""
    value = billing(HS)
    remainder = 0
    parts = []
    for _ in range(10):
        joules, remainder = energy(1, value, remainder)
        parts.append(joules)
    assert parts == [34, 34, 34, 34, 34, 34, 34, 34, 34, 35]
    assert remainder == 0


@given(
    st.lists(st.integers(0, 10**13), min_size=1, max_size=50),
    st.floats(1, 100),
    st.integers(0, 999_999),
)
def test_the_parts_add_up_to_the_whole(volumes: list[int], mj_m3: float, remainder_uj: int) -> None:
    """However the time is cut, joule for joule and microjoule for microjoule."""
    value = billing(HS._replace(mj_m3=mj_m3))
    whole = energy(sum(volumes), value, remainder_uj)
    joules, remainder = 0, remainder_uj
    for volume in volumes:
        part, remainder = energy(volume, value, remainder)
        joules += part
    assert (joules, remainder) == whole
    exact = Fraction(sum(volumes), 10**6) * value.j_m3 + Fraction(remainder_uj, 10**6)
    assert exact == joules + Fraction(remainder, 10**6)


@pytest.mark.parametrize(
    "reference", [each for each in REFERENCES.values() if each.t2 is not CHINA.t2], ids=str
)
def test_a_heating_value_of_another_cubic_metre_is_refused(reference: Reference) -> None:
    """A 25/0 value with a volume at 20 degC would bill 7 % too much; both conditions are named."""
    fault = at_base(HS._replace(reference=reference), *CHINA_BASE)
    assert isinstance(fault, EnergyFault)
    assert "101.3250 kPa and 20.000 °C" in str(fault)
    assert "convert it to them first" in str(fault)


@pytest.mark.parametrize("name", REFERENCES)
def test_each_reference_has_its_own_base(name: str) -> None:
    """Base conditions as a configuration holds them; the combustion temperature is free."""
    reference = REFERENCES[name]
    base = (reference.base_pressure_dpa, reference.base_temperature_mk)
    value = billing(HS._replace(reference=reference, kind=Kind.INFERIOR), base)
    assert (value.j_m3, value.kind, value.reference) == (34_100_000, Kind.INFERIOR, reference)


def test_pressures_of_the_united_states_are_not_mixed() -> None:
    """14.73 and 14.696 psia are 0.23 % apart."""
    one, other = REFERENCES["60F/60F@14.73psia"], REFERENCES["60F/60F@14.696psia"]
    base = (other.base_pressure_dpa, other.base_temperature_mk)
    assert isinstance(at_base(HS._replace(reference=one), *base), EnergyFault)


@pytest.mark.parametrize(
    "value",
    [
        HS._replace(state=State.IDEAL),
        HS._replace(mj_m3=math.nan),
        HS._replace(mj_m3=math.inf),
        HS._replace(mj_m3=0.0),
        HS._replace(mj_m3=-34.1),
    ],
)
def test_what_is_no_heating_value_of_a_real_cubic_metre(value: HeatingValue) -> None:
    """The ideal gas's is 0.2 % less; NaN is nobody's."""
    assert isinstance(at_base(value, *CHINA_BASE), EnergyFault)


@pytest.mark.parametrize(("volume", "remainder"), [(-1, 0), (1, -1), (1, 1_000_000)])
def test_a_bug_is_not_booked(volume: int, remainder: int) -> None:
    """Reverse flow has a counter of its own; a remainder is less than a joule."""
    with pytest.raises(ValueError, match=r"it is 0 to|counted by itself"):
        energy(volume, billing(HS), remainder)


@pytest.mark.parametrize(
    ("energy_j", "decimals", "kwh"),
    [
        (0, 3, "0.000"),
        (3_600_000, 3, "1.000"),
        (1_800, 3, "0.000"),  # half a watt-hour: to the even one
        (5_400, 3, "0.002"),
        (1_801, 3, "0.001"),
        (-3_600_000, 1, "-1.0"),
        (-1, 3, "0.000"),
        (35_999_999, 0, "10"),
        (10**30, 3, "277777777777777777777777.778"),
    ],
)
def test_what_people_see(energy_j: int, decimals: int, kwh: str) -> None:
    """Rounded once, from integers of any size."""
    assert shown_kwh(energy_j, decimals) == kwh


def test_the_sgerg_reference_is_a_base_too() -> None:
    """Germany bills at 0 degC."""
    assert billing(HS._replace(reference=SGERG), (1_013_250, 273_150)).reference == SGERG
