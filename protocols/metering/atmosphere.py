"""Atmospheric pressure of a site from its altitude, by the International Standard Atmosphere.

ISO 2533, troposphere:  P = P0 (1 - L h / T0)^(g M / (R L)) = 101.325 kPa (1 - 2.25577e-5 h)^5.25588
with the altitude h in m. Weather moves the true pressure by some per cent; a contract fixes this
one as a legally relevant parameter, or has it measured. Taking 101.325 kPa for Kunming (1892 m)
instead would add 22.9 % to the base volume at 10 kPa gauge.
"""

from __future__ import annotations

from typing import Final

from protocols.metering.exact import power
from protocols.metering.refusal import OutOfRange

P0_PA: Final = 101_325.0
LAPSE_PER_M: Final = 2.25577e-5  # L / T0
EXPONENT: Final = 5.25588
ALTITUDE_M: Final = (-500.0, 6000.0)  # below the Dead Sea's shore, above the highest town
# The lowest and highest pressures of ordinary weather differ from the standard one by less.
WEATHER: Final = 0.06


def atmosphere_pa(altitude_m: float) -> float | OutOfRange:
    """The standard pressure at an altitude, Pa; no site lies outside ALTITUDE_M."""
    if not ALTITUDE_M[0] <= altitude_m <= ALTITUDE_M[1]:
        return OutOfRange("altitude_m", altitude_m, *ALTITUDE_M)
    return P0_PA * power(1.0 - LAPSE_PER_M * altitude_m, EXPONENT)


def atmosphere_dpa(altitude_m: float) -> int | OutOfRange:
    """The same in 0.1 Pa, as a run's configuration holds it."""
    pressure = atmosphere_pa(altitude_m)
    return pressure if isinstance(pressure, OutOfRange) else round(pressure * 10.0)


def atmosphere_fault(declared_dpa: int, altitude_m: float) -> str | None:
    """Why a declared pressure cannot be that of a site at this altitude, whatever the weather."""
    standard = atmosphere_dpa(altitude_m)
    if isinstance(standard, OutOfRange):
        return f"{standard}"
    if abs(declared_dpa - standard) <= WEATHER * standard:
        return None
    return (
        f"an atmospheric pressure of {declared_dpa / 1e4:.3f} kPa is not that of {altitude_m:g} m "
        f"({standard / 1e4:.3f} kPa); correct one of them"
    )
