"""ISA: published pressures by altitude, and what no site has."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.atmosphere import atmosphere_dpa, atmosphere_fault, atmosphere_pa
from protocols.metering.refusal import OutOfRange


@pytest.mark.parametrize(
    ("altitude_m", "kpa"),
    [
        (0, 101.325),
        (500, 95.461),
        (1000, 89.875),
        (1892, 80.567),  # Kunming
        (2260, 76.962),  # Xining
        (3650, 64.504),  # Lhasa
    ],
)
def test_table_of_altitudes(altitude_m: float, kpa: float) -> None:
    """ISO 2533, to the printed digits."""
    pressure = atmosphere_pa(altitude_m)
    assert isinstance(pressure, float)
    assert pressure / 1000 == pytest.approx(kpa, rel=0, abs=5e-4)
    assert atmosphere_dpa(altitude_m) == round(pressure * 10)


@pytest.mark.parametrize("altitude_m", [-501.0, 6001.0, math.nan, math.inf, -math.inf])
def test_where_nobody_measures_gas(altitude_m: float) -> None:
    """Feet taken for metres, and what is no number, are refused by the name of the field."""
    for refused in (atmosphere_pa(altitude_m), atmosphere_dpa(altitude_m)):
        assert isinstance(refused, OutOfRange)
        assert refused.field == "altitude_m"
    assert atmosphere_fault(1_013_250, altitude_m) is not None


@given(st.floats(-500, 5999), st.floats(0.01, 1))
def test_it_falls_with_altitude(altitude_m: float, up_m: float) -> None:
    """By about a kPa in a hundred metres, never the other way."""
    low, high = atmosphere_pa(altitude_m), atmosphere_pa(altitude_m + up_m)
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert 3.0 * up_m < low - high < 13.0 * up_m + 1e-9


def test_the_pressure_of_another_place_is_told() -> None:
    """101.325 kPa at Kunming is the error that adds 4.3 % at 400 kPa gauge."""
    assert atmosphere_fault(805_670, 1892) is None
    assert atmosphere_fault(830_000, 1892) is None
    told = atmosphere_fault(1_013_250, 1892)
    assert told is not None
    assert "101.325 kPa is not that of 1892 m (80.567 kPa)" in told
