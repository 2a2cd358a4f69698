"""Reference conditions of a heating value: combustion at t1, metering at t2 and p2.

A heating value is a number of joules only together with these: 36.6 MJ/m3 at 25/0 is 34.1 at
20/20. ISO 6976:2016 has t1 = 0, 15, 60 degF, 20, 25 degC, t2 = 0, 15, 60 degF, 20 degC, and p2
from 90 to 110 kPa. What it prints as 15.55 degC is 60 degF, which is 15.5556 degC.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final, NamedTuple

from protocols.metering.refusal import OutOfRange
from protocols.metering.units import to_pascal

P2_KPA: Final = (90.0, 110.0)
ATMOSPHERE_KPA: Final = 101.325


class ReferenceTemperature(StrEnum):
    """A temperature that ISO 6976 has data for, named in degC; 60F is 60 degF."""

    C0 = "0"
    C15 = "15"
    F60 = "60F"
    C20 = "20"
    C25 = "25"

    @property
    def kelvin(self) -> float:
        return 519.67 * 5 / 9 if self is self.F60 else float(self) + 273.15

    @property
    def column(self) -> int:
        """Its place in the tables of ISO 6976, which are sorted by temperature."""
        return list(ReferenceTemperature).index(self)


C0, C15, F60, C20, C25 = ReferenceTemperature


class Reference(NamedTuple):
    """Combustion temperature t1; metering temperature t2 and pressure p2 (kPa, absolute)."""

    t1: ReferenceTemperature
    t2: ReferenceTemperature
    p2_kpa: float = ATMOSPHERE_KPA

    def __str__(self) -> str:
        """As contracts write it: 20/20 is combustion at 20, metering at 20 degC."""
        if self.p2_kpa == ATMOSPHERE_KPA:
            return f"{self.t1}/{self.t2}"
        named = [name for name, reference in REFERENCES.items() if reference == self]
        return named[0] if named else f"{self.t1}/{self.t2}@{self.p2_kpa!r}kPa"

    @property
    def base_pressure_dpa(self) -> int:
        """p2 as base conditions hold it, 0.1 Pa."""
        return round(self.p2_kpa * 10_000)

    @property
    def base_temperature_mk(self) -> int:
        """t2 as base conditions hold it, mK."""
        return round(self.t2.kelvin * 1000)


class ReferenceFault(NamedTuple):
    """A text that names no reference conditions, and what to write instead."""

    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.text!r} names no reference conditions; {self.remedy}"


def psia(value: float) -> float:
    """kPa of a pressure in psi, absolute."""
    return to_pascal(value, "psi") / 1000


SGERG: Final = Reference(C25, C0)  # ISO 12213-3; Germany
CHINA: Final = Reference(C20, C20)  # GB/T 11062; the trade state is 20 degC, 101.325 kPa
REFERENCES: Final = {
    "20/20": CHINA,
    "25/0": SGERG,
    "15/15": Reference(C15, C15),  # ISO 13443
    "0/0": Reference(C0, C0),  # France, Italy
    "25/20": Reference(C25, C20),
    "25/15": Reference(C25, C15),
    "60F/60F@14.696psia": Reference(F60, F60, psia(14.696)),  # United States
    "60F/60F@14.73psia": Reference(F60, F60, psia(14.73)),  # United States
}

_T2: Final = (C0, C15, F60, C20)
# Multiplied by the first and divided by the second, so that a kPa stays as it is written
_KPA: Final = {
    "kPa": (1.0, 1.0),
    "Pa": (1.0, 1000.0),
    "mbar": (1.0, 10.0),
    "bar": (100.0, 1.0),
    "psia": (to_pascal(1.0, "psi"), 1000.0),
}
_REMEDY: Final = (
    "write t1/t2 such as 20/20 or 25/0, with t1 of 0, 15, 60F, 20, 25 and t2 of 0, 15, 60F, 20, "
    "and @14.73psia or @101.56kPa behind it where the pressure is not 101.325 kPa"
)


def parse_reference(text: str) -> Reference | ReferenceFault:
    """The conditions of `t1/t2` or `t1/t2@pressure`; never guessed from half of them."""
    temperatures, at, pressure = text.strip().partition("@")
    t1, slash, t2 = (part.strip().upper().removesuffix("C") for part in
                     temperatures.partition("/"))  # fmt: skip
    known = set(ReferenceTemperature)
    if slash != "/" or t1 not in known or t2 not in known:
        return ReferenceFault(text, _REMEDY)
    p2_kpa = _pressure_kpa(pressure.strip()) if at else ATMOSPHERE_KPA
    if p2_kpa is None:
        return ReferenceFault(text, _REMEDY)
    reference = Reference(ReferenceTemperature(t1), ReferenceTemperature(t2), p2_kpa)
    return ReferenceFault(text, f"{refused}") if (refused := outside(reference)) else reference


def outside(reference: Reference) -> OutOfRange | None:
    """Why ISO 6976 has no data for these conditions, or None."""
    if reference.t2 not in _T2:
        return OutOfRange("t2", reference.t2.kelvin, C0.kelvin, C20.kelvin)
    if not P2_KPA[0] <= reference.p2_kpa <= P2_KPA[1]:
        return OutOfRange("p2_kpa", reference.p2_kpa, *P2_KPA)
    return None


def reference_of_base(
    t1: ReferenceTemperature, base_pressure_dpa: int, base_temperature_mk: int
) -> Reference | OutOfRange:
    """The reference whose metering conditions are these base conditions, with combustion at t1.

    60 degF is 288,706 mK there, and 1.5e-6 from itself; it is worked with unrounded.
    """
    for t2 in _T2:
        named = Reference(t1, t2)
        if named.base_temperature_mk == base_temperature_mk:
            exact = [
                each.p2_kpa
                for each in (named, *REFERENCES.values())
                if each.base_pressure_dpa == base_pressure_dpa
            ]
            reference = named._replace(p2_kpa=exact[0] if exact else base_pressure_dpa / 10_000)
            return outside(reference) or reference
    return OutOfRange("base_temperature_mk", base_temperature_mk, 273_150, 293_150)


def _pressure_kpa(text: str) -> float | None:
    unit = next((written for written in _KPA if text.endswith(written)), None)
    if unit is None:
        return None
    try:
        value = float(text.removesuffix(unit)) * _KPA[unit][0] / _KPA[unit][1]
    except ValueError:
        return None
    return value if math.isfinite(value) else None
