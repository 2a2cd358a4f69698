"""Energy of a base volume: E = V H, in whole joules, with the remainder carried.

GB/T 22723-2024, ISO 15112: the heating value and the volume must have the same metering
conditions, so a heating value becomes a `BillingHeatingValue` only through `at_base`, which refuses
another reference, and `energy` takes nothing else. A base volume is one of the real gas, so the
heating value is, too.

1 cm3 x 1 J/m3 = 1e-6 J. What is less than a joule is carried into the next interval: the energies
of the parts add up to the energy of the whole exactly, however the time is cut, while the heating
value stays the same.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocols.metering.heating_value import HeatingValue, Kind, State
from protocols.metering.reference import Reference

MICRO: Final = 1_000_000
J_PER_KWH: Final = 3_600_000
J_PER_MJ: Final = 1_000_000


class BillingHeatingValue(NamedTuple):
    """J in a cubic metre at the base conditions of the volume (0.1 Pa, mK)."""

    j_m3: int
    kind: Kind
    reference: Reference
    base_pressure_dpa: int
    base_temperature_mk: int


class Energy(NamedTuple):
    """Whole joules, and the microjoules to carry into the next part (0 to 999,999)."""

    energy_j: int
    remainder_uj: int


class EnergyFault(NamedTuple):
    """Why a heating value cannot be multiplied with a volume, and what to do."""

    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}"


def at_base(
    value: HeatingValue, base_pressure_dpa: int, base_temperature_mk: int
) -> BillingHeatingValue | EnergyFault:
    """The heating value in whole J/m3, if it is one of the base conditions' cubic metre."""
    reference = value.reference
    metered_at = (reference.base_pressure_dpa, reference.base_temperature_mk)
    if metered_at != (base_pressure_dpa, base_temperature_mk):
        return EnergyFault(
            f"the heating value is per cubic metre at {_conditions(*metered_at)}, the volume's "
            f"base conditions are {_conditions(base_pressure_dpa, base_temperature_mk)}",
            "convert it to them first, or correct the base conditions",
        )
    if value.state is not State.REAL:
        return EnergyFault(
            "the heating value is the ideal gas's, the volume the real gas's", "divide it by Z"
        )
    if not 0.0 < value.mj_m3 < 1e6:  # NaN, too
        return EnergyFault(f"a heating value of {value.mj_m3} MJ/m3 is none", "correct it")
    j_m3 = round(value.mj_m3 * 1e6)
    return BillingHeatingValue(j_m3, value.kind, reference, base_pressure_dpa, base_temperature_mk)


def energy(volume_cm3: int, value: BillingHeatingValue, remainder_uj: int = 0) -> Energy:
    """Energy of a base volume and of what the part before it left over.

    Volume that flows back has a counter, and an energy, of its own. Raises ValueError.
    """
    if volume_cm3 < 0:
        raise ValueError(f"a base volume of {volume_cm3} cm3; reverse flow is counted by itself")
    if not 0 <= remainder_uj < MICRO:
        raise ValueError(f"a remainder of {remainder_uj} uJ; it is 0 to {MICRO - 1}")
    return Energy(*divmod(volume_cm3 * value.j_m3 + remainder_uj, MICRO))


def shown_kwh(energy_j: int, decimals: int = 3) -> str:
    """Joules as kWh, rounded half to even once, for people; sums are made of joules."""
    return _shown(energy_j, J_PER_KWH, decimals)


def shown_mj(energy_j: int, decimals: int = 3) -> str:
    """Joules as MJ."""
    return _shown(energy_j, J_PER_MJ, decimals)


def _shown(energy_j: int, unit_j: int, decimals: int) -> str:
    scale = 10**decimals
    whole, rest = divmod(abs(energy_j) * scale, unit_j)
    if 2 * rest > unit_j or (2 * rest == unit_j and whole % 2):
        whole += 1
    sign = "-" if energy_j < 0 and whole else ""
    units, parts = divmod(whole, scale)
    return f"{sign}{units}.{parts:0{decimals}d}" if decimals else f"{sign}{units}"


def _conditions(pressure_dpa: int, temperature_mk: int) -> str:
    return f"{pressure_dpa / 10_000:.4f} kPa and {(temperature_mk - 273_150) / 1000:.3f} °C"
