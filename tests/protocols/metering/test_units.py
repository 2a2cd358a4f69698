"""Units of the instruments."""

import pytest

from protocols.metering.units import UnitError, to_kelvin, to_pascal


@pytest.mark.parametrize(
    ("value", "unit", "pascal"),
    [(1.0, "Pa", 1.0), (1.0, "kPa", 1e3), (1.0, "MPa", 1e6), (1.0, "bar", 1e5),
     (1.0, "bar(a)", 1e5), (1.0, "mbar", 100.0), (14.73, "psi", 101_559.775),
     (14.696, "psi", 101_325.353)],
)  # fmt: skip
def test_pressure(value: float, unit: str, pascal: float) -> None:
    """Each unit of pressure; 14.73 psia is the American base pressure."""
    assert to_pascal(value, unit) == pytest.approx(pascal, abs=1e-3)


@pytest.mark.parametrize(
    ("value", "unit", "kelvin"),
    [(20.0, "°C", 293.15), (60.0, "°F", 288.705556), (32.0, "°F", 273.15), (-40.0, "°F", 233.15),
     (300.0, "K", 300.0)],
)  # fmt: skip
def test_temperature(value: float, unit: str, kelvin: float) -> None:
    """Each unit of temperature; 60 degF is not 15 degC."""
    assert to_kelvin(value, unit) == pytest.approx(kelvin, abs=1e-6)


def test_unknown_units_are_refused() -> None:
    """A unit of another quantity or none is an error that names the known ones."""
    with pytest.raises(UnitError, match="'°C' is no unit of pressure; known: Pa"):
        to_pascal(1.0, "°C")
    with pytest.raises(UnitError, match="'bar' is no unit of temperature"):
        to_kelvin(1.0, "bar")
