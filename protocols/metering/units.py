"""The units that instruments speak, to pascal and kelvin."""

from __future__ import annotations

from typing import Final

# 1 psi = 1 lbf/in2 = 0.45359237 kg x 9.80665 m/s2 / (0.0254 m)2
_PASCAL: Final = {
    "Pa": 1.0, "hPa": 1e2, "kPa": 1e3, "MPa": 1e6, "mbar": 1e2, "bar": 1e5,
    "bar(a)": 1e5, "bar(g)": 1e5, "kPa(a)": 1e3, "kPa(g)": 1e3, "psi": 6894.757293168361,
}  # fmt: skip
_KELVIN: Final = {
    "K": (1.0, 0.0),
    "°C": (1.0, 273.15),
    "°F": (5 / 9, 459.67 * 5 / 9),
}


class UnitError(ValueError):
    """A unit that this quantity cannot have; the profile names it wrongly."""


def to_pascal(value: float, unit: str) -> float:
    """Pressure in Pa; gauge stays gauge, absolute stays absolute. Raises UnitError."""
    if unit not in _PASCAL:
        raise UnitError(f"{unit!r} is no unit of pressure; known: {', '.join(_PASCAL)}")
    return value * _PASCAL[unit]


def to_kelvin(value: float, unit: str) -> float:
    """Temperature in K. Raises UnitError."""
    if unit not in _KELVIN:
        raise UnitError(f"{unit!r} is no unit of temperature; known: {', '.join(_KELVIN)}")
    factor, zero = _KELVIN[unit]
    return value * factor + zero
